"""The secrets of a stack: made once, and what a newer release needs is added to the file of an older one."""

import json
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from dev.stack.secrets import load_secrets
from ops.provision import EXAMPLE, env_file
from ops.secrets import make_secrets
from shared.sealing import decode_key


def test_they_are_the_same_at_the_next_start(tmp_path: Path) -> None:
    path = tmp_path / "var" / "secrets.json"
    made = load_secrets(path)
    assert load_secrets(path) == made
    assert path.stat().st_mode & 0o777 == 0o600
    assert len(decode_key(made.evidence_key, "evidence")) == 32
    assert len({made.evidence_key, made.vault_key, made.lookup_key}) == 3


def test_a_file_of_before_evidence_was_sealed_gets_a_key_and_keeps_the_rest(tmp_path: Path) -> None:
    path, older = tmp_path / "secrets.json", asdict(make_secrets())
    del older["evidence_key"]
    path.write_text(json.dumps(older), encoding="utf-8")
    found = load_secrets(path)
    assert len(decode_key(found.evidence_key, "evidence")) == 32
    assert asdict(replace(found, evidence_key="")) == {**older, "evidence_key": ""}
    assert load_secrets(path) == found
    assert path.stat().st_mode & 0o777 == 0o600
    assert [file.name for file in tmp_path.iterdir()] == ["secrets.json"]


@pytest.mark.parametrize("name", ["VAULT_KEY", "LOOKUP_KEY", "EVIDENCE_KEY"])
def test_a_deployment_gets_each_key_filled_in(name: str) -> None:
    filled = dict(line.split("=", 1) for line in env_file(EXAMPLE.read_text("utf-8")).splitlines() if "=" in line)
    assert len(decode_key(filled[name], name)) == 32
