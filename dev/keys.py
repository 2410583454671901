"""`weiguang keys`: rotate the keys of a stack or of a `.env`, and move what lies under the earlier ones."""

import asyncio
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from dev.stack.errors import StackError
from dev.stack.layout import DATABASE, KEYS, ROOT, Options, secrets_by_variable
from dev.stack.secrets import load_secrets, save_secrets
from dev.stack.supervisor import Stack, read_state
from ops.keys import SEALING, VARIABLES, EnvFile, Keeper, Name, require_moved, run_steps
from ops.secrets import Secrets
from shared.sealing import parse_ring

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help="Rotate keys, and show how many rows lie under which.")

VarDirectory = Annotated[Path, typer.Option("--var", help="Where the state of the stack lies.")]
EnvPath = Annotated[Path | None, typer.Option("--env-file", help="A deployment's .env, in place of the stack's keys.")]
_VAR = ROOT / "var"


class SecretsFile:
    """The rings in a stack's secrets; no process may run on them.

    Raises:
        StackError: the stack runs, or was never started.
    """

    def __init__(self, var: Path) -> None:
        self._path = var / "secrets.json"
        if read_state(var) is not None:
            raise StackError("the stack runs: end it first, and its processes start with the new keys next time")
        if not self._path.exists():
            raise StackError(f"there are no keys in {var} yet: they are made at the first start")
        self._secrets = load_secrets(self._path)

    def get(self, variable: str) -> str:
        """The ring in a variable."""
        return self._secrets.rings()[variable]

    def set(self, rings: Mapping[str, str]) -> None:
        """Write rings, all or none."""
        save_secrets(self._path, self._secrets.with_rings(rings))


def _run(name: Name, var: Path, env_file: Path | None, *steps: str) -> None:
    def keeper() -> Keeper:
        return SecretsFile(var) if env_file is None else EnvFile(env_file)

    run_steps(name, keeper, *steps)


@app.command("introduce")
def introduce_key(name: Name, var: VarDirectory = _VAR, env_file: EnvPath = None) -> None:
    """Add a fresh key that every process knows and none uses yet."""
    _run(name, var, env_file, "introduce")


@app.command("switch")
def switch_key(name: Name, var: VarDirectory = _VAR, env_file: EnvPath = None) -> None:
    """Make the introduced key the current one."""
    _run(name, var, env_file, "switch")


@app.command()
def rotate(name: Name, var: VarDirectory = _VAR, env_file: EnvPath = None) -> None:
    """Introduce a key and switch to it at once: for a stack or a deployment whose processes are all stopped."""
    _run(name, var, env_file, "introduce", "switch")


@app.command("retire")
def retire_key(
    name: Name,
    var: VarDirectory = _VAR,
    env_file: EnvPath = None,
    moved: Annotated[
        bool, typer.Option("--moved", help="Of a .env: `status` shows no row under earlier keys.")
    ] = False,
) -> None:
    """Drop the earlier keys; refused while rows lie under one of them."""
    service = SEALING.get(name)
    if env_file is not None:
        require_moved(name, moved)
    elif service is not None:
        current = next(iter(parse_ring(SecretsFile(var).get(VARIABLES[name].secret), str(name))))
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


async def _command(service: str, what: str, dsn: str, secrets: Secrets) -> dict[str, Any]:
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
