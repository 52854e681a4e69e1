"""A refusal's shape: which rule, which field, what was found, what would be right, in Chinese and English."""

from __future__ import annotations

from dataclasses import dataclass

from govcloud.reasons import Reason
from policies.sources import Strength


@dataclass(frozen=True)
class Violation:
    """One thing that is not right with a request. All of them are shown at once."""

    rule: str
    field: str
    en: str
    zh: str
    article: str | None = None
    reason: Reason = Reason.RULE_VIOLATED
    strength: Strength = "hard"
    """`inPrinciple`: no refusal, but a departure that an approval has to give its reason for."""

    def sentence(self) -> str:
        """English, then Chinese, with the field and the article."""
        cited = f" [{self.article}]" if self.article else ""
        return f"{self.field}: {self.en} / {self.zh}{cited}"
