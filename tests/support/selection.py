"""Which tests make up a tier: breadth, depth (DEPTH=deep) in parts, and what runs on Apache Kafka too."""

from collections.abc import Sequence

import pytest

from tests.support.depth import turn_of

__all__ = ["ON_KAFKA", "choose", "in_part", "in_tier", "mark", "read_part", "work_of"]

ON_KAFKA = frozenset(
    f"tests/{path}.py"
    for path in (
        "drill/test_kills",
        "drill/test_zombies",
        "integration/notify/test_worker",
        "integration/operations/test_live_agents",
        "integration/points/test_points_worker",
        "integration/points/test_teams_worker",
        "integration/pulse/test_plain_faust",
        "integration/shared/test_batch_consumer",
        "integration/shared/test_kafka_security",
        "integration/shared/test_kafka_tls",
        "integration/shared/test_outbox_refusals",
        "integration/shared/test_outbox_relay",
        "integration/shared/test_poison",
        "integration/shared/test_poison_events",
        "integration/test_stack",
        "integration/web/test_pulse_tail",
    )
)
"""Files whose tests exercise a client of the broker; single tests elsewhere are marked `kafka`."""

PAGES = "tests/e2e/test_pages.py"
"""All files whose names begin like this one use the one stack of the pages."""
BROKER_FIXTURES = frozenset({"broker", "broker_server"})
"""A test that uses one of these runs on a broker, and so does one that is marked so."""


def mark(item: pytest.Item) -> None:
    """Add the markers that follow from what a test is made of."""
    names = frozenset(getattr(item, "fixturenames", ()))
    if BROKER_FIXTURES & names:
        item.add_marker(pytest.mark.broker)
    if item.get_closest_marker("broker") and item.nodeid.partition("::")[0] in ON_KAFKA:
        item.add_marker(pytest.mark.kafka)
    if "drill" in names or getattr(getattr(item, "obj", None), "is_hypothesis_test", False):
        item.add_marker(pytest.mark.grows)


def work_of(nodeid: str) -> str:
    """The file whose tests run in one session with this one: its own, and the first of the pages for all page tests."""
    path = nodeid.partition("::")[0]
    return PAGES if path.startswith(PAGES.removesuffix(".py")) else path


def in_tier(markers: frozenset[str], deep: bool) -> bool:
    """Breadth leaves out what is `deep`; depth is that, and what `grows` with it."""
    return bool(markers & {"deep", "grows"}) if deep else "deep" not in markers


def read_part(text: str) -> tuple[int, int]:
    """`2/3` as (2, 3), the second of three parts.

    Raises:
        ValueError: it is none of these.
    """
    part, _, parts = text.partition("/")
    number, of = int(part), int(parts)
    if not 1 <= number <= of:
        raise ValueError(f"{text} is no part: it is 1/N to N/N")
    return number, of


def in_part(path: str, part: tuple[int, int] | None) -> bool:
    """Whether a test file runs in this part of the depth; without a part, all do."""
    return part is None or turn_of(path, part[1]) == part[0] - 1


def choose(
    items: Sequence[pytest.Item], deep: bool, part: tuple[int, int] | None
) -> tuple[list[pytest.Item], list[pytest.Item]]:
    """(what runs, what does not)"""
    chosen: list[pytest.Item] = []
    left: list[pytest.Item] = []
    for item in items:
        markers = frozenset(marker.name for marker in item.iter_markers())
        path = item.nodeid.partition("::")[0]
        (chosen if in_tier(markers, deep) and in_part(path, part) else left).append(item)
    return chosen, left
