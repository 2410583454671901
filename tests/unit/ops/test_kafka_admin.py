"""Permissions beyond the plan are reported where they concern us, and named in words."""

import pytest

from ops.kafka.acls import Pattern, Resource, acls
from ops.kafka.admin import ALLOW, Present, unplanned
from shared.settings import Settings

SETTINGS = Settings(environment="test")
ANYONE = "User:*"


def present(principal: str, name: str, **more: int) -> Present:
    values = {"resource": Resource.TOPIC, "pattern": Pattern.LITERAL, "operation": 4, "permission": ALLOW, **more}
    return Present(
        principal, values["resource"], values["pattern"], name, values["operation"], values["permission"], "*"
    )


@pytest.mark.parametrize(
    "found",
    [
        present(ANYONE, "volunteering.attendance.v1"),
        present(ANYONE, "*"),
        present(ANYONE, "volunteering.", pattern=Pattern.PREFIXED),
        present(ANYONE, "operations-live-slices-changelog"),
        present(ANYONE, "points-ingest-1", resource=Resource.GROUP),
        present("User:web", "elsewhere"),
        present("User:other", "kafka-cluster", resource=4),
    ],
    ids=str,
)
def test_what_reaches_our_topics_groups_or_users_is_reported(found: Present) -> None:
    assert unplanned({found}, acls(SETTINGS)) == [found]


@pytest.mark.parametrize(
    "found",
    [
        present("User:other", "their.topic"),
        present("User:other", "volunteering", resource=Resource.GROUP),
        present("User:other", "volunteering.attendance.v1", resource=Resource.GROUP),
        present("User:other", "their.", pattern=Pattern.PREFIXED),
    ],
    ids=str,
)
def test_what_concerns_other_systems_is_not(found: Present) -> None:
    assert unplanned({found}, acls(SETTINGS)) == []


def test_what_is_planned_is_not_reported() -> None:
    planned = acls(SETTINGS)
    assert unplanned({Present.of(acl) for acl in planned}, planned) == []


def test_a_permission_is_named_in_words() -> None:
    found = present("User:web", "volunteering.", pattern=Pattern.PREFIXED, operation=2)
    assert str(found) == "allow User:web from * to do anything with topic volunteering. (prefix)"
    assert str(present("User:web", "a", permission=2)) == "deny User:web from * to write topic a"
    assert str(present("User:web", "a", resource=9, operation=99)).endswith("operation 99 resource 9 a")
