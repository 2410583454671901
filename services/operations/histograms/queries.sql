-- name: histogram
-- The newest events that meet every condition, so many at most, by bucket and type. Text is looked for among these alone.
-- A bucket is the shortest of the lengths of which sixty cover the events; it begins at a round time of the district.
-- Where none is selected, one row without a bucket says how many were read.
with newest as materialized (
    select at, coalesce(type, kind) as type,
        case when $12::text is null then true else position(lower($12) in lower(coalesce(value::text, ''))) > 0 end as selected
    from events
    where ($1::uuid[] is null or site_id = any($1))
        and ($2::text is null or topic = $2)
        and ($3::text is null or type = $3)
        and ($4::text is null or key = $4)
        and ($5::text is null or aggregate_id = $5)
        and ($6::text is null or correlation_id = $6)
        and ($7::uuid is null or site_id = $7)
        and ($8::timestamptz is null or (at >= $8 and day >= ($8 - interval '1 day')::date))
        and ($9::timestamptz is null or at < $9)
        and ($10::integer is null or partition = $10)
        and ($11::bigint is null or offset_ >= $11)
    order by number desc
    limit $13
), span as (
    select count(*) as read, max(at) filter (where selected) - min(at) filter (where selected) as length from newest
), step as (
    select read, coalesce((select min(one) from unnest($14::interval[]) one where one * $15 >= length), length / $15) as step from span
)
select date_bin(step, at, timestamptz '2020-01-01 00:00+08') as bucket, type, count(at) as events, step, read
from step left join newest on selected
group by 1, 2, step, read order by 1, 2;
