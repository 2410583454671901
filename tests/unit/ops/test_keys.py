"""Rotating keys: the steps, and the file that they change."""

import re
import stat
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr
from typer import Typer
from typer.testing import CliRunner

from dev.keys import app as stack_app
from dev.stack.secrets import load_secrets, save_secrets
from ops import keys
from ops.keys import Name, introduce, retire, switch
from ops.provision import env_file
from ops.secrets import make_secrets
from shared.auth.tokens import Caller, Role, Verifier, mint
from shared.errors import PermanentError
from shared.ids import new_id
from shared.sealing import parse_ring
from tests.support.databases import ROOT

RUN = CliRunner()


@given(turns=st.integers(1, 12))
def test_a_rotation_keeps_the_earlier_key_until_it_is_retired(turns: int) -> None:
    ring = "k1"
    for turn in range(2, turns + 2):
        introduced = introduce(ring, f"k{turn}")
        assert next(iter(parse_ring(introduced, "x"))) == str(turn - 1), "not used before the switch"
        switched = switch(introduced)
        assert parse_ring(switched, "x") == {str(turn): f"k{turn}", str(turn - 1): f"k{turn - 1}"}
        ring = retire(switched)
        assert parse_ring(ring, "x") == {str(turn): f"k{turn}"}


def test_steps_are_taken_in_order() -> None:
    with pytest.raises(PermanentError, match="introduce another first"):
        switch("k1")
    with pytest.raises(PermanentError, match="switch to it first"):
        introduce("1:a,2:b", "c")
    with pytest.raises(PermanentError, match="not used yet"):
        retire("1:a,2:b")
    with pytest.raises(PermanentError, match="by hand"):
        introduce("old:a", "b")


@pytest.mark.parametrize("app", [keys.app, stack_app], ids=["ops", "checkout"])
@pytest.mark.parametrize("name", list(Name))
def test_a_deployments_env_is_changed_in_place_and_no_key_is_printed(tmp_path: Path, name: Name, app: Typer) -> None:
    path = tmp_path / ".env"
    path.write_text(env_file((ROOT / ".env.example").read_text("utf-8")), encoding="utf-8")
    before = path.read_text("utf-8")
    said = ""
    for step in ("introduce", "switch", "retire"):
        options = ["--moved"] if step == "retire" else []
        result = RUN.invoke(app, [step, name, "--env-file", str(path), *options])
        assert result.exit_code == 0, result.output
        said += result.output
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        for line in path.read_text("utf-8").splitlines():
            for part in re.findall(r"[A-Za-z0-9+/]{43}=", line.partition("=")[2]):
                assert part not in said
    changed = [
        (old, new)
        for old, new in zip(before.splitlines(), path.read_text("utf-8").splitlines(), strict=True)
        if old != new
    ]
    variables = keys.VARIABLES[name]
    assert {old.partition("=")[0] for old, _ in changed} == {variables.secret, variables.public} - {None}
    assert all(re.fullmatch(r"[A-Z_]+=2:[A-Za-z0-9+/]{43}=", new) for _, new in changed)


@pytest.mark.parametrize("app", [keys.app, stack_app], ids=["ops", "checkout"])
def test_earlier_keys_of_a_deployment_are_not_retired_unseen(tmp_path: Path, app: Typer) -> None:
    path = tmp_path / ".env"
    path.write_text("VAULT_KEY=2:b,1:a\n", encoding="utf-8")
    assert RUN.invoke(app, ["retire", "vault", "--env-file", str(path)]).exit_code == 1
    assert path.read_text("utf-8") == "VAULT_KEY=2:b,1:a\n"


def test_a_stacks_signing_keys_are_rotated_with_their_public_halves(tmp_path: Path) -> None:
    path = tmp_path / "secrets.json"
    first = make_secrets()
    save_secrets(path, first)
    result = RUN.invoke(stack_app, ["rotate", "recruitment-signing", "--var", str(tmp_path)])
    assert result.exit_code == 0, result.output
    second = load_secrets(path)
    assert second.signing_keys["notify"] == first.signing_keys["notify"]
    verifier = Verifier(second.public_keys, service="points")
    caller = Caller(subject=new_id(), roles=frozenset({Role.VOLUNTEER}))
    for seeds in (first, second):
        assert verifier.verify(mint(_minting(seeds.signing_keys["recruitment"]), caller)) == caller
    assert list(parse_ring(second.signing_keys["recruitment"], "x")) == ["2", "1"]


def test_what_is_no_stack_has_no_keys(tmp_path: Path) -> None:
    result = RUN.invoke(stack_app, ["rotate", "vault", "--var", str(tmp_path)])
    assert result.exit_code == 1
    assert "first start" in result.output


def _minting(ring: str) -> Any:

    return SimpleNamespace(service="recruitment", auth_signing_key=SecretStr(ring))
