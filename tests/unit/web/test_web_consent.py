"""The first sign-in of an imported volunteer: consent is asked for, and sent only when it was given."""

from typing import Any, cast

import pytest

from services.web.gateway.sessions import Session
from services.web.gateway.upstream import UpstreamProblem
from services.web.pages.browser import Browser
from services.web.pages.public.login import PhoneLoginIn, ResidentFormIn, enter_as_resident, log_in
from services.web.pages.render import fragment
from services.web.pages.visit import Visit
from services.web.pages.volunteer import contact


class Claimed(Exception):
    """The account was claimed with this body."""


class ImportedBrowser:
    """A browser whose phone is on the registry's list."""

    challenge = "c"

    async def post(self, path: str, body: dict[str, Any], **headers: str) -> Any:
        if path == "/auth/tokens":
            raise UpstreamProblem("claim-first", "Claim your account.", status=409)
        assert path == "/volunteers/claims"
        if not body["consent"]:
            raise UpstreamProblem("consent-missing", "Consent is missing.", status=422)
        raise Claimed(body["guardian_consent"])


async def signed_in(**said: bool) -> None:
    form = PhoneLoginIn(phone="13800000000", code="123456", **said)
    await log_in(cast(Browser, ImportedBrowser()), form, "1")


async def test_consent_is_never_given_for_an_imported_volunteer() -> None:
    with pytest.raises(UpstreamProblem) as refused:
        await signed_in()
    assert refused.value.type == "consent-missing"
    for guardian in (False, True):
        with pytest.raises(Claimed) as claimed:
            await signed_in(consent=True, guardian_consent=guardian)
        assert claimed.value.args == (guardian,)


async def test_an_imported_volunteer_who_orders_is_let_in_by_the_form_of_orders() -> None:
    form = {"name": "王芳", "phone": "13800000000", "code": "123456", "consent": True}
    with pytest.raises(UpstreamProblem) as refused:
        await enter_as_resident(cast(Browser, ImportedBrowser()), ResidentFormIn.model_validate(form), "1")
    assert refused.value.type == "consent-missing", "consent to an order is none to serve"
    form |= {"volunteer_consent": True, "guardian_consent": False}
    with pytest.raises(Claimed):
        await enter_as_resident(cast(Browser, ImportedBrowser()), ResidentFormIn.model_validate(form), "1")
    html = fragment("public/order.html", Session(), path="/order", known=False, target="/order", site="")
    asked = html[html.index('data-shown-on="consent-missing" hidden') :]
    assert asked.index('name="volunteer_consent" disabled') < asked.index('name="guardian_consent" disabled')


def test_the_page_shows_both_consents_once_they_are_asked_for() -> None:
    html = fragment("public/login.html", Session(), path="/login", next="/me", scanning=False, scanned=False)
    asked = html[html.index('data-shown-on="consent-missing" hidden') :]
    assert asked.index('name="consent" disabled') < asked.index('name="guardian_consent" disabled')


class ConsentVisit(Visit):
    """A volunteer's visit, with the terms due or accepted."""

    due = True

    async def ask(self, service: str, path: str, **query: str) -> Any:
        assert path == "/volunteers/me/consent"
        return {"current": 2, "accepted": 1, "accepted_at": None, "due": self.due, "guardian_needed": True}


async def test_new_terms_are_decided_on_where_they_stopped_an_act_which_then_goes_on() -> None:
    volunteer = Session("token", {"sub": "v", "roles": ["volunteer"], "volunteer": "v"})
    visit = ConsentVisit(None, volunteer, "/me/consent", "/me/consent")  # type: ignore[arg-type]
    html = bytes((await contact.decide(visit, "/s/7")).body).decode()
    assert 'data-then="go:/s/7"' in html
    assert 'name="guardian_consent"' in html
    assert 'data-then="go:/me"' in bytes((await contact.decide(visit, "//evil.example")).body).decode()
    visit = type("Accepted", (ConsentVisit,), {"due": False})(None, volunteer, "/", "/")
    assert (await contact.decide(visit, "/s/7")).headers["location"] == "/s/7"
