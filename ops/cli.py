"""`weiguang`: run the stack, show it, audit it."""

import asyncio
import shutil
import signal
import sys
from collections.abc import Awaitable, Callable
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from ops.keys import app as keys_app
from ops.stack.errors import StackError
from ops.stack.layout import ROOT, Options
from ops.stack.postgres import forget
from ops.stack.supervisor import Stack, read_state
from shared.errors import WeiguangError

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)
app.add_typer(keys_app, name="keys")
console = Console(stderr=True)

VarDirectory = Annotated[Path, typer.Option("--var", help="Where the state lies.")]
_VAR = ROOT / "var"


def _say(text: str) -> None:
    console.print(f"[dim]·[/] {text}")


async def until_told(work: Callable[[], Awaitable[int]]) -> int:
    """Do the work, and end it in order on Ctrl-C, SIGTERM or a closed terminal (exit code 130 or 143)."""
    told: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):

        def tell(number: int = number) -> None:
            if not told.done():
                told.set_result(number)

        asyncio.get_running_loop().add_signal_handler(number, tell)
    task = asyncio.ensure_future(work())
    await asyncio.wait({task, told}, return_when=asyncio.FIRST_COMPLETED)
    if not told.done():
        return task.result()
    console.print("\nstopping everything …")
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    return 0 if told.result() == signal.SIGTERM else 130


def _finish(work: Callable[[], Awaitable[int]]) -> None:
    """Run to the end; what is wrong with the machine or the data is said in a sentence, not in a traceback."""
    try:
        code = asyncio.run(until_told(work))
    except (StackError, WeiguangError) as error:
        console.print(f"[bold red]✗[/] {error}", highlight=False)
        code = 1
    sys.exit(code)


@app.command()
def run(var: VarDirectory = _VAR) -> None:
    """Start everything and keep it up until Ctrl-C; with an empty var/ a small district is loaded first."""

    async def work() -> int:
        seeding = var / "seeding"
        if seeding.exists():
            _say("loading the small district was interrupted last time: beginning anew")
            _forget_all(var)
        empty = not (var / "postgres").exists()
        async with Stack(Options(var=var), progress=_say) as stack:
            if empty:
                seeding.touch()
                _say("loading a small district")
                await import_module("ops.demo.main").seed_small(stack)
                seeding.unlink()
            _addresses(stack)
            await asyncio.Event().wait()
        return 0

    _finish(work)


@app.command()
def stack(var: VarDirectory = _VAR) -> None:
    """Start everything with whatever data there is, and keep it up until Ctrl-C."""

    async def work() -> int:
        async with Stack(Options(var=var), progress=_say) as running:
            _addresses(running)
            await asyncio.Event().wait()
        return 0

    _finish(work)


def _addresses(stack: Stack) -> None:
    out = Console()
    out.print(f"\n[bold]Weiguang is up[/]: {stack.urls['gateway']}/   (Ctrl-C ends it)", highlight=False)
    out.print(f"  broker      {stack.broker.version}", highlight=False)
    out.print(f"  operators   operator / {stack.secrets.operator_password}", highlight=False)
    out.print(f"              operator2 / {stack.secrets.second_operator_password} (second person)", highlight=False)
    out.print(f"  engineer    engineer / {stack.secrets.engineer_password}", highlight=False)
    out.print(f"  codes       {stack.var / 'messages.jsonl'} (one-time codes to phones)", highlight=False)
    out.print(f"  e-mails     {stack.mail.directory}", highlight=False)
    out.print(f"  state, logs {stack.var / 'run' / 'stack.json'}, {stack.log_directory}", highlight=False)
    notes = stack.var / "accounts.txt"
    if notes.exists():
        out.print(notes.read_text(encoding="utf-8"), highlight=False, soft_wrap=True)


@app.command()
def demo(
    seed: Annotated[int, typer.Option(help="The same seed gives the same points.")] = 2026,
    var: VarDirectory = _VAR,
) -> None:
    """Play the district's first two months through the real services, and print its report."""
    run_demo: Callable[..., Awaitable[int]] = import_module("ops.demo.main").run_demo
    _finish(lambda: run_demo(seed=seed, var=var))


@app.command()
def audit(
    dsn: Annotated[str, typer.Option(help="Address of the database for the auditor; else the running stack's.")] = "",
    settled: Annotated[bool, typer.Option("--settled", help="Nothing is on its way any more.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    var: VarDirectory = _VAR,
) -> None:
    """Prove the invariants over one snapshot; exit code 1 and a list of offenders on a breach."""
    run_audit: Callable[..., Awaitable[int]] = import_module("ops.audit.main").run_audit

    async def work() -> int:
        state: dict[str, Any] | None = read_state(var)
        if dsn or state is not None:
            dsn_running = dsn or (state or {})["dsns"]["auditor"]
            return await run_audit(dsn_running, settled=settled, as_json=as_json)
        async with Stack(Options(var=var, processes=(), port=0), progress=_say) as running:
            return await run_audit(running.dsn("auditor"), settled=settled, as_json=as_json)

    _finish(work)


report = typer.Typer(no_args_is_help=True, help="Reports for people; they read and change nothing.")
app.add_typer(report, name="report")


@report.callback()
def _report() -> None:
    """Keep the name of a report on the command line while there is only one."""


@report.command()
def suspicious(
    dsn: Annotated[str, typer.Option(help="Address of the database for the auditor; else the running stack's.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    var: VarDirectory = _VAR,
) -> None:
    """List service records that a person should check: stretched, too new, too long, or approved inside one site."""
    run_report: Callable[..., Awaitable[int]] = import_module("ops.suspicious.main").run_report

    async def work() -> int:
        state: dict[str, Any] | None = read_state(var)
        if dsn or state is not None:
            return await run_report(dsn or (state or {})["dsns"]["auditor"], as_json=as_json)
        async with Stack(Options(var=var, processes=(), port=0), progress=_say) as running:
            return await run_report(running.dsn("auditor"), as_json=as_json)

    _finish(work)


@app.command()
def clean(var: VarDirectory = _VAR) -> None:
    """Forget all data, logs and secrets in var/."""
    if read_state(var) is not None:
        console.print("[bold red]✗[/] the stack runs: end it first")
        sys.exit(1)
    _forget_all(var)


def _forget_all(var: Path) -> None:
    forget(var / "demo" / "postgres")
    forget(var / "postgres")
    for child in var.iterdir() if var.exists() else ():
        if child.name == "kafka-jars":
            continue
        shutil.rmtree(child) if child.is_dir() and not child.is_symlink() else child.unlink()


if __name__ == "__main__":
    app()
