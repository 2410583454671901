"""What happens in the demo district, decided before anything runs: a seed gives the same plan, always.

Pure: no clock, no network. Times are instants in the district's zone; persons, activities and drives are indices into
the plan's tuples.
"""

from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from random import Random
from zoneinfo import ZoneInfo

from dev.demo import names

__all__ = ["FULL", "SMALL", "Activity", "Day", "Person", "Plan", "Scale", "Visit", "at", "drive_days", "make_plan"]

ZONE = ZoneInfo("Asia/Shanghai")
PROLOGUE = date(2023, 12, 4)
FIRST, LAST = date(2026, 1, 1), date(2026, 3, 4)


@dataclass(frozen=True, slots=True)
class Scale:
    """How much of the district is played. ``scanned`` visits go one by one, ``uploaded`` ones in batches."""

    first: date
    last: date
    activities: int
    imported: int
    registered: int
    scanned: int
    uploaded: int
    participants: int
    prologue: int
    finale: int
    """Volunteers who check out on the last day at a measured pace."""
    redemption_every: int = 12
    """Days between two days on which the centre hands out rewards."""


FULL = Scale(FIRST, LAST, 912, 9_686, 2_065, 1_800, 6_200, 3_850, 240, 300)
SMALL = Scale(date(2026, 2, 26), LAST, 42, 400, 60, 80, 300, 260, 20, 10, redemption_every=3)


@dataclass(frozen=True, slots=True)
class Person:
    """A volunteer-to-be. ``registry`` and ``prior_hours`` of those who are imported; ``day`` of those who register."""

    index: int
    name: str
    phone: str
    birth: date
    email: str | None = None
    registry: str | None = None
    prior_hours: int = 0
    day: date | None = None
    drive: int | None = None
    appeal: int | None = None
    station: int = 0


@dataclass(frozen=True, slots=True)
class Visit:
    """One person's service in one activity's shift; ``late`` visits are uploaded days afterwards."""

    person: int
    starts_at: datetime
    ends_at: datetime
    late_days: int = 0
    forgets: bool = False
    """Never checks out: the shift's end closes the record, staff confirm it."""


@dataclass(frozen=True, slots=True)
class Activity:
    """An activity with its one shift and who comes. ``way`` is ``scanned``, ``kiosk`` or ``leader``."""

    index: int
    title: str
    theme: int
    team: int
    site: int
    way: str
    starts_at: datetime
    ends_at: datetime
    capacity: int
    residents: int
    visits: tuple[Visit, ...]


@dataclass(frozen=True, slots=True)
class Day:
    """One day of the district: who registers, what takes place, what is uploaded late."""

    day: date
    registrations: tuple[int, ...]
    activities: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """The whole demo. Sites: 0 is the centre, 1–7 institutes, 8–25 stations."""

    seed: int
    scale: Scale
    sites: tuple[tuple[str, str, str, int | None], ...]
    teams: tuple[tuple[str, str, int], ...]
    people: tuple[Person, ...]
    activities: tuple[Activity, ...]
    prologue: tuple[Activity, ...]
    finale: Activity
    days: tuple[Day, ...]
    team_of_site: dict[int, int] = field(default_factory=dict)


def at(day: date, hour: int, minute: int = 0) -> datetime:
    """A time of day in the district."""
    return datetime.combine(day, time(hour, minute), ZONE)


def make_plan(seed: int, scale: Scale = FULL) -> Plan:
    """Decide everything."""
    random = Random(seed)
    sites = _sites()
    teams = _teams()
    people = _people(random, scale)
    activities = _activities(random, scale, teams, people)
    finale = _finale(random, scale, people, activities)
    prologue = _prologue(random, scale)
    days = []
    for offset in range((scale.last - scale.first).days + 1):
        day = scale.first + timedelta(days=offset)
        days.append(
            Day(
                day,
                tuple(person.index for person in people if person.day == day),
                tuple(activity.index for activity in activities if activity.starts_at.date() == day),
            )
        )
    return Plan(seed, scale, sites, teams, people, activities, prologue, finale, tuple(days))


def _sites() -> tuple[tuple[str, str, str, int | None], ...]:
    """(kind, name, level, parent's index)."""
    found: list[tuple[str, str, str, int | None]] = [("centre", "岭东区新时代文明实践中心", "district", None)]
    found += [("institute", name, level, 0) for name, level in names.INSTITUTES]
    found += [("station", f"{name}新时代文明实践站", "community", 1 + parent) for name, parent in names.STATIONS]
    return tuple(found)


