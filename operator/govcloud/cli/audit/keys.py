"""`govcloud audit rotate-key`: a new signing key for the audit log. The one command of the group that writes to the log."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError

from govcloud.audit.errors import AuditUnavailable, KeyUnknown
from govcloud.audit.records import Initiator, InitiatorType
from govcloud.audit.rotation import rotate
from govcloud.audit.verify import Result
from govcloud.cli.audit.common import fail, wrong_usage

_UNAVAILABLE = 1


def run(
    by: Annotated[str, typer.Option("--by", help="Who changes it: the accountable person's name.")],
    state: Annotated[
        Path | None,
        typer.Option(
            help="The controller's state directory. Default: $GOVCLOUD_STATE_DIR.", envvar="GOVCLOUD_STATE_DIR"
        ),
    ] = None,
) -> None:
    """Change the key that signs the checkpoints. The controller must not run meanwhile.

    \b
    Example:
      kubectl -n govcloud-system scale deployment govcloud-controller --replicas 0
      govcloud audit rotate-key --state /var/lib/govcloud --by wang.wei > audit-2027.pub

    The change is a record that the old key still signs; then the old private key is gone. Checkpoints up to that record
    are good only under the old key, longer ones only under the new: whoever kept the first public key can still check
    everything. Tell a witness, and the units that check exports, the new public key, which is printed. A change that was
    interrupted is finished by doing it again. Exit codes: 0 done, 1 the log or its disk is not available, 3 wrong usage,
    4 the key is not this log's.
    """
    if state is None:
        wrong_usage(ValueError("say where the state is: --state, or $GOVCLOUD_STATE_DIR"))
    try:
        person = Initiator(id=by, type=InitiatorType.PERSON)
    except ValidationError:
        wrong_usage(ValueError("--by is the accountable person's name, in printable characters, such as wang.wei"))
    try:
        key = rotate(
            state / "audit",
            state / "audit-signing.key",
            person,
            clock=lambda: datetime.now(UTC),
            monotonic=time.monotonic_ns,
        )
    except FileNotFoundError as error:
        wrong_usage(error)
    except AuditUnavailable as error:
        fail(error, _UNAVAILABLE)
    except KeyUnknown as error:
        fail(error, Result.KEY_UNKNOWN.exit_code)
    print(key.text())

