-- Where sites lie. A phone computes its distance at check-in from it; positions of people are kept nowhere.
create table site_positions (
    site_id    uuid primary key references sites,
    latitude   double precision not null check (latitude between -90 and 90),
    longitude  double precision not null check (longitude between -180 and 180)
);
