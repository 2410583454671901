"""What an approval of a file covers, and which accounts may give it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.recruitment.imports.domain import (
    LIFE,
    MOST_BATCHES,
    Content,
    ImportProposal,
    Party,
    ProposalState,
    admit,
    check_contents,
    content_of,
    decide,
    file_digest,
    withdraw,
)
from services.recruitment.volunteers.domain import ImportRow

NOW = datetime(2026, 3, 4, 1, 0, tzinfo=UTC)
DAY = timedelta(days=1)
SITE, ABOVE, ELSEWHERE = uuid4(), uuid4(), uuid4()

rows = st.lists(
    st.builds(
        ImportRow,
        st.text(max_size=8),
        st.text(max_size=8),
        st.text(max_size=8),
        st.decimals(min_value=0, max_value=1000, places=2),
        st.sampled_from([None, SITE]),
        st.none() | st.dates(),
        st.none() | st.text(max_size=4),
    ),
    min_size=1,
    max_size=5,
)


def party(home: UUID | None = None, **changes: object) -> Party:
    staff_id = uuid4()
    plain = Party(staff_id, frozenset({staff_id, uuid4()}), frozenset(), NOW - 100 * DAY, home, frozenset())
    return replace(plain, **changes)  # type: ignore[arg-type]


def proposal(by: Party, *batches: Content, state: ProposalState = ProposalState.PROPOSED) -> ImportProposal:
    return ImportProposal(state, by.staff_id, NOW, NOW + LIFE, batches)


def slug(refused: object) -> str | None:
    return getattr(refused, "slug", None)


def test_another_operator_of_the_centre_or_of_another_site_decides() -> None:
    centre, station = party(), party(SITE, above=frozenset({ABOVE}))
    assert decide(proposal(centre), centre, party(), NOW) is None
    assert decide(proposal(centre), centre, station, NOW) is None
    assert decide(proposal(station), station, party(), NOW) is None
    assert decide(proposal(station), station, party(ELSEWHERE), NOW) is None
    assert decide(proposal(station), station, party(ABOVE), NOW) is None


def test_no_account_decides_that_is_tied_to_the_one_that_proposed() -> None:
    proposer = party()
    tied = [
        proposer,
        party(persons=frozenset({uuid4(), *proposer.persons})),
        party(makers=frozenset({proposer.staff_id})),
        party(since=NOW - 7 * DAY + timedelta(seconds=1)),
    ]
    for decider in tied:
        refused = decide(proposal(proposer), proposer, decider, NOW)
        assert slug(refused) == "import-second-person"
        assert refused is not None
        assert refused.status == 403
    maker = party()
    made = replace(proposer, makers=frozenset({maker.staff_id}))
    assert slug(decide(proposal(made), made, maker, NOW)) == "import-second-person"
    assert decide(proposal(proposer), proposer, party(since=NOW - 7 * DAY), NOW) is None
    assert decide(proposal(proposer), proposer, party(since=None), NOW) is None, "made at installation: no age"


def test_neither_the_same_site_nor_one_below_it_decides() -> None:
    proposer = party(ABOVE)
    for decider in (party(ABOVE), party(SITE, above=frozenset({ABOVE}))):
        assert slug(decide(proposal(proposer), proposer, decider, NOW)) == "import-second-person"


def test_a_proposal_is_decided_once_and_within_thirty_days() -> None:
    proposer, decider = party(), party()
    for state in ProposalState:
        found = decide(proposal(proposer, state=state), proposer, decider, NOW)
        assert (found is None) == (state is ProposalState.PROPOSED)
    late = NOW + LIFE
    assert decide(proposal(proposer), proposer, decider, late - timedelta(seconds=1)) is None
    assert slug(decide(proposal(proposer), proposer, decider, late)) == "import-lapsed"
    assert proposal(proposer, state=ProposalState.APPROVED).state_at(late) is ProposalState.APPROVED


def test_a_proposer_withdraws_until_the_first_rows_are_imported() -> None:
    proposer = party()
    content = Content("0" * 64, 1, 0)
    approved = proposal(proposer, content, state=ProposalState.APPROVED)
    assert withdraw(proposal(proposer), proposer.staff_id, NOW) is None
    assert withdraw(approved, proposer.staff_id, NOW) is None
    begun = replace(approved, arrived=frozenset({content.digest}))
    assert slug(withdraw(begun, proposer.staff_id, NOW)) == "import-begun"
    assert slug(withdraw(approved, uuid4(), NOW)) == "not-the-proposer"
    rejected = proposal(proposer, state=ProposalState.REJECTED)
    assert slug(withdraw(rejected, proposer.staff_id, NOW)) == "import-decided"


@given(rows, st.data())
def test_an_approval_covers_exactly_the_rows_that_were_proposed(batch: list[ImportRow], data: st.DataObject) -> None:
    approved = proposal(party(), content_of(batch), state=ProposalState.APPROVED)
    assert admit(approved, content_of(list(batch)), NOW) is None
    place = data.draw(st.integers(0, len(batch) - 1))
    row = batch[place]
    changed = data.draw(
        st.sampled_from(
            [
                replace(row, registry_number=row.registry_number + "1"),
                replace(row, name=row.name + "某"),
                replace(row, phone=row.phone + "1"),
                replace(row, prior_hours=row.prior_hours + 1),
                replace(row, site_id=uuid4()),
                replace(row, id_number=(row.id_number or "") + "1"),
            ]
        )
    )
    for other in ([*batch[:place], changed, *batch[place + 1 :]], [*batch, row], batch[:-1]):
        assert slug(admit(approved, content_of(other), NOW)) == "import-differs"


@given(rows)
def test_no_batch_is_admitted_before_an_approval_or_after_a_refusal(batch: list[ImportRow]) -> None:
    came = content_of(batch)
    for state in ProposalState:
        refused = admit(proposal(party(), came, state=state), came, NOW)
        let_in = state in (ProposalState.APPROVED, ProposalState.COMPLETED)
        assert slug(refused) == (None if let_in else "import-not-approved")


@given(rows, st.integers(-3, 3), st.integers(-60, 60))
def test_sums_that_the_second_person_saw_must_be_those_of_the_rows(batch: list[ImportRow], more: int, add: int) -> None:
    came = content_of(batch)
    stated = Content(came.digest, came.rows + more, came.minutes + add)
    refused = admit(proposal(party(), stated, state=ProposalState.APPROVED), came, NOW)
    assert slug(refused) == (None if stated == came else "import-sums-differ")


@given(st.lists(rows, min_size=1, max_size=4, unique_by=lambda batch: content_of(batch).digest), st.data())
def test_a_file_completes_with_the_last_of_its_batches_in_any_order(
    batches: list[list[ImportRow]], data: st.DataObject
) -> None:
    contents = [content_of(batch) for batch in batches]
    approved = proposal(party(), *contents, state=ProposalState.APPROVED)
    order = data.draw(st.permutations(contents))
    again = data.draw(st.lists(st.sampled_from(order[:-1]))) if len(order) > 1 else []
    arrived: frozenset[str] = frozenset()
    for content in [*order[:-1], *again]:
        assert not replace(approved, arrived=arrived).completes(content.digest)
        arrived |= {content.digest}
    assert replace(approved, arrived=arrived).completes(order[-1].digest)


def test_the_digest_is_that_of_the_documented_lines() -> None:
    batch = [
        ImportRow("LJ1", "赵建国", "13900000001", Decimal("40.5"), None, None),
        ImportRow("LJ2", "钱", "13900000002", Decimal(-1), None, datetime(1990, 1, 2, tzinfo=UTC).date(), "11X"),
    ]
    lines = (
        '["LJ1","赵建国","13900000001",2430,null,null,null]\n["LJ2","钱","13900000002","-1",null,"1990-01-02","11X"]\n'
    )
    assert content_of(batch) == Content(sha256(lines.encode()).hexdigest(), 2, 2430)
    assert file_digest([content_of(batch)]) != content_of(batch).digest


@pytest.mark.parametrize(
    "batches",
    [
        [],
        [Content(f"{n:064x}", 1, 0) for n in range(MOST_BATCHES + 1)],
        [Content("0" * 64, 0, 0)],
        [Content("0" * 64, 501, 0)],
        [Content("0" * 64, 1, -1)],
        [Content("0" * 64, 1, 0), Content("0" * 64, 1, 0)],
    ],
)
def test_contents_that_no_file_can_have_are_refused(batches: list[Content]) -> None:
    with pytest.raises(ValueError, match="batch"):
        check_contents(batches)
