"""Starting the Pulumi CLI: its environment, its arguments, and what its answer means."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from stacks.engine.failures import EngineError, EngineMissing, StackLocked, StackMissing, StateDamaged, WrongPassphrase

STACK_VARIABLE = "GOVCLOUD_STACK"
"""Tells whose CLI process this is: the next controller finds processes that a killed one left by it."""

_INHERITED = (
    "PATH", "LANG", "TMPDIR", "SSL_CERT_FILE", "PGPASSFILE", "PGSSLROOTCERT", "AWS_PROFILE", "AWS_REGION", "AWS_SHARED_CREDENTIALS_FILE",
)  # fmt: skip

_WITH_ITS_STARTER = ("setpriv", "--pdeathsig", "KILL", "--")
"""Starts a command that the kernel kills together with the thread that waits for it (prctl(2), PR_SET_PDEATHSIG).

A CLI that outlives its controller sees the provider vanish, takes every create under way for one that failed, and writes a state in which it
never was: what OpenStack has made by then would be nobody's. A CLI that dies too leaves those creates in the state, where they are found.
"""

_MEANINGS: tuple[tuple[str, type[EngineError], str], ...] = (
    ("the stack is currently locked by", StackLocked, "another run holds the stack"),
    ("no stack named", StackMissing, "there is no such stack"),
    ("incorrect passphrase", WrongPassphrase, "the state was encrypted with another master key"),
    ("could not deserialize deployment", StateDamaged, "the state cannot be read"),
    ("could not deserialize", StateDamaged, "the state cannot be read"),
    ("failed to load checkpoint", StateDamaged, "the state cannot be read"),
    ("unexpected end of JSON input", StateDamaged, "the state is cut off"),
    ("invalid character", StateDamaged, "the state is no JSON"),
    ("snapshot integrity failure", StateDamaged, "the state contradicts itself"),
)
"""What the CLI says, what it means, and how we say it. First match counts."""


@dataclass(frozen=True)
class StackName:
    """A stack: Pulumi project and stack name."""

    project: str
    stack: str

    def __str__(self) -> str:
        return f"{self.project}/{self.stack}"


@dataclass(frozen=True)
class Answer:
    """What a command said. `code` 0 is success."""

    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Installation:
    """Where the engine is and where it keeps things.

    Attributes:
        pulumi: the CLI.
        home: directory of ours: `state/` (unless `backend` says otherwise), `work/<project>/`, `home/` (of Pulumi itself).
        passphrase: encrypts the secrets in the state.
        backend: URL of the state backend; empty: files below `home`.
    """

    pulumi: str
    home: Path
    passphrase: str = field(repr=False)
    backend: str = ""

    @property
    def backend_url(self) -> str:
        """Where state is kept."""
        # Without files of attributes beside the states: they are not written in one piece, and a state beside half a one cannot be read.
        return self.backend or f"file://{self.home / 'state'}?metadata=skip"

    def prepare(self, project: str) -> Path:
        """Make the directories and the project file; returns the project's working directory."""
        work = self.home / "work" / project
        for folder in (work, self.home / "state", self.home / "home"):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        settings = work / "Pulumi.yaml"
        if not settings.exists():
            settings.write_text(f"name: {project}\nruntime: python\n", encoding="utf-8")
        return work

    def environment(self, stack: StackName, extra: Mapping[str, str]) -> dict[str, str]:
        """What the CLI may know: nothing of our own environment that it does not need."""
        return {
            **{name: os.environ[name] for name in _INHERITED if name in os.environ},
            "HOME": str(self.home / "home"),
            "PULUMI_HOME": str(self.home / "home"),
            "PULUMI_BACKEND_URL": self.backend_url,
            "PULUMI_CONFIG_PASSPHRASE": self.passphrase,
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            # Without this the CLI does not know `--event-log`.
            "PULUMI_DEBUG_COMMANDS": "true",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
            "PULUMI_DIY_BACKEND_NO_LEGACY_WARNING": "true",
            # The working directory may be new on this machine while the state is not: its own salt is in the state.
            "PULUMI_FALLBACK_TO_STATE_SECRETS_MANAGER": "true",
            "PULUMI_LOG_ROTATION_MAX_AGE_DAYS": "7",
            "PULUMI_LOG_ROTATION_MAX_TOTAL_MB": "64",
            STACK_VARIABLE: str(stack),
            **extra,
        }

    def call(
        self,
        stack: StackName,
        arguments: list[str],
        *,
        extra: Mapping[str, str] | None = None,
        given: str | None = None,
    ) -> Answer:
        """Run one command to its end.

        Raises:
            EngineMissing: the CLI cannot be started, or `setpriv` (util-linux), which starts it, is not there.
        """
        command = [*_WITH_ITS_STARTER, self.pulumi, *arguments, "--stack", stack.stack, "--non-interactive", "--color", "never"]
        try:
            done = subprocess.run(
                command,
                cwd=self.prepare(stack.project),
                env=self.environment(stack, extra or {}),
                input=given or "",
                capture_output=True,
                text=True,
                check=False,
            )
        except OSError as error:
            raise EngineMissing(f"the Pulumi CLI cannot be started: {error.strerror}: {error.filename}") from error
        if done.stderr.startswith("setpriv: "):
            raise EngineMissing(f"the Pulumi CLI cannot be started as {self.pulumi}", _end_of(done.stderr))
        return Answer(done.returncode, done.stdout, done.stderr)

    def ask(self, stack: StackName, arguments: list[str], *, given: str | None = None) -> str:
        """Run one command that must succeed; returns what it printed.

        Raises:
            EngineError: it did not, and why.
        """
        answer = self.call(stack, arguments, given=given)
        if answer.code != 0:
            raise meaning_of(answer, stack) or unexplained(answer, stack, arguments[0])
        return answer.out


def meaning_of(answer: Answer, stack: StackName) -> EngineError | None:
    """The failure that the CLI's own words stand for; None where they say nothing that we know."""
    text = f"{answer.err}\n{answer.out}"
    for words, failure, sentence in _MEANINGS:
        if words in text:
            return failure(f"stack {stack.stack}: {sentence}", _end_of(text))
    return None


def unexplained(answer: Answer, stack: StackName, command: str) -> EngineError:
    """The failure of a command that gave no reason we know."""
    return EngineError(f"stack {stack.stack}: pulumi {command} ended with code {answer.code}", _end_of(answer.err))


def _end_of(text: str) -> str:
    return text[-4000:]
