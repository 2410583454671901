"""The committed schemas: every version ever published of each event type, and the AsyncAPI document.

``schemas/<type>/0001.json`` … are never edited; a changed contract is exported under the next number if it is
BACKWARD_TRANSITIVE compatible, which is to say able to read what any earlier version wrote.
"""

import json
from pathlib import Path
from typing import Any

from shared.contracts import CONTRACTS
from shared.contracts.base import Contract
from shared.contracts.compatibility import breaks
from shared.errors import PermanentError
from shared.topics import NAMESPACE, TOPICS

__all__ = ["asyncapi", "check", "export", "schema_of", "versions"]

DIRECTORY = Path(__file__).with_name("schemas")
ASYNCAPI = Path(__file__).with_name("asyncapi.json")


def schema_of(contract: type[Contract]) -> dict[str, Any]:
    """The JSON Schema of what is written to the wire."""
    return contract.model_json_schema(mode="validation")


def versions(event_type: str, directory: Path = DIRECTORY) -> list[dict[str, Any]]:
    """Every published version of one event type's schema, oldest first."""
    return [json.loads(path.read_text("utf-8")) for path in sorted((directory / event_type).glob("*.json"))]


def check(directory: Path = DIRECTORY, contracts: tuple[type[Contract], ...] = CONTRACTS) -> list[str]:
    """The differences between code and committed schemas; empty when there are none."""
    problems: list[str] = []
    for contract in contracts:
        current, published = schema_of(contract), versions(contract.type, directory)
        for number, old in enumerate(published, 1):
            problems += [f"{contract.type} cannot read version {number}: {reason}" for reason in breaks(old, current)]
        if not published or published[-1] != current:
            problems.append(
                f"{contract.type}: the committed schema is not the code's; run python -m shared.contracts export"
            )
    gone = {path.name for path in directory.iterdir() if path.is_dir()} - {contract.type for contract in contracts}
    problems += [f"{name}: was published and is no longer in the code" for name in sorted(gone)]
    if directory == DIRECTORY and (not ASYNCAPI.exists() or json.loads(ASYNCAPI.read_text("utf-8")) != asyncapi()):
        problems.append("asyncapi.json is not the code's; run python -m shared.contracts export")
    return problems


def export(directory: Path = DIRECTORY, contracts: tuple[type[Contract], ...] = CONTRACTS) -> list[str]:
    """Publish changed contracts under their next version; returns what was written.

    Raises:
        PermanentError: a change is not compatible with what was published.
    """
    written: list[str] = []
    for contract in contracts:
        current, published = schema_of(contract), versions(contract.type, directory)
        broken = [reason for old in published for reason in breaks(old, current)]
        if broken:
            raise PermanentError(f"{contract.type} would break its readers: {'; '.join(broken)}. Make a new type (v2).")
        if not published or published[-1] != current:
            path = directory / contract.type / f"{len(published) + 1:04}.json"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(_json(current), "utf-8")
            written.append(f"{contract.type}/{path.name}")
    if directory == DIRECTORY:
        ASYNCAPI.write_text(_json(asyncapi()), "utf-8")
    return written


def asyncapi() -> dict[str, Any]:
    """The AsyncAPI 3.0 document of all topics and events."""
    channels: dict[str, Any] = {}
    operations: dict[str, Any] = {}
    for topic in TOPICS.values():
        events = [contract for contract in CONTRACTS if contract.topic == topic.entity]
        if not events:
            continue
        channels[topic.entity] = {
            "address": f"{NAMESPACE}.{topic.entity}.v1",
            "description": f"{topic.about}; keyed by {topic.key}",
            "messages": {event.type: {"$ref": f"#/components/messages/{event.type}"} for event in events},
        }
        operations[f"send-{topic.entity}"] = {
            "action": "send",
            "channel": {"$ref": f"#/channels/{topic.entity}"},
            "tags": [{"name": topic.owner}],
        }
    messages = {
        contract.type: {
            "name": contract.type,
            "title": contract.__name__,
            "summary": (contract.__doc__ or "").strip().splitlines()[0],
            "contentType": "application/json",
            "payload": {"$ref": f"schemas/{contract.type}/{len(versions(contract.type)):04}.json"},
        }
        for contract in CONTRACTS
    }
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "Weiguang events", "version": "1.0.0", "description": "CloudEvents 1.0, Kafka binary mode"},
        "channels": channels,
        "operations": operations,
        "components": {"messages": messages},
    }


def _json(document: dict[str, Any]) -> str:
    return json.dumps(document, ensure_ascii=False, indent=2, sort_keys=True) + "\n"
