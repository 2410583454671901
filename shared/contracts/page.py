"""The page ``docs/events.md``, written from the registry of topics, the readers and the contracts."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from shared.contracts import CONTRACTS
from shared.contracts.base import Contract
from shared.contracts.meanings import meaning_of
from shared.topics import NAMESPACE, READERS, TOPICS, Topic

__all__ = ["PAGE", "events_page"]

PAGE = Path(__file__).parents[2] / "docs" / "events.md"

_INTRO = f"""# Events

<!-- Written by `python -m shared.contracts docs` from the code. A test fails when this page is stale. -->

Topics are named `{NAMESPACE}.<entity>.v1`. A record is a CloudEvents 1.0 event in Kafka's binary mode: attributes are
headers, the value is the data as JSON. Headers: `ce_id`, `ce_type`, `ce_source`, `ce_subject`, `ce_time`,
`ce_aggregateid`, `ce_aggregateversion`, `ce_correlationid`, where there is one `ce_causationid`, and `traceparent`.

Delivery is at least once, in order per key. `ce_aggregateversion` grows with each event of one aggregate, so a consumer
of state ignores what is older. Readers ignore fields that they do not have. JSON Schemas of every version lie in
`shared/contracts/schemas`, the AsyncAPI document in `shared/contracts/asyncapi.json`. Partitions are those of
`WEIGUANG_TOPIC_PARTITIONS` by default. The permissions of the broker follow from the registry.

Topics are pseudonymous, not anonymous: they hold ids of volunteers and accounts, and times and sites of services. No
event holds a name, phone, ID number, position or number of a volunteer, or text that a person typed about another;
reasons are codes, and their words stay with their owner. After an erasure nothing links an id to a person any more.
Names of sites, activities, drives and rewards are public.
"""


def events_page() -> str:
    """The whole page, in Markdown.

    Raises:
        KeyError: a field has no meaning (``shared/contracts/meanings.py``).
    """
    dead = [topic for topic in TOPICS.values() if topic.entity.endswith(".dlq")]
    live = [topic for topic in TOPICS.values() if topic not in dead]
    return "\n".join([_INTRO, *_topics(live), *_dead_letters(dead), *_events(live)])


def _topics(topics: Iterable[Topic]) -> list[str]:
    lines = ["## Topics", "", "| Topic | Key | Written by | Read by (group) | Partitions | Retention | Subject |"]
    lines.append("|---|---|---|---|---|---|---|")
    for topic in topics:
        partitions = "default" if topic.partitions is None else str(topic.partitions)
        kept = "no limit" if topic.retention_hours is None else f"{topic.retention_hours} h"
        cells = (f"`{topic.entity}`", f"`{topic.key}`", topic.owner, _readers(topic), partitions, kept, topic.about)
        lines.append(_row(cells))
    return [*lines, ""]


def _readers(topic: Topic) -> str:
    found = [reader for reader in READERS if topic.entity in reader.topics]
    named = [f"{r.service} (`{r.group}`)" if r.group else f"{r.service} (no group)" for r in found]
    return ", ".join(named) or "–"


def _dead_letters(topics: Iterable[Topic]) -> list[str]:
    lines = ["## Dead-letter topics", ""]
    lines += [
        "A record that a group cannot apply becomes a row in `dead_letters` of the group's service. It is announced on",
        "`<topic>.<group>.dlq` under the same key. operations (`operations-index`) indexes these topics; engineers see",
        "the rows.",
        "",
        "| Topic | Written by | Holds |",
        "|---|---|---|",
    ]
    return [*lines, *(_row((f"`{topic.entity}`", topic.owner, topic.about)) for topic in topics), ""]


def _events(topics: Iterable[Topic]) -> list[str]:
    lines = ["## Event types", ""]
    for topic in topics:
        for contract in (one for one in CONTRACTS if one.topic == topic.entity):
            lines += _event(contract)
    return lines


def _event(contract: type[Contract]) -> list[str]:
    schema = contract.model_json_schema(mode="validation")
    about = " ".join((contract.__doc__ or "").replace("``", "`").split())
    lines = [
        f"### {contract.type}",
        "",
        f"`{contract.__name__}` on `{contract.topic}`, aggregate `{contract.aggregate}`.",
    ]
    lines += ["", about, "", "| Field | Type | Required | Meaning |", "|---|---|---|---|"]
    required = set(schema.get("required", ()))
    for name, field in schema["properties"].items():
        wanted = "yes" if name in required else "no"
        lines.append(_row((f"`{name}`", _type(field), wanted, meaning_of(contract, name))))
    return [*lines, ""]


def _type(field: dict[str, Any]) -> str:
    """Describe one field's JSON Schema in a few words."""
    if "anyOf" in field:
        return " or ".join(_type(one) for one in field["anyOf"])
    if "$ref" in field:
        return f"`{field['$ref'].rpartition('/')[2]}`"
    if "enum" in field:
        return ", ".join(f"`{value}`" for value in field["enum"])
    if field.get("type") == "array":
        return f"list of {_type(field['items'])}"
    if field.get("type") == "integer":
        lowest = field.get("minimum", field.get("exclusiveMinimum", -1) + 1)
        return f"integer, at least {lowest}" if "minimum" in field or "exclusiveMinimum" in field else "integer"
    if field.get("type") == "string":
        longest = f", at most {field['maxLength']} characters" if "maxLength" in field else ""
        kinds = {"uuid": "UUID", "date-time": "instant with offset", "date": "date"}
        return kinds.get(field.get("format", ""), "text") + longest
    return str(field.get("type", "any"))


def _row(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
