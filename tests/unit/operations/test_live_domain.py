"""The windows of the live view equal a count by hand, whatever order the records come in."""

from collections import Counter
from datetime import UTC, datetime
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from services.operations.live.domain import (
    DEAD_LETTER,
    KEEP_SECONDS,
    MINUTE_SECONDS,
    NO_COUNTS,
    SLICE_SECONDS,
    Counts,
    LivePlace,
    Sighting,
    Slice,
    key_of,
    minutes_of,
    place_of,
    pulse_of,
)

NOW = 1_772_586_000.0 + 37
SITES = [UUID(int=n) for n in (1, 2)]
PLACES = st.builds(
    LivePlace,
    st.sampled_from(["attendance|x", "points", DEAD_LETTER]),
    st.none() | st.sampled_from(SITES),
    st.none() | st.sampled_from([UUID(int=3)]),
)
RECORDS = st.lists(
    st.tuples(
        st.integers(0, int(KEEP_SECONDS) - 1),
        st.integers(0, 2),
        st.builds(Sighting, PLACES, st.integers(0, 1), st.integers(-5, 9)),
        st.floats(0, 60),
    ),
    max_size=40,
)
"""Seconds ago, partition, what was seen, and how late it was."""


def sliced(records: list[tuple[int, int, Sighting, float]]) -> list[Slice]:
    """The table as the agents keep it: each record is added to the slice of its time."""
    table: dict[tuple[str, float], Counts] = {}
    for ago, partition, sighting, late in records:
        start = (NOW - ago) // SLICE_SECONDS * SLICE_SECONDS
        key = key_of(sighting.place, partition)
        table[key, start] = Counts(*table.get((key, start), NO_COUNTS).packed()).plus(sighting.counts(late))
    return [Slice(key, start, counts) for (key, start), counts in table.items()]


@given(RECORDS, st.randoms())
def test_minutes_and_pulse_equal_a_count_by_hand_in_any_order(
    records: list[tuple[int, int, Sighting, float]], random: object
) -> None:
    shuffled = list(records)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    slices = sliced(shuffled)
    assert sorted(slices, key=lambda s: (s.key, s.start)) == sorted(sliced(records), key=lambda s: (s.key, s.start))

    events: Counter[tuple[datetime, LivePlace]] = Counter()
    points: Counter[tuple[datetime, LivePlace]] = Counter()
    late: Counter[tuple[datetime, LivePlace]] = Counter()
    for ago, _, sighting, age in records:
        minute = (NOW - ago) // MINUTE_SECONDS * MINUTE_SECONDS
        if minute < (NOW // MINUTE_SECONDS - 2) * MINUTE_SECONDS:
            continue
        place = datetime.fromtimestamp(minute, UTC), sighting.place
        events[place] += 1
        points[place] += sighting.points
        late[place] += round(age * 1000)
    found = {(one.minute, one.place): one.counts for one in minutes_of(slices, NOW)}
    assert {place: counts.events for place, counts in found.items()} == events
    assert all((counts.points, counts.lateness_ms) == (points[p], late[p]) for p, counts in found.items())

    recent = [
        (sighting, age)
        for ago, _, sighting, age in records
        if (NOW - ago) // SLICE_SECONDS * SLICE_SECONDS > NOW - MINUTE_SECONDS
    ]
    pulse = pulse_of(slices, NOW)
    assert pulse.records == sum(sighting.records for sighting, _ in recent)
    assert pulse.points == sum(sighting.points for sighting, _ in recent)
    assert pulse.dead_letters == sum(sighting.place.type == DEAD_LETTER for sighting, _ in recent)
    assert pulse.latest_ms == max((round(age * 1000) for _, age in recent), default=0)
    by_site = {site: sum(s.records for s, _ in recent if s.place.site_id == site) for site in SITES}
    assert {site: records for site, (records, _) in pulse.by_site.items() if records} == {
        site: records for site, records in by_site.items() if records
    }


@given(PLACES, st.integers(0, 500))
def test_the_key_of_a_place_says_which_place_it_is(place: LivePlace, partition: int) -> None:
    assert place_of(key_of(place, partition)) == place
