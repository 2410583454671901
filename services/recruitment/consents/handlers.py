"""Use cases of consents: see one's own, and accept the version in force."""

from datetime import date
from uuid import UUID

from services.recruitment.activities.guards import unwrap
from services.recruitment.consents import domain, store
from services.recruitment.consents.domain import Consent
from services.recruitment.vault import handlers as vault
from services.recruitment.vault.cipher import Cipher
from services.recruitment.vault.domain import needs_guardian
from shared.auth.tokens import Caller
from shared.clock import district_day
from shared.errors import NotFound
from shared.postgres import Tx

__all__ = ["accept", "standing"]


async def standing(tx: Tx, cipher: Cipher, caller: Caller) -> tuple[Consent | None, bool]:
    """The caller's latest consent, and whether a guardian has to agree too.

    Raises:
        NotFound: the volunteer is not known.
    """
    who = caller.require_volunteer()
    born = await _born(tx, cipher, who)
    return await store.latest(tx, who), needs_guardian(born, district_day(await tx.now()))


async def accept(tx: Tx, cipher: Cipher, caller: Caller, version: int, *, guardian: bool) -> Consent:
    """Keep the caller's consent to the version in force.

    Raises:
        NotFound: the volunteer is not known.
        Refusal: ``consent-outdated``, ``guardian-missing``.
    """
    who, now = caller.require_volunteer(), await tx.now()
    born = await _born(tx, cipher, who)
    given = unwrap(domain.accept(version, guardian=guardian, born=born, today=district_day(now), now=now))
    await store.add_consents(tx, [who], given)
    return given


async def _born(tx: Tx, cipher: Cipher, volunteer_id: UUID) -> date | None:
    person_id = await store.person_of(tx, volunteer_id)
    if person_id is None:
        raise NotFound("volunteer-unknown", "There is no such volunteer.")
    opened = await vault.identities(tx, cipher, [person_id])
    return opened[person_id].birth_date if person_id in opened else None
