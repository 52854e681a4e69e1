"""A PostgreSQL server of the machine's binaries, run by whoever may run one.

Used twice: for the services' own databases, and by Trove's guests for the databases of users. PostgreSQL refuses to run as
root; root therefore runs it as the system user `postgres`, with the right to reach a data directory that lies below
directories closed to that user (a checkout in /root, for one).

Standard library only: the launcher and the services' environment both use it.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from devcloud.failures import DevCloudError
from devcloud.patience import PATIENCE
from devcloud.processes import stat_of

SYSTEM_USER = "postgres"
_PACKAGED = Path("/usr/lib/postgresql")


def binaries() -> Path:
    """The directory of the newest installed PostgreSQL server. Raises DevCloudError if there is none."""
    found = sorted(_PACKAGED.glob("*/bin/postgres"), key=lambda path: int(path.parts[-3]))
    if found:
        return found[-1].parent
    on_path = shutil.which("postgres")
    if on_path and shutil.which("initdb"):
        return Path(on_path).resolve().parent
    raise DevCloudError("no PostgreSQL server is installed; install one with:  sudo apt-get install -y postgresql")


class Server:
    """One data directory and the server that serves it on a loopback address, over TCP only."""

    def __init__(self, data: Path, host: str, port: int, log: Path) -> None:
        self.data = data
        self.host = host
        self.port = port
        self._log = log
        self._binaries = binaries()

    def initialise(self, superuser: str, password: str, settings: Mapping[str, str]) -> None:
        """Makes an empty cluster whose only user is `superuser`. `settings` go to postgresql.auto.conf."""
        self.data.mkdir(parents=True, exist_ok=True)
        give_to_postgres(self.data)
        with tempfile.NamedTemporaryFile("w", prefix="govcloud-", suffix=".pw") as secret:
            secret.write(password)
            secret.flush()
            give_to_postgres(Path(secret.name))
            self._run(
                "initdb", "-D", str(self.data), "-U", superuser, f"--pwfile={secret.name}", "-A", "scram-sha-256",
                "-E", "UTF8", "--locale=C", "--no-sync", "--wal-segsize=4", "--no-instructions",
            )  # fmt: skip
        lines = "".join(f"{name} = '{value}'\n" for name, value in settings.items())
        with (self.data / "postgresql.auto.conf").open("a") as file:
            file.write(lines)

    def start(self) -> None:
        """Starts the server and returns when it accepts connections. A stale lock file of a crash is removed."""
        if self.pid() is not None:
            return
        (self.data / "postmaster.pid").unlink(missing_ok=True)
        self._log.touch()
        give_to_postgres(self._log)
        where = f"-c listen_addresses={self.host} -c unix_socket_directories= -p {self.port}"
        self._run("pg_ctl", "-D", str(self.data), "-l", str(self._log), "-w", "-s", "-o", where, "start")

    def stop(self) -> None:
        """Stops the server, if it runs: open transactions are rolled back, everything is written out."""
        if self.pid() is not None:
            self._run("pg_ctl", "-D", str(self.data), "-w", "-s", "-m", "fast", "stop")

    def follow_another(self) -> None:
        """Makes of the files of a base backup those of a standby: it reads another server's log and takes no writes."""
        signal = self.data / "standby.signal"
        signal.touch(mode=0o600)
        give_to_postgres(signal)

    def follow(self, host: str, port: int, user: str, password: str) -> None:
        """Says whose log a standby reads, from its next start on."""
        configuration = self.data / "postgresql.auto.conf"
        kept = [line for line in configuration.read_text().splitlines() if not line.startswith("primary_conninfo")]
        whose = f"primary_conninfo = 'host={host} port={port} user={user} password={password}'"
        configuration.write_text("\n".join([*kept, whose]) + "\n")

    def promote(self) -> None:
        """Makes a running standby a server of its own."""
        self._run("pg_ctl", "-D", str(self.data), "-w", "-s", "promote")

    def pid(self) -> int | None:
        """The process that serves this data directory, if one does.

        The lock file may be of a server long gone whose id another program has now: only a process that works in
        the data directory counts.
        """
        try:
            pid = int((self.data / "postmaster.pid").read_text().split()[0])
            runs = stat_of(pid) is not None and Path(f"/proc/{pid}/cwd").samefile(self.data)
            return pid if runs else None
        except (OSError, ValueError, IndexError):
            return None

    def sql(self, database: str, statements: str, superuser: str, password: str) -> None:
        """Runs statements through psql; stops at the first that fails. Raises DevCloudError."""
        address = ["-h", self.host, "-p", str(self.port), "-U", superuser, "-d", database]
        self._run("psql", *address, "-q", "-v", "ON_ERROR_STOP=1", "-f", "-", given=statements, password=password)

    def base_backup(self, target: Path, superuser: str, password: str) -> None:
        """Writes a copy of the running server's data, as one tar archive that starts by itself when unpacked."""
        address = ["-h", self.host, "-p", str(self.port), "-U", superuser]
        how = ["--format=tar", "--wal-method=fetch", "--checkpoint=fast", "--no-sync", "--no-manifest"]
        with tempfile.TemporaryDirectory(prefix="govcloud-") as directory:
            give_to_postgres(Path(directory))
            self._run("pg_basebackup", *address, *how, "-D", directory, password=password)
            shutil.move(Path(directory) / "base.tar", target)

    def sql_while_stopped(self, statement: str) -> None:
        """Runs one statement as the superuser on the files of a server that does not run: no password is asked for."""
        self._run("postgres", "--single", "-D", str(self.data), "postgres", given=f"{statement}\n")

    def _run(self, program: str, *arguments: str, given: str = "", password: str = "") -> None:
        command = [*as_postgres(), str(self._binaries / program), *arguments]
        # pg_ctl waits for a start or a stop for a minute where nobody says for how long.
        environment = {"PATH": os.defpath, "LC_ALL": "C", "PGPASSWORD": password, "PGCTLTIMEOUT": f"{PATIENCE:.0f}"}
        # pg_ctl hands its output streams on to the server: a pipe would stay open until the server ends.
        with tempfile.TemporaryFile() as output:
            done = subprocess.run(
                command, input=given.encode(), stdout=output, stderr=output, env=environment, cwd="/", check=False
            )
            output.seek(0)
            if done.returncode:
                raise DevCloudError(f"{program} failed with {done.returncode}:\n{output.read().decode()[-2000:]}")


def as_postgres() -> Sequence[str]:
    """What to put before a command so that it runs as the user that may run PostgreSQL."""
    if os.geteuid() != 0:
        return []
    _system_user()
    capability = "+dac_override"
    identity = ["--reuid", SYSTEM_USER, "--regid", SYSTEM_USER, "--init-groups"]
    return ["setpriv", *identity, "--inh-caps", capability, "--ambient-caps", capability, "--"]


def give_to_postgres(path: Path) -> None:
    """Makes PostgreSQL's user the owner of a file or directory. Without root, it already is."""
    if os.geteuid() == 0:
        user = _system_user()
        os.chown(path, user.pw_uid, user.pw_gid)


def _system_user() -> pwd.struct_passwd:
    try:
        return pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        raise DevCloudError(f"PostgreSQL does not run as root, and there is no user {SYSTEM_USER}") from None
