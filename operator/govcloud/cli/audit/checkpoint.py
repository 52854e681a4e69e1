"""`govcloud audit checkpoint`: what to keep elsewhere."""

from __future__ import annotations

from govcloud.audit.notes import BadNote
from govcloud.audit.proofs import newest_checkpoint
from govcloud.audit.verify import Result
from govcloud.cli.audit.common import LogOption, fail, wrong_usage


def run(log: LogOption) -> None:
    """Print the newest signed checkpoint, to be kept where those who can write the log cannot write.

    \b
    Example:
      govcloud audit checkpoint > /safe/checkpoint
      govcloud audit verify --key /safe/audit.pub --from-checkpoint /safe/checkpoint
    """
    try:
        print(newest_checkpoint(log).text(), end="")
    except FileNotFoundError as error:
        wrong_usage(error)
    except BadNote as bad:
        fail(bad, Result.TAMPERED.exit_code)
