"""`keys`: rotate the keys in a deployment's `.env`.

A rotation has three steps, so that no process ever meets a key that it does not know: *introduce* adds a key that is
known and not yet used, *switch* makes it the current one, *retire* drops the earlier ones. Keys are written to the file
that they are read from, and never printed. Rows are moved by `python -m services.<service> keys rewrap`.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Protocol

import typer

from ops.secrets import generate_pair, new_secret
from shared.errors import PermanentError, WeiguangError
from shared.sealing import parse_ring

__all__ = [
    "SEALING",
    "VARIABLES",
    "EnvFile",
    "Keeper",
    "Name",
    "app",
    "introduce",
    "require_moved",
    "retire",
    "run_steps",
    "switch",
]

app = typer.Typer(no_args_is_help=True, help="Rotate the keys in a deployment's .env.")

EnvPath = Annotated[Path, typer.Option("--env-file", help="The deployment's .env.")]
_ENV = Path(".env")


class Name(StrEnum):
    """The kinds of keys that are rotated."""

    VAULT = "vault"
    LOOKUP = "lookup"
    EVIDENCE = "evidence"
    RECRUITMENT_SIGNING = "recruitment-signing"
    NOTIFY_SIGNING = "notify-signing"


@dataclass(frozen=True, slots=True)
class Variables:
    """The variables of a key in `.env`: the secret one, and the public one of a pair."""

    secret: str
    public: str | None = None


VARIABLES: Mapping[Name, Variables] = {
    Name.VAULT: Variables("VAULT_KEY"),
    Name.LOOKUP: Variables("LOOKUP_KEY"),
    Name.EVIDENCE: Variables("EVIDENCE_KEY"),
    Name.RECRUITMENT_SIGNING: Variables("RECRUITMENT_SIGNING_KEY", "RECRUITMENT_PUBLIC_KEY"),
    Name.NOTIFY_SIGNING: Variables("NOTIFY_SIGNING_KEY", "NOTIFY_PUBLIC_KEY"),
}
SEALING = {Name.VAULT: "recruitment", Name.LOOKUP: "recruitment", Name.EVIDENCE: "points"}
"""Keys that rows lie under, and the service that moves the rows."""


def introduce(ring: str, key: str) -> str:
    """The ring with one more key behind the others: known, and not used yet.

    Raises:
        PermanentError: the ring is malformed, or a key is waiting to be switched to already.
    """
    keys = parse_ring(ring, "the ring")
    if _newest(keys) != next(iter(keys)):
        raise PermanentError(f"key {_newest(keys)} is introduced already: switch to it first")
    return _text({**keys, str(int(_newest(keys)) + 1): key})


def switch(ring: str) -> str:
    """The ring with its newest key as the current one.

    Raises:
        PermanentError: the ring is malformed, or its newest key is the current one.
    """
    keys = parse_ring(ring, "the ring")
    newest = _newest(keys)
    if newest == next(iter(keys)):
        raise PermanentError(f"key {newest} is the current one already: introduce another first")
    return _text({newest: keys.pop(newest), **keys})


def retire(ring: str) -> str:
    """The ring with its current key alone.

    Raises:
        PermanentError: the ring is malformed, or a key is waiting to be switched to.
    """
    keys = parse_ring(ring, "the ring")
    current = next(iter(keys))
    if _newest(keys) != current:
        raise PermanentError(f"key {_newest(keys)} is not used yet: switch to it first")
    return _text({current: keys[current]})


def _newest(keys: Mapping[str, str]) -> str:
    numbers = [key_id for key_id in keys if key_id.isdigit()]
    if len(numbers) != len(keys):
        raise PermanentError("the ids of the ring are not numbers, so no next one can be named: edit it by hand")
    return max(numbers, key=int)


def _text(keys: Mapping[str, str]) -> str:
    return ",".join(f"{key_id}:{key}" for key_id, key in keys.items())


class Keeper(Protocol):
    """Reads and writes the rings of a deployment or of a stack."""

    def get(self, variable: str) -> str:
        """The ring in a variable.

        Raises:
            WeiguangError: there is none.
        """

    def set(self, rings: Mapping[str, str]) -> None:
        """Write rings, all or none."""


class EnvFile:
    """The rings in a deployment's `.env`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lines = path.read_text(encoding="utf-8").splitlines()

    def get(self, variable: str) -> str:
        """The ring in a variable.

        Raises:
            PermanentError: there is none.
        """
        found = [line.partition("=")[2] for line in self._lines if line.startswith(f"{variable}=")]
        if not found or not found[-1]:
            raise PermanentError(f"{self._path} holds no {variable}")
        return found[-1]

    def set(self, rings: Mapping[str, str]) -> None:
        """Write rings, all or none; the file becomes readable for its owner only."""
        lines = [
            f"{name}={rings[name]}" if equals and name in rings else line
            for line in self._lines
            for name, equals, _ in [line.partition("=")]
        ]
        fresh = self._path.with_name(f"{self._path.name}.new")
        fresh.unlink(missing_ok=True)
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as out:
            out.write("\n".join(lines) + "\n")
        fresh.replace(self._path)


