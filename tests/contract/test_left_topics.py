"""Topics and groups that docs/operations.md calls left over are neither read nor written."""

import re
from pathlib import Path

from shared.kafka.topics import READERS, TOPICS, topic_name
from shared.settings import Settings

OPERATIONS = Path(__file__).parents[2] / "docs" / "operations.md"


def test_topics_and_groups_to_delete_are_not_in_use() -> None:
    text = OPERATIONS.read_text("utf-8")
    (table,) = re.findall(r"can be deleted.*?\n\n(\|.*?)\n\n", text, re.DOTALL)
    named = set(re.findall(r"`([^`]+)`", table))
    settings = Settings.model_construct(topic_prefix="")
    live = {topic_name(settings, entity) for entity in TOPICS}
    assert {"points-integrity", "points-pulse", "volunteering.integrity-acts.v1"} <= named
    assert not named & live
    assert not named & {reader.group for reader in READERS}
    entities = {re.sub(r"\.v1", "", name.removeprefix("volunteering.")) for name in named if name.endswith(".dlq")}
    assert entities
    assert {f"volunteering.{one.split('.', 1)[0]}.v1.{one.split('.', 1)[1]}" for one in entities} <= named
