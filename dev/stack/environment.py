"""Make the virtual environment and link the checkout into it. Standard library only: runs before anything is installed.

`--create DIR` makes the environment; `--link CHECKOUT` (run by the environment's Python) makes the checkout importable
and writes the `weiguang` command, without a build, so that it works off line.
"""

import argparse
import subprocess
import sys
import sysconfig
from pathlib import Path

OLDEST = (3, 11)


def create(directory: Path) -> None:
    """Make a virtual environment with pip; exits with a sentence on what is missing."""
    if sys.version_info < OLDEST:
        sys.exit(
            f"Weiguang needs Python 3.11 or later, and {sys.executable} is {sys.version.split()[0]}.\n"
            "Install a later one, or name it: make PYTHON=python3.12 …"
        )
    try:
        import ensurepip  # noqa: F401 - only whether it is there
        import venv
    except ImportError:
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        sys.exit(
            "This Python cannot make virtual environments: its venv or ensurepip module is missing.\n"
            f"On Debian and Ubuntu: apt-get install python{version}-venv"
        )
    try:
        venv.EnvBuilder(with_pip=True, clear=True, symlinks=True).create(directory)
    except (OSError, subprocess.CalledProcessError) as error:
        sys.exit(f"The virtual environment {directory} could not be made: {error}")


def link(checkout: Path) -> None:
    """Make the checkout importable from this environment, and write its `weiguang` command."""
    packages = Path(sysconfig.get_path("purelib"))
    (packages / "weiguang-checkout.pth").write_text(f"{checkout}\n", encoding="utf-8")
    command = Path(sysconfig.get_path("scripts")) / "weiguang"
    command.write_text(f"#!{sys.executable}\nfrom dev.cli import app\n\napp()\n", encoding="utf-8")
    command.chmod(0o755)


def main() -> None:
    """Parse the command line and do the one thing asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--create", type=Path)
    what.add_argument("--link", type=Path)
    arguments = parser.parse_args()
    if arguments.create is not None:
        create(arguments.create)
    else:
        link(arguments.link.resolve())


if __name__ == "__main__":
    main()
