"""Use case of exports: a volunteer takes out what is held about them."""

from typing import Any
from uuid import UUID

from services.recruitment.access.domain import Client
from services.recruitment.exports import store
from services.recruitment.exports.domain import MOST, SECTIONS, WINDOW, Export
from services.recruitment.limits import handlers as limits
from services.recruitment.limits.handlers import RateCap, Use, too_many
from services.recruitment.security import handlers as security
from services.recruitment.security.handlers import Kind, SecurityEvent
from services.recruitment.vault import handlers as vault
from services.recruitment.vault.cipher import Cipher
from shared.auth.tokens import Caller
from shared.errors import NotFound
from shared.postgres import Tx

__all__ = ["export"]


async def export(tx: Tx, cipher: Cipher, caller: Caller, client: Client) -> Export:
    """Read all that is held about the calling volunteer; it is counted and stands in the security log.

    Raises:
        NotFound: the volunteer is not known.
        TooMany: ``exports-limited``: three were made within a day.
    """
    who = caller.require_volunteer()
    key = cipher.keyed_hash("limit", "exports", who.bytes)
    if (over := await limits.count(tx, [Use("exports", key, RateCap(MOST, WINDOW))])) is not None:
        raise too_many(over, "exports-limited", f"at most {MOST} exports are made a day")
    found = await store.find_person(tx, who)
    if found is None:
        raise NotFound("volunteer-unknown", "There is no such volunteer.")
    person_id = found.pop("person_id")
    identity = (await vault.identities(tx, cipher, [person_id]))[person_id]
    person = {
        **found,
        "name": identity.name,
        "phone": identity.phone,
        "email": identity.email,
        "birth_date": identity.birth_date,
        "id_number": identity.id_number,
    }
    sections = {section: await store.list_section(tx, who, section) for section in SECTIONS}
    sections["requests"] = [_opened(cipher, who, row) for row in sections["requests"]]
    rows = sum(len(each) for each in sections.values())
    event = SecurityEvent(Kind.DATA_EXPORTED, subject=who, address=client.address, detail={"rows": rows})
    await security.record(tx, event)
    return Export(await tx.now(), person, sections)


def _opened(cipher: Cipher, volunteer_id: UUID, row: dict[str, Any]) -> dict[str, Any]:
    """A request with both texts in place of what seals them."""
    words = cipher.open_text(volunteer_id, row.pop("wrapped_key"), row.pop("sealed"))
    key, sealed = row.pop("answer_key"), row.pop("answer_sealed")
    answer = None if key is None else cipher.open_text(volunteer_id, key, sealed)
    return {**row, "words": words, "answer": answer}
