"""`govcloud audit restore`: make the log of its copies."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from govcloud.audit.copies import CopyDiffers, Manifest
from govcloud.audit.restoring import restore
from govcloud.audit.verify import Result
from govcloud.cli.audit.common import fail, read_checkpoint, read_key, wrong_usage
from govcloud.cli.audit.verify import print_report
from govcloud.cli.columns import Format
from govcloud.failures import Retry, Stop

UNREACHABLE = 5


def run(
    directory: Annotated[Path, typer.Argument(help="An empty directory, or one that does not exist yet.")],
    key: Annotated[Path, typer.Option("--key", help="File with the verifier key, kept elsewhere.")],
    from_checkpoint: Annotated[
        Path | None, typer.Option(help="The newest checkpoint that was kept elsewhere: what it signed must be there.")
    ] = None,
    cloud: Annotated[str, typer.Option(help="Entry of clouds.yaml.")] = "govcloud",
    project: Annotated[str, typer.Option(help="OpenStack project that holds the copies.")] = "govcloud-backups",
    container: Annotated[str, typer.Option(help="Container with the copies.")] = "govcloud-audit",
) -> None:
    """Rebuild the log from its copies in object storage, and verify it.

    \b
    Example:
      govcloud audit restore /tmp/restored --key /safe/audit.pub --from-checkpoint /safe/checkpoint

    The copies end with the last sealed segment. If the checkpoint signed more, the verdict is `incomplete` (2) and says from which
    record on. Further exit codes: 1 a copy is not what was written, 3 wrong usage, 4 key unknown, 5 the object store does not answer.
    """
    from govcloud.adapters.openstack_copies import SwiftCopies  # loads the OpenStack client
    from govcloud.adapters.openstack_login import CloudLogins
    from govcloud.adapters.reading_journal import ReadingJournal

    anchor = read_checkpoint(from_checkpoint) if from_checkpoint else None
    store = SwiftCopies(partial(CloudLogins(cloud, ReadingJournal()), project), container)
    try:
        report = restore(store, directory, read_key(key), anchor, _tell)
    except OSError as error:
        wrong_usage(error)
    except CopyDiffers as differs:
        fail(differs, Result.TAMPERED.exit_code)
    except (Retry, Stop) as error:
        fail(error, UNREACHABLE)
    print_report(report, Format.TABLE)
    raise typer.Exit(report.result.exit_code)


def _tell(manifest: Manifest) -> None:
    print(f"records {manifest.first} to {manifest.end - 1} are back", file=sys.stderr)
