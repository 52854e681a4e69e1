"""What can go wrong with the log, as the caller sees it."""


class AuditUnavailable(Exception):
    """Nothing can be recorded now, so nothing may be done now.

    The sentence says why and what a person has to do. `append` raises it when the record is not durable.
    """


class AuditDamaged(AuditUnavailable):
    """The stored log contradicts itself or its signed checkpoints; it is evidence now, and is not written to.

    `index` is the first record (counted from 0) that is wrong or missing.
    """

    def __init__(self, message: str, index: int) -> None:
        super().__init__(message)
        self.index = index


class KeyUnknown(Exception):
    """A checkpoint is signed by a key that the reader was not given, or the key itself cannot be read."""
