"""How fast the audit log records and verifies, as ratios to what the disk and the hash alone can do.

    python bench/audit_log.py [--records N] [--threads N] [--sm3] [--directory DIR]

Recording is measured in wall time, because it waits for the disk; verifying in processor time, so that what else runs on the machine
disturbs it less, each verifier in a process of its own as an auditor starts it, with the most memory that it held. Absolute numbers
belong to one machine; the ratios to the floor travel. Prints one JSON object.
"""

import argparse
import collections
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from uuid import uuid4

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "operator"))

from govcloud.audit.files import RealFiles  # noqa: E402
from govcloud.audit.layout import Layout  # noqa: E402
from govcloud.audit.log import AuditLog  # noqa: E402
from govcloud.audit.proofs import export, of_unit, prove  # noqa: E402
from govcloud.audit.records import (  # noqa: E402
    Action,
    Entry,
    Initiator,
    InitiatorType,
    Outcome,
    Phase,
    Reason,
    RequestIds,
    Target,
)
from govcloud.audit.rereading import Rereading  # noqa: E402
from govcloud.audit.signing_key import load_or_create_signer  # noqa: E402
from govcloud.audit.starting_points import forget, sizes  # noqa: E402


def typical_entry() -> Entry:
    """What the provider writes before it creates a server."""
    return Entry(
        phase=Phase.INTENT,
        action=Action.CREATE,
        outcome=Outcome.PENDING,
        initiator=Initiator(
            id="system:serviceaccount:govcloud-system:govcloud-controller",
            type=InitiatorType.CONTROLLER,
            on_behalf_of="wang.wei",
        ),
        target=Target(kind="openstack:compute:servers", name="web-1", project=uuid4().hex),
        request=str(uuid4()),
        unit="jj-health",
        reason=Reason(plan_number=3, plan_digest=uuid4().hex * 2, approval_digests=(uuid4().hex * 2,), article="JJ 26"),
        request_ids=RequestIds(openstack=(f"req-{uuid4()}",)),
        message="create server web-1",
        attributes={"method": "POST", "path": "/servers"},
    )


def open_log(directory: Path, *, sm3: bool) -> AuditLog:
    """The log as the controller opens it."""
    return AuditLog(
        directory / "audit",
        clock=lambda: datetime.now(UTC),
        monotonic=time.monotonic_ns,
        signer=load_or_create_signer(directory / "key"),
        fence="bench/1",
        national=sm3,
    )


def seconds(action: Callable[[], object]) -> float:
    """Wall time of one run."""
    begun = time.perf_counter()
    action()
    return time.perf_counter() - begun


def processor_seconds(action: Callable[[], object]) -> float:
    """Of this process, however often it was interrupted."""
    begun = time.process_time()
    action()
    return time.process_time() - begun