def _step(name: Name, keeper: Keeper, step: str) -> list[str]:
    """Take a step for a key, and for the public half of a pair; returns the ids of the ring, the current one first."""
    variables = VARIABLES[name]
    secret, public = keeper.get(variables.secret), variables.public
    rings: dict[str, str] = {}
    if step == "introduce":
        fresh, its_public = generate_pair() if public else (new_secret(), "")
        rings[variables.secret] = introduce(secret, fresh)
        if public:
            rings[public] = introduce(keeper.get(public), its_public)
    else:
        change = switch if step == "switch" else retire
        rings[variables.secret] = change(secret)
        if public:
            rings[public] = change(keeper.get(public))
    keeper.set(rings)
    return list(parse_ring(rings[variables.secret], variables.secret))


def _report(name: Name, ids: list[str], hint: str) -> None:
    earlier = f", earlier or waiting: {', '.join(ids[1:])}" if ids[1:] else ""
    typer.echo(f"{name}: current key {ids[0]}{earlier}. {hint}")


_NEXT = {
    "introduce": "Start every process anew with it, then: weiguang keys switch",
    "switch": "Start every process anew with it, then: weiguang keys rewrap (signing keys: wait an hour), retire",
    "retire": "Start every process anew with it.",
}


def run_steps(name: Name, keeper: Callable[[], Keeper], *steps: str) -> None:
    """Run steps of a rotation, each on what the one before wrote; prints key ids, and exits with 1 on an error."""
    try:
        ids: list[str] = []
        for step in steps:
            ids = _step(name, keeper(), step)
        _report(name, ids, _NEXT[steps[-1]])
    except (WeiguangError, OSError) as error:
        typer.echo(f"✗ {error}", err=True)
        raise typer.Exit(1) from None


def require_moved(name: Name, moved: bool) -> None:
    """Refuse to retire keys of a deployment that rows may still lie under; exits with 1."""
    if name in SEALING and not moved:
        typer.echo("✗ see first that no row lies under an earlier key (keys status), then say --moved", err=True)
        raise typer.Exit(1)


@app.command("introduce")
def introduce_key(name: Name, env_file: EnvPath = _ENV) -> None:
    """Add a fresh key that every process knows and none uses yet."""
    run_steps(name, lambda: EnvFile(env_file), "introduce")


@app.command("switch")
def switch_key(name: Name, env_file: EnvPath = _ENV) -> None:
    """Make the introduced key the current one."""
    run_steps(name, lambda: EnvFile(env_file), "switch")


@app.command()
def rotate(name: Name, env_file: EnvPath = _ENV) -> None:
    """Introduce a key and switch to it at once: for a deployment whose processes are all stopped."""
    run_steps(name, lambda: EnvFile(env_file), "introduce", "switch")


@app.command("retire")
def retire_key(
    name: Name,
    env_file: EnvPath = _ENV,
    moved: Annotated[bool, typer.Option("--moved", help="`status` shows no row under earlier keys.")] = False,
) -> None:
    """Drop the earlier keys; refused unless no row lies under one of them."""
    require_moved(name, moved)
    run_steps(name, lambda: EnvFile(env_file), "retire")
