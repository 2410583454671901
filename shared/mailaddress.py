"""E-mail addresses: one validator, so that what is accepted at registration can be written to later."""

from email_validator import EmailNotValidError, validate_email

from shared.typed import plain

__all__ = ["checked_address"]

_DOT = str.maketrans({"\u3002": "."})  # what an input method for Chinese types for a full stop


def checked_address(text: str) -> str:
    """The address in ASCII, as mail servers take it: an internationalised domain is written as ``xn--…``.

    Characters outside ASCII before the @ need SMTPUTF8 at every server on the way, which few offer: such addresses
    are refused here and not at each sending.

    Raises:
        ValueError: it is not an address, or not one that every server can write to; the sentence says why.
    """
    typed = plain(text).translate(_DOT)
    local, at, _ = typed.rpartition("@")
    if at and not local.isascii():
        raise ValueError("email may hold only English letters, digits and signs before the @, such as name@example.org")
    try:
        found = validate_email(typed, check_deliverability=False, allow_smtputf8=False, strict=True)
    except EmailNotValidError as error:
        raise ValueError(f"email is not an address such as name@example.org: {error}") from None
    assert found.ascii_email is not None, "an ASCII local part always has an ASCII form"
    return found.ascii_email
