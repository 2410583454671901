"""Codes, sessions, the vault's cipher and the message log: rules and adapters without a database."""

import asyncio
import base64
import os
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import orjson
import pytest
from argon2 import PasswordHasher
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from services.recruitment.access import passwords as access_passwords
from services.recruitment.access.channels import LogChannel, WebhookChannel, channel_for, prune_log
from services.recruitment.access.domain import (
    Refresh,
    RefreshState,
    agent_of,
    check_username,
    judge_refresh,
)
from services.recruitment.access.passwords import Passwords
from services.recruitment.settings import RecruitmentSettings
from services.recruitment.vault.cipher import Cipher
from services.recruitment.vault.domain import Identity
from shared.clock import real_now
from shared.errors import PermanentError, TooMany

NOW = datetime(2026, 3, 4, 2, 0, tzinfo=UTC)
LATER = NOW + timedelta(days=1)


def key() -> str:
    return base64.b64encode(os.urandom(32)).decode()


GRACE = timedelta(seconds=10)
OURS, FOREIGN = b"ours", b"foreign"


@given(
    used=st.none() | st.integers(0, 3600),
    bound=st.booleans(),
    ours=st.booleans(),
    revoked=st.booleans(),
    expired=st.booleans(),
)
def test_a_refresh_token_is_good_once_and_for_seconds_again_in_its_browser(
    used: int | None, bound: bool, ours: bool, revoked: bool, expired: bool
) -> None:
    state = RefreshState(
        used_at=None if used is None else NOW - timedelta(seconds=used),
        expires_at=NOW if expired else LATER,
        revoked_at=NOW if revoked else None,
        binding=OURS if bound else None,
    )
    verdict = judge_refresh(state, NOW, OURS if ours else FOREIGN, GRACE)
    if revoked:
        assert verdict is Refresh.REVOKED, "nothing is given after a logout"
    elif expired:
        assert verdict is Refresh.EXPIRED
    elif bound and not ours:
        assert verdict is Refresh.STOLEN
    elif used is None:
        assert verdict is Refresh.ROTATE
    else:
        assert verdict is (Refresh.REPEAT if used <= 10 else Refresh.REUSED)


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        ("Mozilla/5.0 (Linux; Android 14) AppleWebKit/537 Chrome/126 Mobile MicroMessenger/8.0", "WeChat/Android"),
        ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537 Chrome/126 Safari/537 Edg/126", "Edge/Windows"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) Version/17 Mobile Safari/604", "Safari/iPhone"),
        ("<script>", ""),
    ],
)
def test_a_browser_is_named_in_two_words(sent: str, words: str) -> None:
    assert agent_of(sent) == words


@pytest.mark.parametrize("name", ["", "ab", "Zhang", "a b c", ".abc", "a" * 51, "张三丰", "abc\n"])
def test_usernames_are_plain(name: str) -> None:
    with pytest.raises(ValueError):
        check_username(name)


async def test_passwords_are_hashed_at_the_strength_that_is_recommended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access_passwords, "PasswordHasher", PasswordHasher)  # tests hash at the least one
    assert (await Passwords().hash("岭东区志愿服务2026")).startswith("$argon2id$v=19$m=12288,t=3,p=1$")


async def test_passwords_are_verified() -> None:
    passwords = Passwords()
    hashed = await passwords.hash("岭东区志愿服务2026")
    assert hashed.startswith("$argon2id$")
    assert await passwords.verify(hashed, "岭东区志愿服务2026")
    assert not await passwords.verify(hashed, "another password")
    assert not await passwords.verify(None, "nobody has this password")
    assert not await passwords.verify("not a hash", "whatever")


async def test_more_sign_ins_than_can_be_verified_soon_are_refused() -> None:
    passwords = Passwords(queue=4)
    results = await asyncio.gather(*(passwords.hash(f"岭东区志愿服务{n}") for n in range(6)), return_exceptions=True)
    refused = [result for result in results if isinstance(result, TooMany)]
    assert [(error.status, "retry_after" in error.extra) for error in refused] == [(429, True)] * 2
    assert await passwords.hash("岭东区志愿服务2026"), "places are given up"


PERSON = Identity(
    "张三", "13845678901", "zhang@example.org", datetime(1990, 1, 2, tzinfo=UTC).date(), "11010519491231002X"
)
ONE, OTHER = UUID(int=1), UUID(int=2)
STORED_PERSON = (
    "53GQZ6WkmH2duh1dqia2ROs9yfaAtYDtFOtOQ2T8kKsbcdLDtzqx5XjELYWx5J5yXoPsNy3NyPw67gMv",
    "c7qlNziH50X1r8EMyV8Ahl6EvnHNS2w5hp/kiD8dndyq3xmKBGForVDw88Vb4LAr0cCpXnzgTrmz4YweD8DOiOGi1JBX685PCOknRxYl+nCSmaZ3"
    "5gumbn6gxRo=",
)
STORED_TEXT = (
    "hnGCLs1nac8gaEkln2F5pqJnyFizLLQ57TkcjRB2/PvgVzOF9Wev8CG4dBB8jFJA4fq6x/0FamurzkQi",
    "dNm5EaxpNjVKH6XqRKennKDxzAe5u02rA5aJSBVsy1BIL/hHuApmjJz3Uq89",
)


