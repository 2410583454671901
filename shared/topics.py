"""The registry of topics and of who reads them; what creates them lies in `shared.kafka.topics`."""

from dataclasses import dataclass

from shared.settings import Settings

__all__ = [
    "CONTROL_TOPIC",
    "INDEXED",
    "LIVE",
    "LIVE_DEAD_LETTERS",
    "NAMESPACE",
    "READERS",
    "TOPICS",
    "Topic",
    "TopicReader",
    "topic_name",
]

NAMESPACE = "volunteering"


@dataclass(frozen=True, slots=True)
class Topic:
    """A logical topic: its owner and ``writers`` alone write it; ``key`` says what keeps its order."""

    entity: str
    owner: str
    key: str
    about: str
    partitions: int | None = None
    """None: as many as the settings say. Quiet topics have few: each partition that is read costs idle fetches."""
    retention_hours: int | None = None
    """None: kept for as long as the broker keeps anything."""
    writers: tuple[str, ...] = ()
    """Services that write it beside the owner."""


_ALL = (
    Topic("sites", "recruitment", "site_id", "a site was founded, renamed, moved or closed", 1),
    Topic("activities", "recruitment", "activity_id", "an activity was published, changed or closed", 2),
    Topic("volunteers", "recruitment", "volunteer_id", "a volunteer was registered or imported"),
    Topic("drives", "recruitment", "drive_id", "a recruitment drive was opened", 1),
    Topic(
        "signups",
        "recruitment",
        "volunteer_id",
        "a sign-up for a shift was placed or cancelled, passed on, waited for or is near",
    ),
    Topic("attendance", "recruitment", "volunteer_id", "a service record at a revision, whole"),
    Topic(
        "assertions",
        "recruitment",
        "volunteer_id",
        "another account asserted, changed or decided something about a service record",
        2,
    ),
    Topic("orders", "recruitment", "order_id", "a resident's order took a step", 2),
    Topic("points", "points", "volunteer_id", "a balance changed, and why"),
    Topic("badges", "points", "volunteer_id", "a badge was awarded or revoked"),
    Topic("team-badges", "points", "team_id", "a team's badge was awarded or revoked", 1),
    Topic("redemptions", "points", "volunteer_id", "a reward was held, handed over, released or refunded", 2),
    Topic(
        "integrity",
        "points",
        "subject",
        "a case was opened or settled: what looks like fraud, and what a person decided",
        1,
    ),
    Topic("proposals", "recruitment", "case_id", "records of a confirmed case wait, or another site decided", 1),
    Topic("pulse", "operations", "district", "records and points of the last minute, each second", 1, 1),
    Topic(
        "beats",
        "operations",
        "service",
        "processes, consumers and outbox of each service, every few seconds",
        1,
        1,
        writers=("notify", "points", "recruitment"),
    ),
    Topic("alerts", "operations", "watched", "a monitor tripped or cleared", 1),
    Topic("notifications", "notify", "volunteer_id", "a message reached a channel"),
    Topic("attendance.points-ingest.dlq", "points", "volunteer_id", "attendance that points could not apply", 1),
    Topic("attendance.points-teams.dlq", "points", "volunteer_id", "attendance that could not be counted for teams", 1),
    Topic("assertions.points-denials.dlq", "points", "volunteer_id", "assertions that integrity could not read", 1),
    Topic("integrity.recruitment-integrity.dlq", "recruitment", "subject", "cases that recruitment could not read", 1),
    Topic("signups.points-context.dlq", "points", "volunteer_id", "sign-ups that integrity could not read", 1),
    Topic("volunteers.points-context.dlq", "points", "volunteer_id", "registrations that integrity could not read", 1),
    Topic("drives.points-context.dlq", "points", "drive_id", "drives that integrity could not read", 1),
    Topic("proposals.points-context.dlq", "points", "case_id", "decisions on voids that integrity could not read", 1),
    Topic("orders.points-orders.dlq", "points", "order_id", "order events that points could not read", 1),
    Topic("points.notify.dlq", "notify", "volunteer_id", "points events that notify could not apply", 1),
    Topic("badges.notify.dlq", "notify", "volunteer_id", "badge events that notify could not apply", 1),
    Topic("signups.notify.dlq", "notify", "volunteer_id", "sign-up events that notify could not apply", 1),
    Topic("redemptions.notify.dlq", "notify", "volunteer_id", "redemption events that notify could not apply", 1),
    Topic("assertions.notify.dlq", "notify", "volunteer_id", "assertions that notify could not apply", 1),
    Topic("orders.notify.dlq", "notify", "order_id", "order events that notify could not apply", 1),
    Topic("proposals.notify.dlq", "notify", "case_id", "proposed voids that notify could not apply", 1),
    Topic("alerts.notify.dlq", "notify", "watched", "alerts that notify could not apply", 1),
    Topic(
        "audit",
        "operations",
        "service",
        "an operator read a dead letter or acted on dead letters or a consumer, of any service",
        1,
        writers=("notify", "points", "recruitment"),
    ),
    Topic("control", "ops", "incarnation", "which life of the broker's log this is", 1),
)

TOPICS: dict[str, Topic] = {topic.entity: topic for topic in _ALL}
CONTROL_TOPIC = "control"
INDEXED = tuple(topic.entity for topic in _ALL if topic.entity not in {CONTROL_TOPIC, "pulse", "beats"})
"""The topics that operations indexes: events and dead letters, but not pulse and beats, which repeat themselves."""
LIVE = ("attendance", "points")
LIVE_DEAD_LETTERS = tuple(entity for entity in INDEXED if entity.endswith(".dlq"))
"""The topics that the live view of operations counts; tables of faust follow the number of their topics' partitions."""


@dataclass(frozen=True, slots=True)
class TopicReader:
    """A service that reads topics, in a consumer group or (``group`` is None) as a tail without one."""

    service: str
    topics: tuple[str, ...]
    group: str | None = None
    tables: bool = False
    """Whether it is a faust app, which creates and writes changelog topics named after its group."""
    dead_letters: bool = True
    """Whether it has dead letters; operations stores or counts whatever it reads, and has none."""


READERS = (
    TopicReader("points", ("attendance",), "points-ingest"),
    TopicReader("points", ("attendance",), "points-teams"),
    TopicReader("points", ("assertions",), "points-denials"),
    TopicReader("points", ("signups", "volunteers", "drives", "proposals"), "points-context"),
    TopicReader("points", ("orders",), "points-orders"),
    TopicReader("recruitment", ("integrity",), "recruitment-integrity"),
    TopicReader(
        "notify",
        ("points", "badges", "signups", "redemptions", "assertions", "alerts", "orders", "proposals"),
        "notify",
    ),
    TopicReader("operations", INDEXED, "operations-index", dead_letters=False),
    TopicReader("operations", (*LIVE, *LIVE_DEAD_LETTERS, "beats"), "operations-live", tables=True, dead_letters=False),
    TopicReader("web", ("pulse",)),
)
"""Who reads what: the broker's ACLs are made from this, so a reader that is not named here reads nothing."""


def topic_name(settings: Settings, entity: str) -> str:
    """The topic's name on the broker: ``volunteering.<entity>.v1``, after the prefix that tests set."""
    base, dot, rest = entity.partition(".")
    return f"{settings.topic_prefix}{NAMESPACE}.{base}.v1{dot}{rest}"
