"""The page of events is what the code says."""

from typing import ClassVar

import pytest

from shared.contracts import CONTRACTS
from shared.contracts.base import Contract
from shared.contracts.meanings import meaning_of
from shared.contracts.page import PAGE, events_page
from shared.kafka.topics import READERS, TOPICS


def test_committed_page_is_that_of_the_code() -> None:
    assert PAGE.read_text("utf-8") == events_page(), "run python -m shared.contracts docs"


def test_page_names_every_topic_with_its_readers_and_every_field() -> None:
    page = events_page()
    for topic in TOPICS:
        row = next(line for line in page.splitlines() if line.startswith(f"| `{topic}` |"))
        assert topic.endswith(".dlq") or all(
            f"`{reader.group}`" in row for reader in READERS if topic in reader.topics and reader.group
        )
    for contract in CONTRACTS:
        section = page.partition(f"### {contract.type}\n")[2].partition("### ")[0]
        assert all(f"\n| `{field}` |" in section for field in contract.model_fields)


def test_field_without_a_meaning_is_refused() -> None:
    class Unexplained(Contract):
        type: ClassVar[str] = "volunteering.sample.happened.v1"
        unheard_of: str

    with pytest.raises(KeyError, match="unheard_of"):
        meaning_of(Unexplained, "unheard_of")
