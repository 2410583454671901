"""Trace context is carried exactly, and nothing personal reaches a log."""

import asyncio
import json
import logging
from collections.abc import Iterator
from types import SimpleNamespace

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from shared.telemetry import logging as weiguang_logging
from shared.telemetry import trace
from shared.telemetry.logging import mask, scrub

PARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def test_a_valid_traceparent_is_continued_under_a_new_span() -> None:
    with trace.bind(PARENT, "drive-7") as here:
        assert here.trace_id == "4bf92f3577b34da6a3ce929d0e0e4736"
        assert here.span_id != "00f067aa0ba902b7"
        assert here.correlation_id == "drive-7"
        assert trace.current() is here
        assert trace.parse_traceparent(trace.traceparent()) == (here.trace_id, here.span_id, "01")
    assert trace.current() is None


@pytest.mark.parametrize(
    "broken",
    [
        None,
        "",
        "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",  # upper case is not allowed
        "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
        "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",  # version 00 has no more
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
        PARENT + "\n",
        PARENT + " ",
    ],
)
def test_an_invalid_traceparent_starts_a_new_trace(broken: str | None) -> None:
    assert trace.parse_traceparent(broken) is None
    with trace.bind(broken, None) as here:
        assert trace.parse_traceparent(trace.traceparent()) is not None
        assert here.trace_id != "4bf92f3577b34da6a3ce929d0e0e4736"


def test_a_later_version_may_append_fields() -> None:
    assert trace.parse_traceparent("01" + PARENT[2:] + "-what-ever") is not None


@given(st.text(max_size=80))
def test_whatever_is_sent_what_is_handed_on_is_valid(text: str) -> None:
    with trace.bind(text, text):
        assert trace.parse_traceparent(trace.traceparent()) is not None
        here = trace.current()
        assert here is not None
        assert trace.valid_correlation_id(here.correlation_id) == here.correlation_id


@pytest.mark.parametrize("broken", ["", " ", "a b", "a\nb", "微光", "x" * 129, "-a"])
def test_a_correlation_id_that_could_break_a_header_is_replaced_by_the_trace_id(broken: str) -> None:
    with trace.bind(None, broken) as here:
        assert here.correlation_id == here.trace_id


async def test_concurrent_tasks_do_not_see_each_others_trace() -> None:
    async def work(name: str) -> str:
        with trace.bind(None, name):
            await asyncio.sleep(0)
            here = trace.current()
            assert here is not None
            return here.correlation_id

    names = [f"c{n}" for n in range(20)]
    assert await asyncio.gather(*map(work, names)) == names


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("call 13812345678 now", "call [phone] now"),
        ("+86 138 1234 5678", "[phone]"),
        ("id 11010519491231002X.", "id [id-number]."),
        ("mail wang.fang@example.org!", "mail [email]!"),
        ("duplicate key\nDETAIL:  Key (phone)=(x) exists.", "duplicate key\nDETAIL: [dropped]"),
        ("[type=x, input_value={'name': '王芳'}, input_type=dict]", "[type=x, input_value=[dropped], input_type=dict]"),
    ],
)
def test_what_looks_personal_is_masked(text: str, masked: str) -> None:
    assert mask(text) == masked


@pytest.mark.parametrize(
    "text",
    [
        "019aa2f4-7c3e-7b0a-9d3f-13812345678a",
        "019aa2f4-7c3e-7b0a-9d3f-138123456789",
        "4bf92f3577b34da6a3ce913812345678",
        "offset 139123456789",
        "2027-01-04T09:00:00.123456+08:00",
    ],
)
def test_ids_offsets_and_times_are_left_alone(text: str) -> None:
    assert mask(text) == text


def test_known_keys_are_dropped_at_any_depth() -> None:
    dirty = {"rows": [{"Phone": "x", "site_id": "s", "deep": ({"token": "t"},)}], "minutes": 65}
    assert scrub(dirty) == {
        "rows": [{"Phone": "[dropped]", "site_id": "s", "deep": [{"token": "[dropped]"}]}],
        "minutes": 65,
    }


@pytest.fixture
def configured() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    before = structlog.get_config()
    weiguang_logging.configure(SimpleNamespace(service="points", log_level="info"))
    yield
    structlog.configure(**before)
    root.handlers[:] = handlers
    root.setLevel(level)


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


@pytest.mark.usefixtures("configured")
def test_every_log_is_one_json_line_with_its_trace_and_without_people(capsys: pytest.CaptureFixture[str]) -> None:
    with trace.bind(PARENT, "drive-7"):
        structlog.get_logger("weiguang.test").info("volunteer.registered", phone="13812345678", volunteer="v1")
        structlog.get_logger("weiguang.test").debug("below the level")
    logging.getLogger("some.library").warning("sent to %s", "a@b.cn")
    found = lines(capsys)
    assert len(found) == 2, found
    first, second = found
    assert first["event"] == "volunteer.registered"
    assert first["volunteer"] == "v1"
    assert first["phone"] == "[dropped]"
    assert (first["service"], first["level"], first["logger"]) == ("points", "info", "weiguang.test")
    assert first["trace_id"] == "4bf92f3577b34da6a3ce929d0e0e4736"
    assert first["correlation_id"] == "drive-7"
    assert second["event"] == "sent to [email]"
    assert second["level"] == "warning"
    assert "trace_id" not in second


@pytest.mark.usefixtures("configured")
def test_tracebacks_are_masked_too(capsys: pytest.CaptureFixture[str]) -> None:
    try:
        raise ValueError("no such phone 13812345678")
    except ValueError as error:
        structlog.get_logger("weiguang.test").error("failed", exc_info=error)
    (line,) = lines(capsys)
    assert "no such phone [phone]" in str(line["exception"])


@pytest.mark.usefixtures("configured")
def test_what_json_cannot_hold_is_logged_all_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    structlog.get_logger("weiguang.test").info("odd", text="\ud800", number=2**70, thing=object())
    (line,) = lines(capsys)
    assert line["number"] == 2**70
