"""Document numbers 批文号: one number, however it is written, is used by one decision."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from functools import lru_cache

from govcloud.core.objects import ApprovalObject
from govcloud.reasons import Reason

_LOOKS_LIKE_CATEGORY = {"Ps": "[", "Pe": "]", "Pd": "-"}
"""Unicode category -> what all of it is taken for. Every kind of bracket, every length of dash."""

_LOOKS_LIKE = str.maketrans(
    {
        "\N{MINUS SIGN}": "-",
        "\N{HYPHEN BULLET}": "-",
        "\N{BOX DRAWINGS LIGHT HORIZONTAL}": "-",
        "〇": "0",  # the zero of Chinese numerals, as in 二〇二六
        "○": "0",
        "◯": "0",
        "﹟": "#",
        "∕": "/",
        "⁄": "/",
        "\N{LESS-THAN SIGN}": "[",
        "\N{GREATER-THAN SIGN}": "]",
    }
    # Cyrillic and Greek capitals that nobody can tell from Latin ones (Unicode confusables, UTS 39).
    | dict(zip("АВЕЅІЈКМНОРСТХУԚԜ", "ABESIJKMHOPCTXYQW", strict=True))
    | dict(zip("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧ", "ABEZHIKMNOPTYX", strict=True))
)


@lru_cache(maxsize=65536)
def folded(document_number: str) -> str:
    """A document number without its look-alikes.

    Full-width digits, other brackets, longer dashes, letters of another alphabet, letter case, spaces and whatever is invisible do not make
    it another number; nor do the letter O for a zero and the letters l and I for a one.
    """
    plain = unicodedata.normalize("NFKC", document_number).upper().translate(_LOOKS_LIKE)
    return "".join(_folded(character) for character in plain).translate(_LETTERS_LIKE_DIGITS)


_LETTERS_LIKE_DIGITS = str.maketrans("OIL", "011")


def _folded(character: str) -> str:
    category = unicodedata.category(character)
    if category[0] in "ZC" or category in ("Mn", "Me"):  # spaces; control and format characters; marks on the one before
        return ""
    if category == "Nd":  # the digits of every script
        return str(unicodedata.decimal(character))
    return _LOOKS_LIKE_CATEGORY.get(category, character)


Decision = tuple[str, ...]
"""What makes two approvals one decision: which request and plan, which step, what was decided, by whom for which office."""


def decision_of(approval: ApprovalObject) -> Decision:
    """The decision that an approval carries: one that is filed again, because it did not count, is the same."""
    spec = approval.spec
    return approval.namespace, spec.request.uid, spec.plan_digest, spec.step, spec.decision, spec.office, spec.approver


def first_uses(approvals: Iterable[ApprovalObject]) -> dict[str, Decision]:
    """Folded document number -> the decision that used it first."""
    first: dict[str, Decision] = {}
    for approval in sorted(approvals, key=lambda a: (a.created_at, _place_within_its_second(a), a.uid)):
        first.setdefault(folded(approval.spec.document_number), decision_of(approval))
    return first


def _place_within_its_second(approval: ApprovalObject) -> int:
    """The API server tells times to the second only. Within one, what was said of a decision tells the order: a number that counted stays used."""
    said = {condition.reason for condition in approval.status.conditions} if approval.status else set()
    if Reason.DOCUMENT_NUMBER_USED in said:
        return 3
    if Reason.COUNTED in said:
        return 0
    return 1 if said else 2
