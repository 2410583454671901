"""The broker's permissions follow from the registry: owners write, readers read, and nothing else is allowed."""

import importlib
import pkgutil
import subprocess
import sys

import services.notify
import services.operations
import services.points
import services.recruitment
from ops.kafka.acls import PRINCIPALS, Operation, Pattern, Resource, acls, as_command
from shared.kafka.topics import READERS, TOPICS, topic_name
from shared.settings import Settings
from tests.support.databases import ROOT

SETTINGS = Settings(environment="test", topic_prefix="t.")


def holders(entity: str, operation: Operation) -> set[str]:
    """Principals that may do so, by literal names and by prefixes."""
    name = topic_name(SETTINGS, entity)
    return {
        acl.principal
        for acl in acls(SETTINGS)
        if acl.resource is Resource.TOPIC and acl.operation is operation
        if (acl.name == name if acl.pattern is Pattern.LITERAL else name.startswith(acl.name))
    }


def test_each_topic_is_written_by_its_owner_alone() -> None:
    for topic in TOPICS.values():
        assert holders(topic.entity, Operation.WRITE) == {topic.owner, *topic.writers} - {"ops"}
        assert not holders(topic.entity, Operation.CREATE)


def test_each_topic_is_read_by_its_readers_alone() -> None:
    for topic in TOPICS.values():
        expected = {reader.service for reader in READERS if topic.entity in reader.topics}
        assert holders(topic.entity, Operation.READ) == expected


def test_the_gateway_reads_the_pulse_and_may_do_nothing_else() -> None:
    (only,) = [acl for acl in acls(SETTINGS) if acl.principal == "web"]
    assert (only.name, only.operation) == ("t.volunteering.pulse.v1", Operation.READ)


def test_groups_are_their_services_own() -> None:
    for reader in READERS:
        if reader.group is None:
            continue
        name = f"t.{reader.group}"
        allowed = {a.principal for a in acls(SETTINGS) if a.resource is Resource.GROUP and name.startswith(a.name)}
        assert allowed == {reader.service}


def test_a_faust_app_may_create_its_changelogs_and_nothing_of_the_registry() -> None:
    created = {acl.name for acl in acls(SETTINGS) if acl.operation is Operation.CREATE}
    assert created == {"t.operations-live-"}


def test_every_consumer_in_code_is_a_reader_of_the_registry() -> None:
    declared = {(reader.service, reader.group): set(reader.topics) for reader in READERS if reader.group is not None}
    found = {}
    for service in (services.notify, services.operations, services.points, services.recruitment):
        for module in pkgutil.walk_packages(service.__path__, f"{service.__name__}."):
            if module.name.endswith(".stream"):
                stream = importlib.import_module(module.name)
                if hasattr(stream, "GROUP"):
                    topics = stream.TOPICS
                    found[module.name.split(".")[1], stream.GROUP] = set(topics)
    assert found == declared


def test_every_group_can_announce_its_dead_letters() -> None:
    for reader in READERS:
        if reader.group is not None and reader.dead_letters:
            for entity in reader.topics:
                assert TOPICS[f"{entity}.{reader.group}.dlq"].owner == reader.service


def test_the_principals_are_the_services() -> None:
    assert PRINCIPALS == ("notify", "operations", "points", "recruitment", "web")


def test_they_are_printed_as_arguments_of_kafkas_own_command() -> None:
    lines = [as_command(acl) for acl in acls(Settings(environment="test"))]
    assert "--add --allow-principal User:recruitment --operation Write --topic volunteering.attendance.v1" in lines
    assert (
        "--add --allow-principal User:points --operation Read --group points-ingest --resource-pattern-type prefixed"
    ) in lines
    command = [sys.executable, "-m", "ops.provision", "kafka", "--print"]
    printed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=60).stdout
    assert printed.splitlines() == lines