def bare_durable_writes(directory: Path, size: int, count: int) -> float:
    """Appends per second of nothing but write and fdatasync: no log on this disk can be faster without grouping."""
    descriptor = os.open(directory / "floor", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    data = os.urandom(size)

    def run() -> None:
        for _ in range(count):
            os.write(descriptor, data)
            os.fdatasync(descriptor)

    rate = count / seconds(run)
    os.close(descriptor)
    return rate


def appends(log: AuditLog, threads: int, count: int) -> tuple[float, list[float]]:
    """Durable records per second, and how long each caller waited."""
    entry, waits = typical_entry(), list[float]()

    def work() -> None:
        for _ in range(count // threads // 2):
            begun = log.append(entry)
            waits.append(seconds(lambda: log.append(settled(entry, begun.id))))  # noqa: B023

    workers = [threading.Thread(target=work) for _ in range(threads)]

    def run() -> None:
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()

    took = seconds(run)
    return 2 * len(waits) / took, sorted(waits)


def fill(log: AuditLog, count: int) -> None:
    """Settled intents by the shortest way, for the reading side."""
    entry = typical_entry()
    for _ in range(count // 500):
        begun = log.append_many([entry] * 250)
        log.append_many([settled(entry, receipt.id) for receipt in begun])


def settled(entry: Entry, intent: str) -> Entry:
    """The outcome that closes an intent."""
    return entry.model_copy(update={"phase": Phase.OUTCOME, "outcome": Outcome.SUCCESS, "intent": intent})


def stored_bytes(directory: Path) -> int:
    """Size of all segments."""
    return sum(path.stat().st_size for path in (directory / "audit" / "segments").iterdir())


def bare_hash(directory: Path) -> float:
    """Seconds of the processor to read and hash the same bytes: no verifier can be faster."""

    def run() -> None:
        for path in (directory / "audit" / "segments").iterdir():
            with path.open("rb") as stream:
                for line in stream:
                    sha256(line).digest()

    return processor_seconds(run)


def verifying(command: list[str | Path], records: int, floor: float) -> dict[str, float]:
    """What one verifier takes, from its start to its verdict. Raises `RuntimeError` unless it calls the log whole."""
    process = subprocess.Popen(
        [sys.executable, *command], stdout=subprocess.DEVNULL, env={**os.environ, "PYTHONPATH": str(ROOT / "operator")}
    )
    begun = time.perf_counter()
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{command} ended with {process.returncode}")
    processor = used.ru_utime + used.ru_stime
    return {
        "processor_seconds": round(processor, 1),
        "processor_seconds_per_million": round(processor / records * 1e6, 1),
        "wall_seconds": round(time.perf_counter() - begun, 1),
        "ratio_to_bare_hash": round(processor / floor, 1),
        "peak_memory_mib": used.ru_maxrss // 1024,
    }


def verifiers(directory: Path, records: int) -> dict[str, dict[str, float]]:
    """Both of them, over the same log."""
    key, log = directory / "key.pub", directory / "audit"
    key.write_text(load_or_create_signer(directory / "key").public_key.text())
    floor = bare_hash(directory)
    offline = ROOT / "operator" / "govcloud" / "audit" / "verify_offline.py"
    return {
        "govcloud audit verify": verifying(["-m", "govcloud", "audit", "verify", "--log", log, "--key", key], records, floor),
        "verify_offline.py": verifying([offline, "log", log, "--key", key], records, floor),
    }


def measure(directory: Path, records: int, threads: int, *, sm3: bool) -> dict[str, object]:
    """All figures."""
    log = open_log(directory, sm3=sm3)
    alone, alone_waits = appends(log, 1, 1_000)
    grouped, waits = appends(log, threads, 4_000)
    size = stored_bytes(directory) // 5_000
    floor = bare_durable_writes(directory, size, 1_000)
    fill(log, records)
    log.close()
    there = 5_000 + records // 500 * 500
    verified = verifiers(directory, there)  # before this process grows: a child's peak counts from its parent's size on
    opening = processor_seconds(lambda: open_log(directory, sm3=sm3).close())
    proofs = sorted(processor_seconds(lambda: list(prove(directory / "audit", index))) for index in range(0, records // 2, records // 1_000))  # noqa: B023
    again = open_log(directory, sm3=sm3)
    rereading = processor_seconds(Rereading(again, directory / "audit").run)
    again.close()
    forget(RealFiles(), Layout(directory / "audit"), sizes(RealFiles(), Layout(directory / "audit")))
    opening_all = processor_seconds(lambda: open_log(directory, sm3=sm3).close())
    exporting = processor_seconds(lambda: collections.deque(export(directory / "audit", of_unit("jj-health")), maxlen=0))
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "commit": commit(),
        "cpus": os.cpu_count(),
        "load_average": os.getloadavg()[0],
        "sm3": sm3,
        "record_bytes": size,
        "durable_records_per_second": {
            "bare disk": round(floor),
            "one thread": round(alone),
            f"{threads} threads": round(grouped),
        },
        "durable_records_ratio_to_bare_disk": {
            "one thread": round(alone / floor, 2),
            f"{threads} threads": round(grouped / floor, 2),
        },
        "append_milliseconds": {
            "one thread p50": round(1_000 * alone_waits[len(alone_waits) // 2], 2),
            "one thread p99": round(1_000 * alone_waits[len(alone_waits) * 99 // 100], 2),
            f"{threads} threads p99": round(1_000 * waits[len(waits) * 99 // 100], 2),
        },
        "records": there,
        "verify": verified,
        "open_processor_seconds": round(opening, 2),
        "open_without_starting_point_processor_seconds": round(opening_all, 1),
        "reread_processor_seconds_per_million": round(rereading / there * 1e6, 1),
        "prove_processor_milliseconds": {
            "p50": round(1_000 * proofs[len(proofs) // 2], 2),
            "p99": round(1_000 * proofs[len(proofs) * 99 // 100], 2),
        },
        "export_processor_seconds_per_million": round(exporting / there * 1e6, 1),
    }


def commit() -> str:
    """Of this tree; `-dirty` where it was changed since."""
    command = ["git", "-C", ROOT, "describe", "--always", "--dirty", "--exclude", "*"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def main() -> None:
    """Prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--records", type=int, default=50_000)
    parser.add_argument("--threads", type=int, default=16)
    parser.add_argument("--sm3", action="store_true", help="with the second tree")
    parser.add_argument("--directory", type=Path, default=None, help="on the disk to be measured")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.directory) as directory:
        print(json.dumps(measure(Path(directory), options.records, options.threads, sm3=options.sm3), indent=2))


if __name__ == "__main__":
    main()