def _teams() -> tuple[tuple[str, str, int], ...]:
    """(kind, name, site's index): one corps, thirteen detachments, twenty-eight teams."""
    found = [("corps", "岭东区志愿服务总队", 0)]
    found += [("detachment", f"{name}志愿服务支队", 0) for name in names.DETACHMENTS]
    homes = [*range(1, 26), 8, 9, 10]
    found += [
        ("team", f"{_short(home)}{names.TEAM_WORK[number % len(names.TEAM_WORK)]}小分队", home)
        for number, home in enumerate(homes)
    ]
    return tuple(found)


def _short(site: int) -> str:
    return names.INSTITUTES[site - 1][0].removesuffix("新时代文明实践所") if site < 8 else names.STATIONS[site - 8][0]


def _people(random: Random, scale: Scale) -> tuple[Person, ...]:
    people: list[Person] = []
    for index in range(scale.imported):
        hours = random.choices(
            (0, random.randint(1, 40), random.randint(41, 99), random.randint(100, 640)), (60, 30, 8, 2)
        )
        people.append(
            Person(
                index,
                _name(random),
                _phone(index),
                _birth(random),
                registry=f"LJ{2_300_000_000 + index}",
                prior_hours=hours[0],
                station=8 + random.randrange(18),
            )
        )
    span = (scale.last - scale.first).days
    for number in range(scale.registered):
        index = scale.imported + number
        # Registration comes first and service later, so nobody registers on the last days except at the very end.
        day = scale.first + timedelta(days=min(span, int(span * random.random())))
        open_drives = [number for number, (begin, end) in enumerate(drive_days(scale)) if begin <= day <= end]
        drive = random.choice(open_drives) if open_drives and random.random() < 0.72 else None
        appeal = random.randrange(len(names.APPEALS)) if drive is None and random.random() < 0.7 else None
        email = f"volunteer{index}@example.org" if number % 40 == 0 else None
        people.append(
            Person(
                index, _name(random), _phone(index), _birth(random), email, day=day, drive=drive, appeal=appeal,
                station=8 + random.randrange(18),
            )
        )  # fmt: skip
    return tuple(people)


