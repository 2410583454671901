"""The command line of a deployment reaches what its documents name."""

from typer.testing import CliRunner

from ops.cli import app


def test_provisioning_is_a_command_that_prints_a_file_of_secrets() -> None:
    done = CliRunner().invoke(app, ["provision", "secrets"])
    assert done.exit_code == 0
    keys = dict(line.partition("=")[::2] for line in done.stdout.splitlines() if line and not line.startswith("#"))
    assert len(keys["VAULT_KEY"]) > 30


def test_provisioning_knows_its_parts_only() -> None:
    assert CliRunner().invoke(app, ["provision", "everything"]).exit_code == 2
