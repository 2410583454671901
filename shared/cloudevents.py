"""CloudEvents 1.0 in Kafka's binary mode: attributes are ``ce_…`` headers, the value is the data alone.

Source: CloudEvents Kafka protocol binding 1.0.2, §3.2.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar
from uuid import UUID

from pydantic import ValidationError

from shared.contracts import BY_TYPE, Contract
from shared.errors import PermanentError

__all__ = ["Event", "Headers", "decode", "encode", "header_map", "headers_of", "other_types", "type_of"]

Headers = Sequence[tuple[str, bytes | None]]
"""In the order of the record; Kafka allows null values and repeated names."""
Data = TypeVar("Data", bound=Contract)
CONTENT_TYPE = "application/json"
_REQUIRED = ("ce_id", "ce_source", "ce_type", "ce_subject", "ce_time", "ce_aggregateid", "ce_aggregateversion")


@dataclass(frozen=True, slots=True)
class Event(Generic[Data]):
    """One event with its envelope.

    ``aggregate_version`` grows with each event of one aggregate, so that consumers of state ignore what is older.
    """

    id: UUID
    type: str
    source: str
    subject: str
    time: datetime
    aggregate_id: str
    aggregate_version: int
    correlation_id: str
    causation_id: str | None
    traceparent: str | None
    data: Data


def headers_of(event: Event[Any]) -> dict[str, str]:
    """The Kafka headers of an event, as text."""
    headers = {
        "ce_specversion": "1.0",
        "ce_id": str(event.id),
        "ce_type": event.type,
        "ce_source": event.source,
        "ce_subject": event.subject,
        "ce_time": event.time.astimezone(UTC).isoformat(),
        "ce_aggregateid": event.aggregate_id,
        "ce_aggregateversion": str(event.aggregate_version),
        "ce_correlationid": event.correlation_id,
        "content-type": CONTENT_TYPE,
    }
    if event.causation_id is not None:
        headers["ce_causationid"] = event.causation_id
    if event.traceparent is not None:
        headers["traceparent"] = event.traceparent
    return headers


def encode(event: Event[Any]) -> tuple[list[tuple[str, bytes]], bytes]:
    """Headers and value as they go onto the wire."""
    headers = [(name, text.encode()) for name, text in headers_of(event).items()]
    return headers, event.data.model_dump_json().encode()


def header_map(headers: Iterable[tuple[str, bytes | None]]) -> dict[str, str]:
    """Read headers as text; the last one of a name counts, and a null value counts as none.

    Raises:
        PermanentError: a header is not UTF-8.
    """
    try:
        return {name: value.decode() for name, value in dict(headers).items() if value is not None}
    except UnicodeDecodeError as error:
        raise PermanentError(f"a header is not UTF-8: {error}") from error


def type_of(headers: Headers) -> bytes | None:
    """The event's type as it stands on the wire, without decoding anything; None if there is none."""
    return dict(headers).get("ce_type")


def other_types(topics: Collection[str], wanted: Collection[type[Contract]]) -> frozenset[bytes]:
    """The types on these topics that a consumer does not want, as `type_of` has them.

    A consumer skips them before it decodes them. A type that no contract has, or that belongs on another topic, is not
    among them: it is refused as before.
    """
    return frozenset(
        type.encode() for type, contract in BY_TYPE.items() if contract.topic in topics and contract not in wanted
    )


def decode(headers: Iterable[tuple[str, bytes | None]], value: bytes | None) -> Event[Any]:
    """Read an event from the wire.

    Raises:
        PermanentError: with the reason, when the envelope is incomplete, the type unknown, or the data not what the
            contract says.
    """
    named = header_map(headers)
    missing = [name for name in _REQUIRED if name not in named]
    if missing:
        raise PermanentError(f"the envelope lacks {', '.join(missing)}")
    contract = BY_TYPE.get(named["ce_type"])
    if contract is None:
        raise PermanentError(f"the event type {named['ce_type']!r} is unknown")
    if value is None:
        raise PermanentError("the record has no value")
    try:
        data = contract.model_validate_json(value)
        return Event(
            id=UUID(named["ce_id"]),
            type=named["ce_type"],
            source=named["ce_source"],
            subject=named["ce_subject"],
            time=datetime.fromisoformat(named["ce_time"]),
            aggregate_id=named["ce_aggregateid"],
            aggregate_version=int(named["ce_aggregateversion"]),
            correlation_id=named.get("ce_correlationid", named["ce_id"]),
            causation_id=named.get("ce_causationid"),
            traceparent=named.get("traceparent"),
            data=data,
        )
    except ValidationError as error:
        raise PermanentError(f"the data of {named['ce_type']} breaks its contract: {_reasons(error)}") from error
    except (ValueError, OverflowError, RecursionError) as error:
        raise PermanentError(f"the envelope cannot be read: {error}") from error


def _reasons(error: ValidationError) -> str:
    found = error.errors(include_url=False, include_context=False, include_input=False)
    return "; ".join(f"{'.'.join(map(str, item['loc'])) or 'value'}: {item['msg']}" for item in found[:5])
