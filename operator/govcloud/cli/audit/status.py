"""`govcloud audit status`: how much is recorded, signed, copied and held."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime

from govcloud.audit.errors import AuditDamaged
from govcloud.audit.status import Status, status_of
from govcloud.audit.verify import Result
from govcloud.cli.audit.common import LogOption, ReportFormat, ReportFormatOption, fail, wrong_usage


def run(
    log: LogOption,
    format_: ReportFormatOption = ReportFormat.TABLE,
) -> None:
    """Show how much is recorded, signed, copied elsewhere, removed after its time, and held.

    \b
    Examples:
      govcloud audit status
      govcloud audit status --format json | jq .uncopied_seconds

    What it says of copies is what the log itself recorded; `govcloud audit restore` proves them.
    """
    try:
        status = status_of(log, datetime.now(UTC))
    except FileNotFoundError as error:
        wrong_usage(error)
    except AuditDamaged as damaged:
        fail(damaged, Result.TAMPERED.exit_code)
    if format_ is ReportFormat.JSON:
        print(json.dumps(asdict(status), ensure_ascii=False, indent=2))
    else:
        print("\n".join(_lines(status)))


def _lines(status: Status) -> list[str]:
    copies = "nothing was ever copied" if not status.copied else f"{status.copied} copied and read back"
    return [
        f"{status.records} records in {status.segments} segments, {status.signed} signed; the oldest here is of {status.oldest or 'never'}",
        f"{copies}; {status.uncopied} not copied, the oldest of them {status.uncopied_seconds} seconds old",
        f"{status.removed} removed after their time; {len(status.holds)} legal holds: {', '.join(status.holds) or 'none'}",
    ]