def test_what_is_sealed_can_be_opened_and_not_read() -> None:
    cipher = Cipher(key(), key())
    sealed = cipher.seal(ONE, PERSON)
    assert cipher.open(ONE, sealed.wrapped_key, sealed.sealed) == PERSON
    stored = sealed.wrapped_key + sealed.sealed + (sealed.phone_lookup or b"") + (sealed.id_lookup or b"")
    for text in ("张三", "13845678901", "zhang", "1990", "11010519491231002X"):
        assert text.encode() not in stored


def test_a_row_moved_to_another_person_or_changed_does_not_open() -> None:
    cipher = Cipher(key(), key())
    sealed, other = cipher.seal(ONE, PERSON), cipher.seal(ONE, PERSON)
    assert sealed.sealed != other.sealed
    assert sealed.phone_lookup == other.phone_lookup
    flipped = bytes([sealed.sealed[0] ^ 1]) + sealed.sealed[1:]
    for person, wrapped, data in (
        (OTHER, sealed.wrapped_key, sealed.sealed),
        (ONE, other.wrapped_key, sealed.sealed),
        (ONE, sealed.wrapped_key, flipped),
        (ONE, b"", b""),
    ):
        with pytest.raises(PermanentError):
            cipher.open(person, wrapped, data)
    with pytest.raises(PermanentError):
        Cipher(key(), key()).open(ONE, sealed.wrapped_key, sealed.sealed)


def test_what_was_sealed_before_still_opens() -> None:
    vault_key, lookup_key = (base64.b64encode(bytes(range(start, start + 32))).decode() for start in (0, 32))
    cipher, person = Cipher(vault_key, lookup_key), UUID("01920000-0000-7000-8000-000000000001")
    wrapped, sealed = map(base64.b64decode, STORED_PERSON)
    assert cipher.open(person, wrapped, sealed) == Identity("张三", phone="13845678901")
    wrapped, sealed = map(base64.b64decode, STORED_TEXT)
    assert cipher.open_text(person, wrapped, sealed) == "签到表第12页"


def test_short_and_long_names_seal_to_the_same_length() -> None:
    cipher = Cipher(key(), key())
    lengths = {len(cipher.seal(ONE, Identity(name)).sealed) for name in ("张三", "欧阳修文", "Li Na")}
    assert len(lengths) == 1


@pytest.mark.parametrize("bad", ["", "c2hvcnQ=", "not base64", base64.b64encode(b"x" * 31).decode()])
def test_a_missing_key_is_named(bad: str) -> None:
    with pytest.raises(PermanentError, match="WEIGUANG_VAULT_KEY"):
        Cipher(bad, key())
    with pytest.raises(PermanentError, match="WEIGUANG_LOOKUP_KEY"):
        Cipher(key(), bad)


def test_hashes_of_different_things_differ() -> None:
    cipher = Cipher(key(), key())
    assert cipher.keyed_hash("phone", "1") != cipher.keyed_hash("id", "1")
    assert cipher.keyed_hash("x", "a", "bc") != cipher.keyed_hash("x", "ab", "c")


async def test_the_log_channel_appends_lines(tmp_path: Path) -> None:
    log = tmp_path / "deep" / "messages.jsonl"
    channel = LogChannel(log)
    await channel.send("13845678901", "012345")
    await channel.send("13845678902", "543210")
    lines = [orjson.loads(line) for line in log.read_bytes().splitlines()]
    assert [(line["phone"], line["code"]) for line in lines] == [("13845678901", "012345"), ("13845678902", "543210")]
    assert real_now() - datetime.fromisoformat(lines[0]["at"]) < timedelta(minutes=1)
    assert log.stat().st_mode & 0o077 == 0


def test_old_lines_leave_the_log(tmp_path: Path) -> None:
    log = tmp_path / "messages.jsonl"
    assert prune_log(log, NOW) == 0
    log.write_bytes(
        b'{"phone":"1","code":"1","at":"2026-03-01T00:00:00+00:00"}\nbroken\n'
        b'{"phone":"2","code":"2","at":"2026-03-04T03:00:00+00:00"}\n'
    )
    assert prune_log(log, NOW) == 2
    assert log.read_bytes() == b'{"phone":"2","code":"2","at":"2026-03-04T03:00:00+00:00"}\n'


async def test_nothing_is_lost_while_the_log_is_pruned(tmp_path: Path) -> None:
    log = tmp_path / "messages.jsonl"
    channel = LogChannel(log)
    done = threading.Event()

    def prune() -> None:
        while not done.is_set():
            prune_log(log, NOW - timedelta(days=365))

    thread = threading.Thread(target=prune)
    thread.start()
    try:
        for number in range(300):
            await channel.send(f"{number}", "000000")
    finally:
        done.set()
        thread.join()
    assert len(log.read_bytes().splitlines()) == 300


def test_production_refuses_the_log(tmp_path: Path) -> None:
    with pytest.raises(PermanentError, match="WEIGUANG_CODE_WEBHOOK_URL"):
        channel_for(RecruitmentSettings(environment="production", message_log=tmp_path / "x"))
    with pytest.raises(PermanentError, match="WEIGUANG_MESSAGE_LOG"):
        channel_for(RecruitmentSettings(environment="embedded", message_log=None))
    with pytest.raises(PermanentError, match="WEIGUANG_CODE_WEBHOOK_URL"):
        channel_for(RecruitmentSettings(environment="production", code_channel="webhook"))
    sms = RecruitmentSettings(
        code_channel="webhook", code_webhook_url="https://gateway.example", code_webhook_token=SecretStr("t")
    )
    assert isinstance(channel_for(sms), WebhookChannel)
    assert isinstance(channel_for(RecruitmentSettings(environment="test", message_log=tmp_path / "x")), LogChannel)
