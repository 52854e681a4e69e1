"""Writes records until it is killed, and says on standard output what was acknowledged. Run by test_kill.py."""

import sys
import threading
from pathlib import Path

from audit.logs import intent, open_log, outcome

from govcloud.audit.files import RealFiles


def main(directory: Path) -> None:
    log = open_log(directory, RealFiles(), segment_bytes=20_000)
    lock = threading.Lock()

    def work() -> None:
        while True:
            begun = log.append(intent())
            ended = log.append(outcome(begun.id))
            with lock:
                sys.stdout.write(f"{begun.sequence} {begun.id}\n{ended.sequence} {ended.id}\n")
                sys.stdout.flush()

    for _ in range(3):
        threading.Thread(target=work, daemon=True).start()
    work()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
