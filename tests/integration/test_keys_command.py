"""`weiguang keys` on the database of a stack: rotate, move the rows, retire."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from dev import keys
from dev.stack.layout import Options
from dev.stack.postgres import forget
from dev.stack.secrets import load_secrets
from dev.stack.supervisor import Stack
from services.recruitment.settings import RecruitmentSettings
from services.recruitment.vault import handlers as vault
from services.recruitment.vault.cipher import Cipher
from services.recruitment.vault.domain import Identity
from shared.clock import real_now
from shared.postgres import Database
from shared.sealing import parse_ring
from tests.support.brokers import broker_name

pytestmark = pytest.mark.broker
RUN = CliRunner()
PHONES = [f"138{n:08}" for n in range(20)]


@pytest.fixture
def var(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "var"
    forget(tmp_path / "var" / "postgres")


async def on_the_stack(var: Path, *, keep: bool) -> dict[str, str]:
    """Keep people, or find them: phone → name."""
    async with Stack(Options(var=var, broker=broker_name(), port=0, processes=())) as stack:
        cipher = Cipher(stack.secrets.vault_key, stack.secrets.lookup_key)
        database = await Database.connect(RecruitmentSettings(database_url=stack.dsn("recruitment_app")))
        try:
            async with database.transaction() as tx:
                if keep:
                    people = [vault.NewPerson.of(Identity("王芳", phone=phone)) for phone in PHONES]
                    await vault.keep(tx, cipher, people, real_now())
                found = await vault.find_by_phone(tx, cipher, PHONES)
                opened = await vault.identities(tx, cipher, [each.person_id for each in found.values()])
                return {phone: opened[each.person_id].name for phone, each in found.items()}
        finally:
            await database.close()


def said(var: Path, *arguments: str, code: int = 0) -> str:
    result = RUN.invoke(keys.app, [*arguments, "--var", str(var)])
    assert result.exit_code == code, result.output
    return result.output


def test_the_keys_of_a_stack_are_rotated_and_its_rows_moved(var: Path) -> None:
    everybody = dict.fromkeys(PHONES, "王芳")
    assert asyncio.run(on_the_stack(var, keep=True)) == everybody
    said(var, "rotate", "vault")
    said(var, "rotate", "lookup")
    assert asyncio.run(on_the_stack(var, keep=False)) == everybody
    assert json.loads(said(var, "status").splitlines()[-1])["recruitment"]["people"] == {"1/1": 20}
    assert "weiguang keys rewrap" in said(var, "retire", "lookup", code=1)
    assert json.loads(said(var, "rewrap").splitlines()[-1])["recruitment"]["tables"]["people"] == {"2/2": 20}
    said(var, "retire", "lookup")
    said(var, "retire", "vault")
    left = load_secrets(var / "secrets.json")
    assert list(parse_ring(left.vault_key, "")) == list(parse_ring(left.lookup_key, "")) == ["2"]
    assert asyncio.run(on_the_stack(var, keep=False)) == everybody