def drive_days(scale: Scale) -> list[tuple[date, date]]:
    """First and last day of each drive: they follow one another and overlap, each nine days long."""
    span, count = (scale.last - scale.first).days, len(names.DRIVES)
    begins = [scale.first + timedelta(days=max(0, number * span // count - 3)) for number in range(count)]
    return [(begin, begin + timedelta(days=8)) for begin in begins]


def _name(random: Random) -> str:
    return random.choice(names.SURNAMES) + "".join(random.choices(names.GIVEN, k=random.choice((1, 2, 2))))


def _phone(index: int) -> str:
    return f"139{46_000_000 + index * 7:08d}"


def _birth(random: Random) -> date:
    return date(1946, 1, 1) + timedelta(days=random.randrange(62 * 365))


class _Calendar:
    """Who is busy when; nobody serves at two places at once, nor within the hour after."""

    def __init__(self) -> None:
        self._busy: dict[tuple[int, date], list[tuple[datetime, datetime]]] = {}

    def take(self, person: int, starts_at: datetime, ends_at: datetime) -> bool:
        """Note the time if it is free."""
        taken = self._busy.setdefault((person, starts_at.date()), [])
        margin = timedelta(hours=1)
        if any(starts_at < end + margin and begin < ends_at + margin for begin, end in taken):
            return False
        taken.append((starts_at, ends_at))
        return True


SLOTS = ((8, 10), (9, 11), (10, 12), (13, 15), (14, 16), (15, 17))


def _activities(
    random: Random, scale: Scale, teams: tuple[tuple[str, str, int], ...], people: tuple[Person, ...]
) -> tuple[Activity, ...]:
    days = (scale.last - scale.first).days + 1
    scanned_count = max(1, scale.activities // 8)
    # Not everybody in the pool is drawn, hence the tenth more.
    active_imported = max(1, int((scale.participants - scale.registered * 0.7) * 1.1))
    calendar = _Calendar()
    newcomers = [person for person in people if person.day is not None]
    drafts: list[Activity] = []
    for index in range(scale.activities):
        day = scale.first + timedelta(days=index * days // scale.activities)
        # Every team is active, and every institute and station has an activity.
        team = index % len(teams)
        site = teams[team][2] if index % 3 else (index // 3) % 26
        way = "scanned" if index % 8 == 3 else ("leader" if index % 5 == 0 else "kiosk")
        begin, end = SLOTS[random.randrange(len(SLOTS))] if way == "scanned" else (random.choice((8, 9, 13, 14)), 0)
        hours = end - begin if way == "scanned" else random.choice((1, 2, 2, 3, 4))
        starts_at = at(day, begin)
        ends_at = starts_at + timedelta(hours=hours)
        theme = index % len(names.THEMES)
        title = f"{_short(site)}“{names.THEMES[theme][0]}”志愿服务"
        if index == 7:
            title = "惠民社区“唱响新时代雷锋之歌”"
        quota = (
            _share(scale.scanned, scanned_count, index // 8)
            if way == "scanned"
            else _share(scale.uploaded, scale.activities - scanned_count, index)
        )
        visits = _visits(random, scale, calendar, newcomers, active_imported, way, starts_at, ends_at, quota)
        drafts.append(
            Activity(
                index, title, theme, team, site, way, starts_at, ends_at, len(visits) + random.randint(2, 6),
                random.randint(9, 26), visits,
            )
        )  # fmt: skip
    return tuple(drafts)


def _share(total: int, parts: int, place: int) -> int:
    return total * (place % parts + 1) // parts - total * (place % parts) // parts


def _visits(
    random: Random,
    scale: Scale,
    calendar: _Calendar,
    newcomers: list[Person],
    active_imported: int,
    way: str,
    starts_at: datetime,
    ends_at: datetime,
    quota: int,
) -> tuple[Visit, ...]:
    """Who comes: scanned activities draw those who registered before the day, uploads mostly the imported."""
    day = starts_at.date()
    ready = [person.index for person in newcomers if person.day is not None and person.day < day]
    visits: list[Visit] = []
    for _ in range(quota * 4):
        if len(visits) == quota:
            break
        if way == "scanned" and not ready:
            break
        if way == "scanned" or (ready and random.random() < 0.25):
            person = ready[random.randrange(len(ready))]
        else:
            # Few come often, many once.
            person = int(active_imported * random.random() ** 1.1)
        begin, end = _times(random, way, starts_at, ends_at)
        if not calendar.take(person, begin, end):
            continue
        late = random.randint(2, 9) if way != "scanned" and random.random() < 0.01 else 0
        visits.append(Visit(person, begin, end, late, forgets=way == "scanned" and random.random() < 0.01))
    return tuple(visits)


def _times(random: Random, way: str, starts_at: datetime, ends_at: datetime) -> tuple[datetime, datetime]:
    """Scanned visits share few moments, so that driven time moves in few steps."""
    length = int((ends_at - starts_at).total_seconds() // 60)
    if way == "scanned":
        return starts_at, starts_at + timedelta(minutes=random.choice((length, length, length, length - 30)))
    begin = starts_at + timedelta(minutes=random.randrange(0, 16))
    return begin, ends_at - timedelta(minutes=random.choice((0, 0, 3, 7, 12, min(length - 20, 50))))


def _finale(random: Random, scale: Scale, people: tuple[Person, ...], activities: tuple[Activity, ...]) -> Activity:
    """4 March, the plaque of the first 雷锋主题社区: many check out one after the other, and latency is measured."""
    # The day's cap must not take the points of those who are waited for.
    tired = {
        visit.person for activity in activities for visit in activity.visits if visit.starts_at.date() == scale.last
    }
    ready = [p.index for p in people if p.day is not None and p.day < scale.last and p.index not in tired]
    chosen = random.sample(ready, min(scale.finale, len(ready)))
    starts_at = at(scale.last, 18)
    ends_at = starts_at + timedelta(hours=2)
    visits = tuple(Visit(person, starts_at, ends_at) for person in chosen)
    return Activity(
        len(activities),
        "通达社区雷锋主题社区揭牌日志愿服务",
        33,
        0,
        10,
        "scanned",
        starts_at,
        ends_at,
        len(visits) + 10,
        120,
        visits,
    )


def _prologue(random: Random, scale: Scale) -> tuple[Activity, ...]:
    """25 months back: what was earned then has expired when the year begins."""
    found: list[Activity] = []
    for number in range(4):
        starts_at = at(PROLOGUE + timedelta(days=number), 9)
        ends_at = starts_at + timedelta(hours=3)
        chosen = random.sample(range(min(scale.imported, scale.prologue * 3)), scale.prologue // 4)
        visits = tuple(
            Visit(person, starts_at, ends_at - timedelta(minutes=random.choice((0, 5, 30)))) for person in chosen
        )
        found.append(
            Activity(
                number,
                f"第{number + 1}期冬季关爱行动",
                0,
                0,
                8 + number,
                "kiosk",
                starts_at,
                ends_at,
                len(chosen) + 5,
                20,
                visits,
            )
        )
    return tuple(found)
