"""What a verification can say."""

from dataclasses import dataclass
from enum import StrEnum


class Result(StrEnum):
    """The verdict."""

    OK = "ok"
    TAMPERED = "tampered"
    """Something is there that was not written so."""
    INCOMPLETE = "incomplete"
    """Something that was signed is not there: removed, or an older copy was put back."""
    KEY_UNKNOWN = "key-unknown"
    """The signatures cannot be judged with the key given."""

    @property
    def exit_code(self) -> int:
        """0, 1, 2 and 4; 3 is kept for wrong usage."""
        return {Result.OK: 0, Result.TAMPERED: 1, Result.INCOMPLETE: 2, Result.KEY_UNKNOWN: 4}[self]


@dataclass(frozen=True, slots=True)
class Report:
    """What was found."""

    result: Result
    what: str
    """One sentence."""
    first_bad: int | None
    """Sequence of the first record that is wrong or missing; None when no record is to blame."""
    records: int
    """Good records read."""
    signed: int
    """How many of them the newest good checkpoint covers."""
    checkpoints: int
    open_intents: int
    root: str
    """Root over the good records, hexadecimal."""
    key: str
    """The verifier key used; empty when there was none."""
    remarks: tuple[str, ...]
    """What is no proof of tampering but should be known: silence, a clock that went back, an unfinished end."""


class Finding(Exception):
    """Ends the reading: what comes after the first bad record proves nothing."""

    def __init__(self, result: Result, what: str, index: int | None) -> None:
        super().__init__(what)
        self.result = result
        self.index = index


class Remarks:
    """What should be known. Of remarks about single records there may be many, so only the first ones are kept."""

    def __init__(self, most: int = 20) -> None:
        self._all: list[str] = []
        self._most, self._about_records = most, 0

    def add(self, sentence: str) -> None:
        """About the log."""
        self._all.append(sentence)

    def about_record(self, sentence: str) -> None:
        """About one record."""
        self._about_records += 1
        if self._about_records <= self._most:
            self._all.append(sentence)

    def all(self) -> tuple[str, ...]:
        """Those kept, and how many there were more."""
        more = self._about_records - self._most
        return (*self._all, f"{more} more remarks about single records") if more > 0 else tuple(self._all)
