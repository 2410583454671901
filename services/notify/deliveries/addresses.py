"""Addresses from recruitment, the one home of personal data, asked for at the moment of sending."""

from datetime import timedelta
from uuid import UUID

import aiohttp

from services.notify.deliveries.domain import Address
from services.notify.settings import NotifySettings
from shared.auth.tokens import Caller, Role, mint
from shared.clock import real_now
from shared.errors import TransientError
from shared.ids import derived_id

__all__ = ["RecruitmentAddressBook"]

_TTL = timedelta(minutes=15)
_LIMIT = aiohttp.ClientTimeout(total=5)


class RecruitmentAddressBook:
    """Calls recruitment with a token of notify's own, which opens this one door only."""

    def __init__(self, session: aiohttp.ClientSession, settings: NotifySettings) -> None:
        self._session = session
        self._settings = settings
        self._token = ""
        self._renew_at = real_now()

    async def find(self, volunteer_id: UUID) -> Address | None:
        """The address, or None when recruitment knows no such volunteer (erased, for instance).

        Raises:
            TransientError: recruitment does not answer, or not with an address.
        """
        url = f"{self._settings.recruitment_url}/api/recruitment/v1/internal/volunteers/{volunteer_id}/address"
        headers = {"Authorization": f"Bearer {self._bearer()}"}
        try:
            async with self._session.get(url, headers=headers, timeout=_LIMIT) as response:
                if response.status in (404, 410):
                    return None
                if response.status != 200:
                    raise TransientError(f"recruitment answers {response.status}")
                found = await response.json()
                return Address(found.get("email"), str(found["name"]))
        except (TimeoutError, aiohttp.ClientError, ValueError, KeyError, AttributeError) as error:
            raise TransientError(f"recruitment gives no address: {type(error).__name__}") from error

    def _bearer(self) -> str:
        now = real_now()
        if now >= self._renew_at:
            me = Caller(subject=derived_id("service", "notify"), roles=frozenset({Role.SERVICE}), site_ids=None)
            self._token = mint(self._settings, me, ttl=_TTL, services=("recruitment",))
            self._renew_at = now + _TTL / 2
        return self._token
