"""The only two exceptions that leave an adapter: waiting helps, or someone must change something (design, section 10)."""

from __future__ import annotations

from datetime import timedelta

from govcloud.reasons import Reason


class Retry(Exception):
    """It did not work now; the same will be tried again. `after` is a hint for how long to wait."""

    def __init__(self, reason: Reason, message: str, after: timedelta | None = None) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.after = after


class Stop(Exception):
    """It will not work until someone changes something; the message says what."""

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
