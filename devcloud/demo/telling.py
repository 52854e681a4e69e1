"""What a demo says while it runs, and what it leaves behind: one line a step, its evidence below, and a report for programs."""

from __future__ import annotations

import json
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal, TextIO


class NotAsExpected(AssertionError):
    """What was seen is not what has to be true."""


@dataclass
class Step:
    """One step of the story."""

    name: str
    result: Literal["passed", "failed"] = "failed"
    seconds: float = 0.0
    evidence: list[str] = field(default_factory=list)


class Teller:
    """Prints steps as they come, and keeps them for the report."""

    def __init__(self, report: Path, out: TextIO) -> None:
        self._report = report
        self._out = out
        self._steps: list[Step] = []
        self._colour = out.isatty()

    @property
    def passed(self) -> bool:
        """Whether every step so far was verified."""
        return bool(self._steps) and all(step.result == "passed" for step in self._steps)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Tell one step. A failure inside is told and kept, and ends the step but not the program."""
        with suppress(Exception), self.told(name):  # told and kept before it comes here
            yield

    @contextmanager
    def told(self, name: str) -> Iterator[None]:
        """Tell one step. A failure inside is told and kept, and goes on to the caller."""
        step = Step(" ".join(name.split()).rstrip("."))
        self._steps.append(step)
        self._say(f"\n{len(self._steps):>2}. {step.name}")
        began = time.monotonic()
        try:
            yield
            step.result = "passed"
        except Exception as error:
            step.evidence.append(f"{type(error).__name__}: {error}")
            self._say(self._painted(f"    ✗ {type(error).__name__}: {error}", "31"))
            if not isinstance(error, NotAsExpected):
                traceback.print_exc(file=self._out)
            raise
        finally:
            step.seconds = round(time.monotonic() - began, 1)
            self._say(self._painted(f"    {step.result} in {step.seconds} s", "32" if step.result == "passed" else "31"))

    def saw(self, evidence: str) -> None:
        """Tell what was seen."""
        self._steps[-1].evidence.append(evidence)
        self._say(f"    ✓ {evidence}")

    def waiting(self, what: str) -> None:
        """Tell what is being waited for."""
        self._say(f"    … {what}")

    def write(self) -> None:
        """Write the report."""
        self._report.parent.mkdir(parents=True, exist_ok=True)
        total = round(sum(step.seconds for step in self._steps), 1)
        result = "passed" if self.passed else "failed"
        document = {"result": result, "seconds": total, "steps": [asdict(step) for step in self._steps]}
        self._report.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        self._say(f"\n{result}: {len(self._steps)} steps in {total} s; report: {self._report}")

    def _say(self, line: str) -> None:
        print(line, file=self._out, flush=True)

    def _painted(self, text: str, colour: str) -> str:
        return f"\x1b[{colour}m{text}\x1b[0m" if self._colour else text
