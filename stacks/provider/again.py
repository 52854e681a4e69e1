"""Doing something again because its answer was lost. Only for what may be done twice: what looks first, or says how things shall be."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from stacks.provider.session import AnswerLost
from stacks.provider.work import Work

PAUSES_AFTER_A_LOST_ANSWER = (0.0, 1.0, 2.0, 4.0, 8.0, 15.0)
"""Seconds before each further look at what a request did whose answer was lost."""

Done = TypeVar("Done")


def until_answered(work: Work, doing: Callable[[], Done]) -> Done:
    """Do it; after each lost answer pause and do it again.

    Raises:
        AnswerLost: answers were lost until the patience was over, or the run was cancelled.
    """
    for pause in PAUSES_AFTER_A_LOST_ANSWER:
        try:
            return doing()
        except AnswerLost:
            if work.cancelled.is_set():
                raise
            work.clock.sleep(pause)
    return doing()
