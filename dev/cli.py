"""`weiguang` in a checkout: run the stack, show it, audit it, and what an operator of a deployment runs."""

import asyncio
import shutil
import sys
from collections.abc import Awaitable, Callable
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from dev.keys import app as keys_app
from dev.stack.layout import ROOT, Options
from dev.stack.postgres import forget
from dev.stack.supervisor import Stack, read_state
from ops.console import console, finish
from ops.engineers.commands import add_commands

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)
app.add_typer(keys_app, name="keys")
add_commands(app)

VarDirectory = Annotated[Path, typer.Option("--var", help="Where the state lies.")]
Dsn = Annotated[str, typer.Option("--dsn", help="Address of the database for the auditor; else the stack's in var/.")]
_VAR = ROOT / "var"


def _say(text: str) -> None:
    console.print(f"[dim]·[/] {text}")


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
                await import_module("dev.demo.main").seed_small(stack)
                seeding.unlink()
            _addresses(stack)
            await asyncio.Event().wait()
        return 0

    finish(work)


@app.command()
def stack(var: VarDirectory = _VAR) -> None:
    """Start everything with whatever data there is, and keep it up until Ctrl-C."""

    async def work() -> int:
        async with Stack(Options(var=var), progress=_say) as running:
            _addresses(running)
            await asyncio.Event().wait()
        return 0

    finish(work)


def _addresses(stack: Stack) -> None:
    out = Console()
    out.print(f"\n[bold]Weiguang is up[/]: {stack.urls['gateway']}/   (Ctrl-C ends it)", highlight=False)
    out.print(f"  broker      {stack.broker.version}", highlight=False)
    out.print(f"  operators   operator / {stack.secrets.operator_password}", highlight=False)
    out.print(f"              operator2 / {stack.secrets.second_operator_password} (second person)", highlight=False)
    out.print(f"  engineer    engineer / {stack.secrets.engineer_password}", highlight=False)
    out.print(f"  auditor     auditor / {stack.secrets.auditor_password} (reads only)", highlight=False)
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
    run_demo: Callable[..., Awaitable[int]] = import_module("dev.demo.main").run_demo
    finish(lambda: run_demo(seed=seed, var=var))


@app.command()
def audit(
    dsn: Dsn = "",
    settled: Annotated[bool, typer.Option("--settled", help="Nothing is on its way any more.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    processes: Annotated[int, typer.Option(min=1, help="One for each core, for millions of records.")] = 1,
    var: VarDirectory = _VAR,
) -> None:
    """Prove the invariants over one snapshot; exit code 1 and a list of offenders on a breach."""
    run_audit: Callable[..., Awaitable[int]] = import_module("ops.audit.main").run_audit
    finish(
        lambda: _as_auditor(
            lambda found: run_audit(found, settled=settled, as_json=as_json, processes=processes), dsn, var
        )
    )


async def _as_auditor(work: Callable[[str], Awaitable[int]], dsn: str, var: Path) -> int:
    """Run the work on the database given, else on the running stack's, else on that of a stack without processes."""
    state: dict[str, Any] | None = read_state(var)
    if dsn or state is not None:
        return await work(dsn or (state or {})["dsns"]["auditor"])
    async with Stack(Options(var=var, processes=(), port=0), progress=_say) as running:
        return await work(running.dsn("auditor"))


report = typer.Typer(no_args_is_help=True, help="Reports for people; they read and change nothing.")
app.add_typer(report, name="report")


@report.callback()
def _report() -> None:
    """Keep the name of a report on the command line while there is only one."""


@report.command()
def suspicious(
    dsn: Dsn = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    var: VarDirectory = _VAR,
) -> None:
    """List service records that a person should check: stretched, too new, too long, or approved inside one site."""
    run_report: Callable[..., Awaitable[int]] = import_module("ops.suspicious.main").run_report
    finish(lambda: _as_auditor(lambda found: run_report(found, as_json=as_json), dsn, var))


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
