"""The provider as an executable, `pulumi-resource-openstack` on PATH: for people who run the engine by hand.

Reads logins by name from `clouds.yaml` (as every OpenStack client does). Preview and refresh need nothing more. Whoever
wants to change something must name a journal file in GOVCLOUD_JOURNAL that can be written; without it no write is sent.

Environment: GOVCLOUD_JOURNAL (path of the journal, JSON lines), GOVCLOUD_OWNER (uid for the marks; default: the stack's
name), GOVCLOUD_PLAN (plan number; default 0), OS_CLIENT_CONFIG_FILE (where clouds.yaml is).
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Any

from stacks.provider.errors import Code, ProviderError
from stacks.provider.journal import EffectContext, JournalUnavailable, Write, WriteOutcome
from stacks.provider.runs import CloudLogin, Run
from stacks.provider.server import ProviderServer


class JsonLinesJournal:
    """A journal in one file, one JSON object a line, each on the disk before the write it announces is sent.

    Args:
        path: the file; None: there is no journal, and every write is refused.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._lock = threading.Lock()

    def intent(self, context: EffectContext, write: Write) -> str:
        """Make the intent durable.

        Raises:
            JournalUnavailable: no file is named, or it cannot be written.
        """
        identity = str(uuid.uuid4())
        self._append({"intent": identity, "effect": asdict(context), "write": asdict(write)})
        return identity

    def outcome(self, intent: str, outcome: WriteOutcome) -> None:
        """Make the outcome durable; raises as `intent`."""
        self._append({"outcome": intent, **asdict(outcome)})

    def _append(self, record: Mapping[str, Any]) -> None:
        if self._path is None:
            raise JournalUnavailable("GOVCLOUD_JOURNAL names no file; without a journal nothing is changed")
        line = json.dumps({"at": datetime.now(UTC).isoformat(), **record}, sort_keys=True) + "\n"
        try:
            with self._lock, self._path.open("a", encoding="utf-8") as file:
                file.write(line)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise JournalUnavailable(f"{self._path} cannot be written: {error.strerror}") from error


class CloudsFile(Mapping[str, CloudLogin]):
    """The logins of `clouds.yaml`, read when they are asked for."""

    def __getitem__(self, name: str) -> CloudLogin:
        try:
            region = _configured().get_one(cloud=name)
        except Exception as error:
            raise KeyError(name) from error
        return _login(region.config.get("auth") or {}, region)

    def __iter__(self) -> Iterator[str]:
        return iter(_configured().get_cloud_names())

    def __len__(self) -> int:
        return sum(1 for _ in self)


class RunsByHand:
    """Every stack may run, with the logins of `clouds.yaml`: what it may do is up to the person and the journal."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self._clouds = CloudsFile()

    def of(self, stack: str) -> Run:
        """The run of that stack."""
        plan = self._environment.get("GOVCLOUD_PLAN", "0")
        if not plan.isdigit():
            raise ProviderError(Code.INVALID, f"GOVCLOUD_PLAN must be a number, not {plan}")
        return Run(stack, self._environment.get("GOVCLOUD_OWNER") or stack, int(plan), self._clouds)

    def when_ended(self, listener: Callable[[Run], None]) -> None:
        """A run by hand ends with the process."""

    def logins_in_use(self) -> frozenset[CloudLogin]:
        """None that would have to be kept open."""
        return frozenset()


def main() -> None:
    """Serve one engine until it stops this process; prints the port, as engines expect."""
    journal = os.environ.get("GOVCLOUD_JOURNAL")
    server = ProviderServer(RunsByHand(os.environ), JsonLinesJournal(Path(journal) if journal else None))
    port = server.start()

    def stop(_signal: int, _frame: FrameType | None) -> None:
        threading.Thread(target=server.stop, daemon=True).start()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    server.wait()


def _configured() -> Any:
    # Imported late: it takes longer than everything else here, and previews of nothing do not need it.
    from openstack.config import OpenStackConfig

    return OpenStackConfig(load_envvars=True)


def _login(auth: Mapping[str, Any], region: Any) -> CloudLogin:
    return CloudLogin(
        auth_url=str(auth.get("auth_url", "")),
        region=str(region.region_name or ""),
        application_credential_id=str(auth.get("application_credential_id") or ""),
        application_credential_secret=str(auth.get("application_credential_secret") or ""),
        username=str(auth.get("username") or ""),
        password=str(auth.get("password") or ""),
        project_name=str(auth.get("project_name") or ""),
        project_id=str(auth.get("project_id") or ""),
        user_domain=str(auth.get("user_domain_name") or "Default"),
        project_domain=str(auth.get("project_domain_name") or "Default"),
        user_domain_id=str(auth.get("user_domain_id") or ""),
        project_domain_id=str(auth.get("project_domain_id") or ""),
        cacert=str(region.config.get("cacert") or ""),
        interface=str(region.config.get("interface") or "public"),
    )


if __name__ == "__main__":
    main()
