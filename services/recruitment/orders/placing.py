"""Use case of placing an order, for oneself or, by staff, for a resident."""

import json
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.recruitment.activities.guards import STAFF, actor_id, unwrap
from services.recruitment.limits import handlers as limits
from services.recruitment.limits.handlers import Use, too_many
from services.recruitment.orders import domain, guards, journal, store
from services.recruitment.orders.handlers import OrderTerms, desks_of, timing_of
from services.recruitment.orders.parties import store as parties
from services.recruitment.orders.store import FoundOrder, Need
from services.recruitment.orders.terms.domain import (
    Order,
    OrderAct,
    OrderActor,
    OrderState,
    SeriesEvery,
    TakenBy,
)
from services.recruitment.organisation import store as organisation
from services.recruitment.vault import handlers as vault
from services.recruitment.vault.cipher import Cipher
from services.recruitment.vault.domain import Identity, clean_name, normalise_phone
from services.recruitment.vault.handlers import NewPerson
from shared.auth.tokens import Caller
from shared.clock import district_day
from shared.errors import Conflict, Forbidden, Invalid
from shared.ids import new_id
from shared.postgres import Tx

__all__ = ["NewOrder", "PersonSaid", "place"]


@dataclass(frozen=True, slots=True)
class PersonSaid:
    """A person as another one names them."""

    name: str
    phone: str

    def __repr__(self) -> str:
        return "PersonSaid(…)"


@dataclass(frozen=True, slots=True)
class NewOrder:
    """An order to be placed; ``resident`` orders where staff take it, ``beneficiary`` is served if it is another."""

    need_tag_id: UUID
    site_id: UUID | None
    wished_from: datetime
    wished_to: datetime
    minutes: int | None
    people: int
    frail: bool
    address: str
    phone: str
    know: str | None
    taken_by: TakenBy
    resident: PersonSaid | None = None
    beneficiary: PersonSaid | None = None
    series_every: SeriesEvery | None = None
    series_times: int | None = None

    def __repr__(self) -> str:
        return "NewOrder(…)"


async def place(tx: Tx, caller: Caller, terms: OrderTerms, new: NewOrder) -> FoundOrder:
    """Place an order, for oneself or, by staff, for a resident who asks by phone, at the counter or at home.

    Raises:
        Invalid: a phone or name is malformed, the need or site does not exist, the wished time is impossible.
        Conflict: the need cannot be ordered, the site is closed.
        Forbidden: staff took it for a site of others.
        TooMany: ``orders-many``, ``orders-many-here``: too many orders of this resident, or from this address.
    """
    by_staff = new.taken_by is not TakenBy.PAGE
    now = await tx.now()
    need = await _orderable(tx, new.need_tag_id)
    resident_id = await _resident(tx, caller, terms.cipher, new, now)
    beneficiary_id = None
    if new.beneficiary is not None:
        beneficiary_id = await _known(tx, terms.cipher, new.beneficiary, now)
    site_id = await _site(tx, caller, new.site_id)
    await _count(tx, terms, resident_id, by_staff)
    desks = await desks_of(tx, site_id)
    order_id, serial = new_id(), (await store.next_serials(tx, 1))[0]
    order = Order(
        order_id=order_id,
        number=f"DD-{district_day(now).year}-{serial:06}",
        state=OrderState.PLACED,
        desk=desks[0],
        desks=desks,
        need_tag_id=need.tag_id,
        site_id=site_id,
        resident_id=resident_id,
        beneficiary_id=None if beneficiary_id == resident_id else beneficiary_id,
        taken_by=new.taken_by,
        minutes=new.minutes or need.minutes,
        people=max(new.people, need.people),
        frail=new.frail,
        wished_from=new.wished_from,
        wished_to=new.wished_to,
        placed_at=now,
        since=now,
        series_every=new.series_every,
        series_times=new.series_times,
    )
    timing = await timing_of(tx, terms.policy)
    by = OrderActor.STAFF if by_staff else OrderActor.RESIDENT
    change = unwrap(domain.place(order, by, timing))
    await journal.begin(tx, change, need.tag, need.zh, actor_id(caller))
    await journal.write_words(tx, terms.cipher, order, "details", _details(new))
    found = await store.find_order(tx, order_id)
    assert found is not None
    if not by_staff:
        return found
    # Who takes it at the counter has taken it up.
    taken = unwrap(domain.review(change.order, OrderAct.TAKE, None, timing))
    return await journal.keep(tx, found, taken, actor_id(caller))


