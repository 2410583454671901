"""Use case of walk-ins: the place and the check-in in one transaction."""

from uuid import UUID

from services.recruitment.attendance import handlers as attendance
from services.recruitment.attendance.domain import ServiceRecord
from services.recruitment.attendance.handlers import PresenceProof
from services.recruitment.signups import placing, store
from services.recruitment.signups.domain import Source
from services.recruitment.signups.placing import SignupTerms
from shared.auth.tokens import Caller
from shared.postgres import Tx

__all__ = ["walk_in"]


async def walk_in(
    tx: Tx,
    caller: Caller,
    shift_id: UUID,
    proof: PresenceProof,
    distance_m: int | None,
    device_id: str | None,
    terms: SignupTerms,
) -> ServiceRecord:
    """Sign the calling volunteer up and check them in, or neither; an own place that there is already is used.

    Raises:
        NotFound, Forbidden: as for `attendance.handlers.check_in`.
        Refusal: those of a sign-up (``shift-full``, ``waitlist-first``, ``too-young``, …) and of a check-in.
    """
    who, found = await placing.entrant(tx, caller, shift_id, None)
    now = await tx.now()
    held = await store.find_held(tx, who, found.shift)
    if all(each.shift_id != shift_id for each in held):
        await placing.admit(tx, caller, terms, found, who, now)
        await placing.take(tx, caller, found, who, now, Source.WALK_IN)
    return await attendance.check_in(tx, caller, shift_id, proof, distance_m, device_id)
