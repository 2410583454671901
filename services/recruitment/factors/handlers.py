"""Use cases of second factors: set, confirm, remove, and the step at sign-in."""

import base64
import hashlib
import os
import secrets
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID, uuid4

import pyotp

from services.recruitment.access.domain import Client
from services.recruitment.factors import domain, store
from services.recruitment.limits import handlers as limits
from services.recruitment.limits.handlers import Delay, Reached
from services.recruitment.security import handlers as security
from services.recruitment.security.handlers import Kind, SecurityEvent
from services.recruitment.vault.cipher import Cipher
from shared.auth.tokens import Caller
from shared.clock import real_now
from shared.errors import Conflict, Invalid, NotFound, Unauthorized
from shared.postgres import Tx

__all__ = [
    "Enrolment",
    "begin_step",
    "confirm",
    "enrol",
    "is_set",
    "purge",
    "remove",
    "spend_step",
    "spend_try",
    "state_of",
    "take_step",
]

STEP_LIFETIME = timedelta(minutes=5)
ISSUER = "微光"
TRIES = Delay(5, timedelta(seconds=2), timedelta(minutes=15), forgotten_after=timedelta(days=1))
"""Codes of one account: who has its password must not guess them, however often the sign-in begins anew."""
_SECRET_BYTES = 20
_LETTERS = "abcdefghijklmnopqrstuvwxyz234567"


@dataclass(frozen=True, slots=True)
class Enrolment:
    """A new secret, to be read by the holder's app once; ``uri`` is what a QR code of it says."""

    secret: str
    uri: str

    def __repr__(self) -> str:
        return "Enrolment(…)"


async def is_set(tx: Tx, staff_id: UUID) -> bool:
    """Whether the account has a confirmed second factor."""
    return await store.is_set(tx, staff_id)


async def state_of(tx: Tx, staff_id: UUID) -> tuple[bool, int]:
    """Whether a second factor is set, and how many recovery codes are left."""
    return await store.is_set(tx, staff_id), await store.recovery_codes_left(tx, staff_id)


async def enrol(tx: Tx, cipher: Cipher, caller: Caller) -> Enrolment:
    """Make a secret; it counts once a first code has confirmed it.

    Raises:
        Conflict: there is a second factor already.
    """
    secret = base64.b32encode(os.urandom(_SECRET_BYTES)).decode()
    wrapped, sealed = cipher.seal_text(caller.subject, secret)
    if not await store.put_factor(tx, caller.subject, wrapped, sealed, real_now()):
        raise Conflict("second-factor-set", "a second factor is set already: remove it before setting another")
    uri = pyotp.TOTP(secret).provisioning_uri(name=caller.name, issuer_name=ISSUER)
    return Enrolment(secret, uri)


async def confirm(tx: Tx, cipher: Cipher, caller: Caller, client: Client, code: str) -> list[str]:
    """Confirm the secret by a first code; returns the recovery codes, which are shown once.

    Raises:
        NotFound: no secret was made.
        Conflict: it is confirmed already.
        Invalid: the code is wrong.
    """
    factor = await store.factor_locked(tx, caller.subject)
    if factor is None:
        raise NotFound("second-factor-missing", "begin with a new secret first")
    if factor.confirmed:
        raise Conflict("second-factor-set", "the second factor is confirmed already")
    secret = base64.b32decode(cipher.open_text(caller.subject, factor.wrapped_key, factor.sealed))
    step = domain.matching_step(secret, code, real_now().timestamp(), factor.last_step)
    if step is None:
        raise Invalid("second-factor-wrong", "the code is wrong: wait for the next one and check your phone's clock")
    await store.confirm_factor(tx, caller.subject, real_now(), step)
    codes = ["".join(secrets.choice(_LETTERS) for _ in range(16)) for _ in range(domain.RECOVERY_CODES)]
    await store.add_recovery_codes(tx, caller.subject, [_recovery_hash(caller.subject, one) for one in codes])
    await security.record(tx, SecurityEvent(Kind.SECOND_FACTOR_SET, subject=caller.subject, address=client.address))
    return ["-".join(one[start : start + 4] for start in range(0, 16, 4)) for one in codes]