async def _orderable(tx: Tx, tag_id: UUID) -> Need:
    need = await store.find_need(tx, tag_id)
    if need is None:
        raise Invalid("need-unknown", "There is no such need on the menu.")
    if need.closed_at is not None or not need.orderable:
        raise Conflict("need-not-orderable", "This need cannot be ordered at present; choose another from the menu.")
    return need


async def _resident(tx: Tx, caller: Caller, cipher: Cipher, new: NewOrder, now: datetime) -> UUID:
    if new.taken_by is not TakenBy.PAGE:
        if new.resident is None:
            raise Invalid("order-resident-missing", "Say who orders: name and phone.")
        return await _known(tx, cipher, new.resident, now)
    resident_id = await guards.resident_of(tx, caller)
    if resident_id is None:
        raise Forbidden("residents-only", "Sign in as a resident or volunteer to order for yourself.")
    return resident_id


async def _known(tx: Tx, cipher: Cipher, said: PersonSaid, now: datetime) -> UUID:
    """The resident with this phone; a person whom the vault does not know yet is kept under the name that was said."""
    try:
        identity = Identity(clean_name(said.name), normalise_phone(said.phone))
    except ValueError as error:
        raise Invalid("order-person-invalid", str(error)) from None
    assert identity.phone is not None
    person = NewPerson.of(identity)
    if await vault.keep(tx, cipher, [person], now):
        return person.resident_id
    known = (await vault.find_by_phone(tx, cipher, [identity.phone]))[identity.phone]
    return await parties.resident_of_person(tx, known.person_id)


async def _site(tx: Tx, caller: Caller, site_id: UUID | None) -> UUID:
    if site_id is None and caller.has(*STAFF):
        site_id = await parties.home_of_staff(tx, caller.subject)
    elif site_id is None and caller.volunteer_id is not None:
        site_id = await parties.home_of_volunteer(tx, caller.volunteer_id)
    if site_id is None:
        site_id = await parties.centre(tx)
    site = None if site_id is None else await organisation.find_site(tx, site_id)
    if site is None:
        raise Invalid("site-unknown", "There is no such site.")
    if site.closed_at is not None:
        raise Conflict("site-closed", "This site is closed; choose another one.")
    if caller.has(*STAFF):
        caller.require_site(site.site_id)
    return site.site_id


async def _count(tx: Tx, terms: OrderTerms, resident_id: UUID, by_staff: bool) -> None:
    """Count the order against its resident and, unless staff took it, its address; refused ones leave no count."""
    key = terms.cipher.keyed_hash("limit", "orders", resident_id.bytes)
    uses = [Use("orders-resident", key, terms.per_resident)]
    if not by_staff:
        place = terms.cipher.keyed_hash("limit", "orders-address", terms.address)
        uses.append(Use("orders-address", place, terms.per_address))
    if (over := await limits.count(tx, uses)) is not None:
        if over.kind == "orders-address":
            what = f"at most {terms.per_address.most} orders an hour come from one address"
            raise too_many(over, "orders-many-here", what, most=terms.per_address.most)
        what = f"at most {terms.per_resident.most} orders a day are placed for one person"
        raise too_many(over, "orders-many", what, most=terms.per_resident.most)


def _details(new: NewOrder) -> str:
    said = {"address": new.address, "phone": new.phone, "know": new.know}
    if new.beneficiary is not None:
        said["beneficiary_name"], said["beneficiary_phone"] = new.beneficiary.name, new.beneficiary.phone
    return json.dumps(said, ensure_ascii=False)
