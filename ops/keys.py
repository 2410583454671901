"""`weiguang keys`: rotate the keys of a stack or of a deployment's `.env`, and move what lies under the earlier ones.

A rotation has three steps, so that no process ever meets a key that it does not know: *introduce* adds a key that is
known and not yet used, *switch* makes it the current one, *retire* drops the earlier ones. Keys are written to the file
that they are read from, and never printed.
"""

import asyncio
import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from ops.stack.errors import StackError
from ops.stack.layout import DATABASE, KEYS, ROOT, Options, secrets_by_variable
from ops.stack.secrets import StackSecrets, generate_pair, load_secrets, new_secret, save_secrets
from ops.stack.supervisor import Stack, read_state
from shared.errors import PermanentError
from shared.sealing import parse_ring

__all__ = ["Name", "app", "introduce", "retire", "switch"]

app = typer.Typer(no_args_is_help=True, help="Rotate keys, and see what lies under which.")

VarDirectory = Annotated[Path, typer.Option("--var", help="Where the state of the stack lies.")]
EnvFile = Annotated[Path | None, typer.Option("--env-file", help="A deployment's .env, in place of the stack's keys.")]
_VAR = ROOT / "var"


class Name(StrEnum):
    """What is rotated."""

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


class Keeper:
    """Reads and writes the rings of a stack's secrets or of a `.env`."""

    def __init__(self, var: Path, env_file: Path | None) -> None:
        self._path = env_file
        self._secrets_path = var / "secrets.json"
        if env_file is not None:
            self._lines = env_file.read_text(encoding="utf-8").splitlines()
            self._secrets: StackSecrets | None = None
            return
        if read_state(var) is not None:
            raise StackError("the stack runs: end it first, and its processes start with the new keys next time")
        if not self._secrets_path.exists():
            raise StackError(f"there are no keys in {var} yet: they are made at the first start")
        self._secrets = load_secrets(self._secrets_path)

    def get(self, variable: str) -> str:
        """The ring in a variable.

        Raises:
            StackError: there is none.
        """
        if self._secrets is not None:
            return self._secrets.rings()[variable]
        found = [line.partition("=")[2] for line in self._lines if line.startswith(f"{variable}=")]
        if not found or not found[-1]:
            raise StackError(f"{self._path} holds no {variable}")
        return found[-1]

    def set(self, rings: Mapping[str, str]) -> None:
        """Write rings, all or none; the file stays readable for its owner only."""
        if self._secrets is not None:
            save_secrets(self._secrets_path, self._secrets.with_rings(rings))
            return
        assert self._path is not None
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


def _run(name: Name, var: Path, env_file: Path | None, *steps: str) -> None:
    try:
        ids: list[str] = []
        for step in steps:
            ids = _step(name, Keeper(var, env_file), step)
        _report(name, ids, _NEXT[steps[-1]])
    except (StackError, PermanentError, OSError) as error:
        typer.echo(f"✗ {error}", err=True)
        raise typer.Exit(1) from None


@app.command("introduce")
def introduce_key(name: Name, var: VarDirectory = _VAR, env_file: EnvFile = None) -> None:
    """Add a fresh key that every process knows and none uses yet."""
    _run(name, var, env_file, "introduce")


@app.command("switch")
def switch_key(name: Name, var: VarDirectory = _VAR, env_file: EnvFile = None) -> None:
    """Make the introduced key the current one."""
    _run(name, var, env_file, "switch")


@app.command()
def rotate(name: Name, var: VarDirectory = _VAR, env_file: EnvFile = None) -> None:
    """Introduce a key and switch to it at once: for a stack or a deployment whose processes are all stopped."""
    _run(name, var, env_file, "introduce", "switch")


@app.command("retire")
def retire_key(
    name: Name,
    var: VarDirectory = _VAR,
    env_file: EnvFile = None,
    moved: Annotated[
        bool, typer.Option("--moved", help="Of a .env: `status` shows no row under earlier keys.")
    ] = False,
) -> None:
    """Drop the earlier keys; refused while rows lie under one of them."""
    service = SEALING.get(name)
    if service is not None and env_file is not None and not moved:
        typer.echo("✗ see first that no row lies under an earlier key (keys status), then say --moved", err=True)
        raise typer.Exit(1)
    if service is not None and env_file is None:
        current = next(iter(parse_ring(Keeper(var, None).get(VARIABLES[name].secret), str(name))))
        if left := sorted(_used(name, _ask(var, "status", service)[service]["tables"]) - {current}):
            typer.echo(f"✗ rows lie under the keys {', '.join(left)}: weiguang keys rewrap", err=True)
            raise typer.Exit(1)
    _run(name, var, env_file, "retire")


def _used(name: Name, tables: Mapping[str, Mapping[str, int]]) -> set[str]:
    """Ids of the keys of this name that rows lie under; people have two, written ``<vault>/<lookup>``."""
    if name is Name.LOOKUP:
        return {key.partition("/")[2] for key in tables["people"]}
    return {key.partition("/")[0] for keys in tables.values() for key in keys}


@app.command()
def status(var: VarDirectory = _VAR) -> None:
    """Show how many rows lie under which key, by service and table."""
    answers = _ask(var, "status", "recruitment", "points")
    typer.echo(json.dumps({service: answer["tables"] for service, answer in answers.items()}))


@app.command()
def rewrap(var: VarDirectory = _VAR) -> None:
    """Move all rows to the current keys; may be interrupted and run again, while the services run."""
    answers = _ask(var, "rewrap", "recruitment", "points")
    typer.echo(json.dumps(answers))
    raise typer.Exit(1 if any(answer["failed"] for answer in answers.values()) else 0)


def _ask(var: Path, what: str, *services: str) -> dict[str, Any]:
    """Service → answer of `python -m services.<service> keys <what>`, on the stack's database.

    The database is started if the stack does not run.
    """

    async def work() -> dict[str, Any]:
        state = read_state(var)
        if state is not None:
            dsns, secrets = state["dsns"], load_secrets(var / "secrets.json")
            return {each: await _command(each, what, dsns[f"{each}_app"], secrets) for each in services}
        async with Stack(Options(var=var, processes=(), port=0)) as running:
            return {each: await _command(each, what, running.dsn(f"{each}_app"), running.secrets) for each in services}

    return asyncio.run(work())


async def _command(service: str, what: str, dsn: str, secrets: StackSecrets) -> dict[str, Any]:
    held = secrets_by_variable(secrets)
    variables = {
        "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
        "PYTHONPATH": str(ROOT),
        "WEIGUANG_ENVIRONMENT": "embedded",
        "WEIGUANG_DATABASE_URL": dsn,
        **{name: held[service, name] for name in KEYS[f"{service}-keys"]},
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", f"services.{service}", "keys", what, cwd=ROOT, env=variables,
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, _ = await process.communicate()
    lines = out.decode("utf-8", "replace").splitlines()
    if not lines or not lines[-1].startswith('{"tables"'):
        raise StackError(f"{service} keys {what} on {DATABASE} ended with code {process.returncode}")
    result: dict[str, Any] = json.loads(lines[-1])
    return result
