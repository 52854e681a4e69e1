"""How a run of the engine can fail. Whoever runs it sorts these into waiting and stopping."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Diagnostic:
    """One complaint of the engine. `resource`: logical name, empty where it is about none. `message`: the provider's sentence, code first."""

    resource: str
    message: str


class EngineError(Exception):
    """A command of the engine did not succeed. `detail` is its own text, for the log of the controller, never for a status."""

    def __init__(self, message: str, detail: str = "") -> None:
        super().__init__(message)
        self.detail = detail


class EngineMissing(EngineError):
    """The Pulumi CLI cannot be started."""


class StackLocked(EngineError):
    """Another run holds the stack's lock."""


class StackMissing(EngineError):
    """There is no such stack."""


class StateDamaged(EngineError):
    """The stack's state cannot be read."""


class WrongPassphrase(EngineError):
    """The state's secrets were encrypted with another passphrase."""


class ProgramFailed(EngineError):
    """The program that was handed to the engine raised: a fault of ours."""


class EngineLost(EngineError):
    """The engine could not be reached by the program that it had called for, or went away meanwhile. To try again helps."""


class RunFailed(EngineError):
    """Some operations of the run failed; what succeeded is in the state."""

    def __init__(self, diagnostics: tuple[Diagnostic, ...], detail: str) -> None:
        super().__init__(diagnostics[0].message if diagnostics else "the engine gave no reason", detail)
        self.diagnostics = diagnostics
