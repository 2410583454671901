"""`python -m ops.cli`: what the operator of a deployment runs: provisioning, keys, audit, reports, streams."""

from collections.abc import Awaitable, Callable
from importlib import import_module
from typing import Annotated

import typer

from ops.console import finish
from ops.engineers.commands import add_commands
from ops.keys import app as keys_app
from ops.provision import ProvisionPart, run

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)
app.add_typer(keys_app, name="keys")
add_commands(app)

Dsn = Annotated[str, typer.Option("--dsn", help="Address of the database, as the role auditor.")]


@app.command()
def audit(
    dsn: Dsn,
    settled: Annotated[bool, typer.Option("--settled", help="Nothing is on its way any more.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    processes: Annotated[int, typer.Option(min=1, help="One for each core, for millions of records.")] = 1,
) -> None:
    """Prove the invariants over one snapshot; exit code 1 and a list of offenders on a breach."""
    run_audit: Callable[..., Awaitable[int]] = import_module("ops.audit.main").run_audit
    finish(lambda: run_audit(dsn, settled=settled, as_json=as_json, processes=processes))


@app.command()
def provision(
    what: Annotated[ProvisionPart, typer.Argument()] = ProvisionPart.ALL,
    show: Annotated[bool, typer.Option("--print", help="With kafka: print the permissions, change nothing.")] = False,
) -> None:
    """Make roles, schemas, topics and the broker's users and permissions; `secrets` prints a `.env`."""
    run(what, show=show)


report = typer.Typer(no_args_is_help=True, help="Reports for people; they read and change nothing.")
app.add_typer(report, name="report")


@report.callback()
def _report() -> None:
    """Keep the name of a report on the command line while there is only one."""


@report.command()
def suspicious(dsn: Dsn, as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """List service records that a person should check: stretched, too new, too long, or approved inside one site."""
    run_report: Callable[..., Awaitable[int]] = import_module("ops.suspicious.main").run_report
    finish(lambda: run_report(dsn, as_json=as_json))


if __name__ == "__main__":
    app()