async def remove(tx: Tx, cipher: Cipher, caller: Caller, client: Client, code: str) -> None:
    """Remove the second factor of who gave the right password and now a code.

    Raises:
        Invalid: the code is wrong, was used, or there is no second factor.
    """
    if not await _matches(tx, cipher, caller.subject, code):
        raise Invalid("second-factor-wrong", "the code is wrong or was used already: wait for the next one")
    await store.remove_factor(tx, caller.subject)
    await limits.forget(tx, "factors", _limit_key(cipher, caller.subject))
    await security.record(tx, SecurityEvent(Kind.SECOND_FACTOR_REMOVED, subject=caller.subject, address=client.address))


async def begin_step(tx: Tx, staff_id: UUID, binding: bytes | None) -> tuple[UUID, int]:
    """Begin the second step of a sign-in: its id, and the seconds that it lives."""
    step_id, now = uuid4(), real_now()
    await store.add_step(tx, step_id, staff_id, binding, now, now + STEP_LIFETIME)
    return step_id, int(STEP_LIFETIME.total_seconds())


async def spend_step(tx: Tx, cipher: Cipher, step_id: UUID) -> Reached | None:
    """Count a try at a step, unless earlier wrong codes of the account ask for a pause.

    To be committed before
    `take_step`.
    """
    staff_id = await store.spend_step(tx, step_id, real_now())
    return None if staff_id is None else await spend_try(tx, cipher, staff_id)


async def spend_try(tx: Tx, cipher: Cipher, staff_id: UUID) -> Reached | None:
    """Count a try at the codes of an account, unless earlier wrong ones ask for a pause; to be committed first."""
    return await limits.pause(tx, "factors", _limit_key(cipher, staff_id), TRIES)


async def take_step(tx: Tx, cipher: Cipher, step_id: UUID, binding: bytes | None, code: str) -> UUID:
    """The account whose second step this code completes.

    Raises:
        Unauthorized: the code is wrong or used, or the step has ended, is another browser's or was tried too often.
    """
    staff_id = await store.use_step(tx, step_id, binding, real_now(), domain.ATTEMPTS_PER_STEP)
    if staff_id is None or not await _matches(tx, cipher, staff_id, code):
        raise _wrong()
    await limits.forget(tx, "factors", _limit_key(cipher, staff_id))
    return staff_id


async def purge(tx: Tx) -> None:
    """Delete steps that ended a day ago."""
    await store.purge_steps(tx, real_now() - timedelta(days=1))


async def _matches(tx: Tx, cipher: Cipher, staff_id: UUID, code: str) -> bool:
    factor = await store.factor_locked(tx, staff_id)
    if factor is None or not factor.confirmed:
        return False
    if (recovery := domain.normalise_recovery(code)) is not None:
        return await store.use_recovery_code(tx, staff_id, _recovery_hash(staff_id, recovery), real_now())
    secret = base64.b32decode(cipher.open_text(staff_id, factor.wrapped_key, factor.sealed))
    step = domain.matching_step(secret, code.strip(), real_now().timestamp(), factor.last_step)
    if step is None:
        return False
    await store.confirm_factor(tx, staff_id, real_now(), step)
    return True


def _wrong() -> Unauthorized:
    return Unauthorized(
        "second-factor-wrong",
        "the code is wrong, was used already, or the sign-in took too long (five minutes, five tries): sign in again",
    )


def _limit_key(cipher: Cipher, staff_id: UUID) -> bytes:
    return cipher.keyed_hash("limit", "factor", staff_id.bytes)


def _recovery_hash(staff_id: UUID, code: str) -> bytes:
    # 80 random bits need no key: the hashes outlive every rotation.
    return hashlib.sha256(staff_id.bytes + code.encode()).digest()
