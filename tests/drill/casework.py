"""Cases of integrity in the service and in the reference: opened about records, found again, settled once."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from services.points.integrity import handlers as integrity
from services.points.integrity.domain import CaseStatus, Flag, Kind
from services.points.policy import stored_policy
from shared.auth.tokens import Caller, Role

if TYPE_CHECKING:
    from tests.drill.twins import Twins

__all__ = ["OPERATORS", "Casework"]

OPERATORS = [Caller(subject=UUID(int=0xF0 + n), roles=frozenset({Role.OPERATOR}), site_ids=None) for n in range(3)]
KINDS: tuple[Kind, ...] = ("two-sites", "two-sites", "burst", "long-day")


class Casework:
    """The cases of one history, by id: of which kind, and about which records."""

    def __init__(self) -> None:
        self.cases: dict[UUID, tuple[str, list[str]]] = {}
        self.settled: set[UUID] = set()
        self.cleared: set[UUID] = set()

    async def suspect(self, twins: Twins, kind: int, place: int, number: int) -> None:
        """Integrity opens a case about some records, or finds one again."""
        known = list(twins.model.records)
        if not known:
            return
        about = sorted({known[-1 - (place + step) % len(known)] for step in range(number)})
        owners = {one: twins.model.records[one].volunteer for one in about}
        twins.touched.update(owners.values())
        flag = Flag(
            KINDS[kind % len(KINDS)],
            "volunteer",
            about[0],
            "|".join(about),
            tuple((UUID(one), twins.volunteers[owner]) for one, owner in owners.items()),
            (),
            {"day": "2026-01-10", "measured": 60, "limit": 1, "unit": "minutes"},
            1,
        )
        opened, _ = await twins.ask(lambda tx: integrity.report(tx, [flag], stored_policy()))
        case_id = integrity.case_id_of(flag)
        assert opened == (case_id not in self.cases)
        if opened:
            self.cases[case_id] = flag.kind, about
            twins.model.flag(about, flag.kind, stands=True, today=twins.today)

    async def look_into(self, twins: Twins, place: int, confirmed: bool) -> None:
        """An operator settles a case; once."""
        if not self.cases:
            return
        case_id = list(self.cases)[-1 - place % len(self.cases)]
        kind, about = self.cases[case_id]
        twins.touched.update(twins.model.records[one].volunteer for one in about)
        status = CaseStatus.CONFIRMED if confirmed else CaseStatus.CLEARED
        _, refused = await twins.ask(
            lambda tx: integrity.settle(tx, OPERATORS[0], case_id, status, "looked into", stored_policy())
        )
        assert refused == ("case-settled" if case_id in self.settled else None)
        if refused is not None:
            return
        self.settled.add(case_id)
        if status is CaseStatus.CLEARED:
            self.cleared.add(case_id)
            standing = {one for other in self.cases.keys() - self.cleared for one in self._flagged(other, kind)}
            twins.model.flag(sorted(set(about) - standing), kind, stands=False, today=twins.today)

    def _flagged(self, case_id: UUID, kind: str) -> list[str]:
        found, about = self.cases[case_id]
        return about if found == kind else []
