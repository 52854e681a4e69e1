"""One sentence in both languages that officials read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Language = Literal["zh", "en"]


@dataclass(frozen=True)
class Said:
    """One sentence, in Chinese and in English. `grave`: it must not be overlooked; a terminal shows it in red."""

    zh: str
    en: str
    grave: bool = False

    def within(self, language: Language) -> str:
        return self.zh if language == "zh" else self.en
