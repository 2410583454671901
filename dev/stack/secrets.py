"""The secrets of one stack, made at its first start and kept in var/secrets.json (mode 0600)."""

import json
import os
from dataclasses import asdict, replace
from pathlib import Path

from dev.stack.errors import StackError
from ops.database import roles
from ops.secrets import Secrets, make_secrets, new_password, new_secret

__all__ = ["load_secrets", "save_secrets"]


def load_secrets(path: Path) -> Secrets:
    """Those in the file, made first when there is no file.

    Raises:
        StackError: the file cannot be read.
    """
    if not path.exists():
        made = make_secrets()
        path.parent.mkdir(parents=True, exist_ok=True)
        save_secrets(path, made)
        return made
    try:
        found = Secrets(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise StackError(
            f"{path} cannot be read ({error}); without it the data in var/ is lost: `make clean`"
        ) from error
    if not found.evidence_key:
        found = replace(found, evidence_key=new_secret())
        save_secrets(path, found)
    if not found.second_operator_password:
        found = replace(found, second_operator_password=new_password())
        save_secrets(path, found)
    if not found.auditor_password:
        found = replace(found, auditor_password=new_password())
        save_secrets(path, found)
    if missing := set(roles(driven_time=True)) - set(found.passwords):
        added = {role: new_password(24) for role in sorted(missing)}
        found = replace(found, passwords={**found.passwords, **added})
        save_secrets(path, found)
    return found


def save_secrets(path: Path, found: Secrets) -> None:
    """Write the file whole or not at all: half a file would lose the data."""
    fresh = path.with_name(f"{path.name}.new")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as out:
        json.dump(asdict(found), out, indent=1)
    fresh.replace(path)
