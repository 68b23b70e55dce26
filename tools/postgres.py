"""A PostgreSQL server of its own, from Debian's package, for tests and benches."""

from __future__ import annotations

import itertools
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from sqlalchemy import make_url

_INSTALLED = Path("/usr/lib/postgresql")
# PostgreSQL refuses to run as root; Debian's package makes this account.
_ACCOUNT = "postgres"
_STARTS_WITHIN_S = 60
_USER = "headroom"


class PostgresServer:
    """One cluster in a folder that goes with it; listens on a socket in there and nowhere else."""

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="headroom-postgres-"))
        self._data = self._folder / "data"
        self._log = self._folder / "log"
        self._names = (f"store_{number}" for number in itertools.count())

    def __enter__(self) -> Self:
        if os.geteuid() == 0:
            shutil.chown(self._folder, _ACCOUNT)
        try:
            self._run(
                "initdb", "--no-sync", "--auth=trust", f"--username={_USER}", str(self._data)
            )
            self.start()
        except BaseException:
            shutil.rmtree(self._folder)
            raise
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        if self.process_id is not None:
            self.stop()
        shutil.rmtree(self._folder)

    @property
    def process_id(self) -> int | None:
        """Of the server while it runs."""
        file = self._data / "postmaster.pid"
        return int(file.read_text().splitlines()[0]) if file.exists() else None

    @property
    def process_ids(self) -> list[int]:
        """Of the server and of what it has forked."""
        main = self.process_id
        children = Path(f"/proc/{main}/task/{main}/children").read_text().split()
        return [main, *map(int, children)] if main else []

    def start(self) -> None:
        """Start it; returns when it takes connections. Raises RuntimeError with its log."""
        options = f"-c listen_addresses= -c unix_socket_directories={self._folder}"
        self._control("--options", options, "start")

    def stop(self) -> None:
        """Stop it at once, as a crash would."""
        self._control("--mode=immediate", "stop")

    @contextmanager
    def as_replica(self) -> Iterator[None]:
        """A server that only tells, as the one that another is replicated to; then promoted."""
        self.stop()
        (self._data / "standby.signal").touch()
        self.start()
        yield
        self._control("promote")

    def new_database(self, *options: str) -> str:
        """The URL of a new database."""
        name = next(self._names)
        self._run("createdb", *self._as_user, *options, name)
        return f"postgresql://{_USER}@/{name}?host={self._folder}"

    @contextmanager
    def database_in(self, folder: Path) -> Iterator[str]:
        """The URL of a database whose tables lie in an empty folder, on another disk perhaps."""
        if os.geteuid() == 0:
            shutil.chown(folder, _ACCOUNT)
        space = "elsewhere"
        self._tell(f"CREATE TABLESPACE {space} LOCATION '{folder}'")
        url = self.new_database(f"--tablespace={space}")
        try:
            yield url
        finally:
            self._run("dropdb", *self._as_user, "--force", make_url(url).database or "")
            self._tell(f"DROP TABLESPACE {space}")

    def _tell(self, statement: str) -> None:
        self._run("psql", *self._as_user, "--dbname=postgres", "--command", statement)

    @property
    def _as_user(self) -> tuple[str, ...]:
        return (f"--host={self._folder}", f"--username={_USER}")

    def _control(self, *arguments: str) -> None:
        where = ("--pgdata", str(self._data), "--log", str(self._log))
        self._run("pg_ctl", "--wait", f"--timeout={_STARTS_WITHIN_S}", *where, *arguments)

    def _run(self, program: str, *arguments: str) -> None:
        account = _account_options() if os.geteuid() == 0 else {}
        output = self._folder / "output"
        # Not a pipe: the server would keep it open.
        with output.open("w") as file:
            done = subprocess.run(
                [str(_folder_of_programs() / program), *arguments],
                stdout=file,
                stderr=subprocess.STDOUT,
                cwd=self._folder,
                check=False,
                **account,
            )
        if done.returncode:
            log = self._log.read_text() if self._log.exists() else ""
            raise RuntimeError(f"{program} failed: {output.read_text()}{log[-2000:]}")


def _account_options() -> dict[str, Any]:
    account = pwd.getpwnam(_ACCOUNT)
    return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}


def _folder_of_programs() -> Path:
    found = sorted(_INSTALLED.glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if not found:
        raise RuntimeError(f"no PostgreSQL in {_INSTALLED}: run `tools/setup.sh system`")
    return found[-1].parent
