"""Who holds a Lease, named so exactly that a process on the same machine can prove the holder dead.

After a crash a controller would wait for its own former Lease to run out. It need not where the former holder ran under the very same
kernel and numbering of processes, and that process is gone. In all other cases nothing is known, and the waiting stays.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")


@dataclass(frozen=True)
class Holder:
    """One process. Written as `<name> <boot> <pid namespace> <pid> <start>`.

    Attributes:
        name: for people: the pod's or the machine's name.
        boot: id of this run of the kernel.
        numbering: the namespace in which process ids count; another container has another one.
        started: when the process began, in clock ticks since the boot; a process id that was used again has another one.
    """

    name: str
    boot: str
    numbering: str
    pid: int
    started: str

    def __str__(self) -> str:
        return f"{self.name} {self.boot} {self.numbering} {self.pid} {self.started}"

    @classmethod
    def this_process(cls, name: str, proc: Path = _PROC) -> Holder:
        """The process that asks.

        Raises:
            OSError: this is not Linux, or /proc is not mounted.
        """
        boot = (proc / "sys/kernel/random/boot_id").read_text().strip()
        numbering = str((proc / "self/ns/pid").readlink())
        pid = int((proc / "self").readlink().name)
        return cls(name.replace(" ", "-"), boot, numbering, pid, _start_of(pid, proc) or "")

    @classmethod
    def parsed(cls, text: str) -> Holder | None:
        """The holder that a Lease names; None where the text is of another form."""
        parts = text.split(" ")
        if len(parts) != 5 or not parts[3].isdigit():
            return None
        return cls(parts[0], parts[1], parts[2], int(parts[3]), parts[4])

    def is_known_dead(self, observer: Holder, proc: Path = _PROC) -> bool:
        """Whether the observer can see that this process is gone. False means only that it cannot."""
        same_numbers = (self.boot, self.numbering) == (observer.boot, observer.numbering)
        return same_numbers and _start_of(self.pid, proc) != self.started


def _start_of(pid: int, proc: Path) -> str | None:
    """When the process with this number began; None where there is none, or only a zombie that its parent has not looked at."""
    try:
        stat = (proc / str(pid) / "stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The second field is the program's name in parentheses, which may itself hold spaces and parentheses.
    state, *fields = stat.rpartition(")")[2].split()
    return None if state in "ZX" else fields[18]
