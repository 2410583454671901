"""Common parts of the operators' routes: who may read and act, and how an act enters the audit trail."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request
from pydantic import Field

from shared.auth.access import allow
from shared.auth.tokens import Caller, Role
from shared.http.address import client_address
from shared.operators.acts import OperatorAct, record_act
from shared.postgres import Tx

__all__ = ["ActSource", "ActSourceDep", "Engineer", "ReasonText", "Watcher"]

Watcher = Annotated[Caller, allow(Role.ENGINEER, Role.OPERATOR, Role.AUDITOR, centre=True)]
"""Reads: streams concern the whole district."""
Engineer = Annotated[Caller, allow(Role.ENGINEER, centre=True)]
ReasonText = Annotated[str, Field(min_length=3, max_length=500)]


@dataclass(frozen=True, slots=True)
class ActSource:
    """Where an act comes from, for the audit trail of this service."""

    service: str
    address: str

    async def note(self, tx: Tx, caller: Caller, act: OperatorAct) -> None:
        """Write an act to the trail, in its transaction."""
        await record_act(tx, self.service, caller, self.address, act)


async def _act_source(request: Request) -> ActSource:
    return ActSource(request.app.state.settings.service, client_address(request))


ActSourceDep = Annotated[ActSource, Depends(_act_source)]
