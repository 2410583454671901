"""Integrity over records in any order, again and again, however many are judged at once: the same cases."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from services.points.integrity.domain import Flag, SeenRevision, find, measure, still_so
from tests.support.depth import examples
from tests.unit.points.windowing import HERE, KIOSK, PHONE, RECORDER, SHIPPED, THERE, TIGHT, Windows, seen

drawn = st.builds(
    lambda record, revision, volunteer, site, provenance, status, start, minutes, device, recorder, outgoing: seen(
        record,
        "2026-03-04T00:00",
        minutes,
        revision=revision,
        volunteer_id=UUID(int=0x70 + volunteer),
        site_id=(HERE, THERE)[site],
        provenance=provenance,
        status=status,
        started_at=datetime(2026, 3, 3, 16, tzinfo=UTC) + timedelta(minutes=start),
        ended_at=datetime(2026, 3, 3, 16, tzinfo=UTC) + timedelta(minutes=start + minutes),
        device_ref=device,
        recorded_by=recorder,
        emitted_at=datetime(2026, 3, 4, 4, tzinfo=UTC) + timedelta(minutes=outgoing),
    ),
    record=st.integers(1, 40),
    revision=st.integers(1, 3),
    volunteer=st.integers(0, 5),
    site=st.integers(0, 1),
    provenance=st.sampled_from(["scanned", "scanned", "kiosk", "leader", "backfilled", "imported"]),
    status=st.sampled_from(["confirmed", "confirmed", "confirmed", "provisional", "void"]),
    start=st.sampled_from([0, 300, 540, 560, 1380, 1440, 1980]),
    minutes=st.sampled_from([0, 15, 60, 240, 480, 900]),
    device=st.sampled_from([None, PHONE, PHONE, KIOSK]),
    recorder=st.sampled_from([None, RECORDER]),
    outgoing=st.sampled_from([0, 1, 4, 9, 600]),
)
records_once = st.lists(drawn, min_size=1, max_size=40, unique_by=lambda one: one.record_id)
records_revised = st.lists(drawn, min_size=1, max_size=40, unique_by=lambda one: (one.record_id, one.revision))


def owned(found: list[SeenRevision]) -> list[SeenRevision]:
    """A record stays its volunteer's."""
    return [one._replace(volunteer_id=UUID(int=0x70 + one.record_id.int % 6)) for one in found]


@settings(max_examples=examples(), deadline=None)
@given(records_once, st.randoms(use_true_random=False), st.data())
def test_any_order_and_any_repetition_give_the_same_cases(found: list[SeenRevision], random: Any, data: Any) -> None:
    straight = Windows(TIGHT).take(sorted(found, key=lambda one: (one.started_at, one.record_id)))
    again = found + [found[place] for place in data.draw(st.lists(st.integers(0, len(found) - 1), max_size=20))]
    random.shuffle(again)
    assert Windows(TIGHT).take(again).cases == straight.cases
    assert Windows(TIGHT).take(again).take(found).cases == straight.cases, "a replay opens nothing"


@settings(max_examples=examples(), deadline=None)
@given(records_revised, st.randoms(use_true_random=False))
def test_with_revisions_in_any_order_what_holds_in_the_end_is_the_same(found: list[SeenRevision], random: Any) -> None:
    """Of acts all cases are the same; of people's days all that still hold for the highest revisions."""
    found = owned(found)
    highest = {one.record_id: one for one in sorted(found, key=lambda one: one.revision)}
    shuffled = list(found)
    random.shuffle(shuffled)
    straight, mixed = Windows(TIGHT).take(found), Windows(TIGHT).take(shuffled)
    only_last = Windows(TIGHT).take(highest.values())
    acts = ("burst", "many-accounts")
    assert {k: v for k, v in straight.cases.items() if k[0] in acts} == {
        k: v for k, v in mixed.cases.items() if k[0] in acts
    }
    expected = {key for key in only_last.cases if key[0] not in acts}
    for windows in (straight, mixed):
        holds = {key for key in windows.cases if key[0] not in acts and _holds(key, windows, highest)}
        assert holds == expected
        for key in expected:
            assert windows.cases[key] >= only_last.cases[key]


@settings(max_examples=examples(150), deadline=None)
@given(st.lists(drawn, min_size=1, max_size=60), st.randoms(use_true_random=False))
def test_of_one_revision_what_came_first_stands(found: list[SeenRevision], random: Any) -> None:
    """Whatever else is sent under it, however often, in whatever order: cases are those of the first."""
    found = owned(found)
    first = {(one.record_id, one.revision): one for one in reversed(found)}
    alone = Windows(TIGHT).take(one for one in found if first[one.record_id, one.revision] is one)
    windows = Windows(TIGHT).take(found)
    assert (windows.cases, windows.acts) == (alone.cases, alone.acts)
    again = list(found)
    random.shuffle(again)
    assert windows.take(again).cases == alone.cases, "a replay opens nothing"


@settings(max_examples=examples(), deadline=None)
@given(records_once, st.integers(1, 40), st.randoms(use_true_random=False))
def test_however_many_are_judged_at_once_the_cases_are_the_same(
    found: list[SeenRevision], at_once: int, random: Any
) -> None:
    straight = Windows(TIGHT).take(found)
    random.shuffle(found)
    assert Windows(TIGHT).take(found, at_once).cases == straight.cases


@settings(max_examples=examples(), deadline=None)
@given(records_revised, st.integers(1, 120))
def test_what_is_within_reach_is_all_that_is_needed(found: list[SeenRevision], number: int) -> None:
    """Judged with every record and act there is, the changed ones have the findings that they have within reach."""
    windows = Windows(TIGHT).take(owned(found), 200)
    changed = {one.record_id for one in found[:number]}
    everything = find(TIGHT, changed, windows.highest.values(), windows.acts)
    windows.flags.clear()
    windows.follow(changed)

    def members(flags: list[Flag]) -> dict[tuple[str, str, str], set[tuple[UUID, UUID]]]:
        return {(flag.kind, flag.subject, flag.about): set(flag.records) for flag in flags}

    assert members(windows.flags).keys() == members(everything).keys()
    for key, records in members(windows.flags).items():
        assert records <= members(everything)[key], "bursts of the same day that have no changed record are left out"
        assert {one for one in members(everything)[key] if one[0] in changed} <= records


def _holds(key: tuple[str, str, str], windows: Windows, highest: dict[UUID, SeenRevision]) -> bool:
    flag = next(one for one in windows.flags if (one.kind, one.subject, one.about) == key)
    records = {record_id: highest[record_id] for record_id in windows.cases[key]}
    if flag.kind == "no-check-in":
        records = {k: v for k, v in records.items() if v.provenance in _CLASSES[flag.evidence["class"]]}
    if flag.kind == "two-sites":
        limits = [SHIPPED.two_sites.model_dump()[_class(one.provenance)] for one in records.values()]
        return bool(measure("two-sites", date.fromisoformat(flag.evidence["day"]), records) >= max(limits))
    measured = measure(flag.kind, date.fromisoformat(flag.evidence["day"]), records)
    return still_so(flag.kind, measured, flag.evidence["limit"])


_CLASSES = {"others": ("backfilled",), "leader": ("leader",), "kiosk": ("kiosk",)}


def _class(provenance: str) -> str:
    return provenance if provenance in ("kiosk", "leader") else "others"
