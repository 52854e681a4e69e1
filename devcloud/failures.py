"""The one exception of the development cloud: a sentence for the person at the terminal.

Standard library only: the bootstrap runs before anything is installed.
"""

from pathlib import Path

TAIL_LINES = 25


class DevCloudError(Exception):
    """Something could not be done; the message says what, why, and what to do. Shown without a traceback."""


def with_log_tail(message: str, log: Path) -> DevCloudError:
    """The error `message`, followed by the last lines of `log`, which usually hold the cause."""
    return DevCloudError(f"{message}\nThe end of {log}:\n{tail(log)}")


def tail(log: Path, lines: int = TAIL_LINES) -> str:
    """The last lines of a log file, indented; a remark instead when there is no such file."""
    if not log.exists():
        return "    (there is no such file yet)"
    with log.open("rb") as stream:
        stream.seek(max(0, stream.seek(0, 2) - 400 * lines))
        last = stream.read().decode(errors="replace").splitlines()[-lines:]
    return "\n".join(f"    {line}" for line in last) or "    (it is empty)"
