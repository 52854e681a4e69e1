"""`govcloud audit restore`: make the log of its copies."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from govcloud.audit.copies import CopyDiffers, Manifest
from govcloud.audit.restoring import restore
from govcloud.audit.verify import Result
from govcloud.cli.audit.common import ReportFormat, fail, read_key, wrong_usage
from govcloud.cli.audit.storage import (
    UNREACHABLE,
    CloudOption,
    ContainerOption,
    CopiesOption,
    CredentialsOption,
    NamespaceOption,
    ProjectOption,
    PublishedOption,
    anchor_of,
    opened_storage,
    published_checkpoint,
)
from govcloud.cli.audit.verify import print_report
from govcloud.failures import Retry, Stop


def run(
    directory: Annotated[Path, typer.Argument(help="An empty directory, or one that does not exist yet.")],
    key: Annotated[Path, typer.Option("--key", help="File with the verifier key, kept elsewhere.")],
    from_checkpoint: Annotated[
        Path | None, typer.Option(help="The newest checkpoint that was kept elsewhere: what it signed must be there.")
    ] = None,
    published: PublishedOption = None,
    cloud: CloudOption = "govcloud",
    project: ProjectOption = "govcloud-backups",
    container: ContainerOption = "govcloud-audit",
    copies: CopiesOption = "",
    credentials: CredentialsOption = None,
    namespace: NamespaceOption = "govcloud-system",
) -> None:
    """Rebuild the log from its copies in object storage, and verify it.

    \b
    Examples:
      govcloud audit restore /tmp/restored --key /safe/audit.pub --from-checkpoint /safe/checkpoint
      govcloud audit restore /tmp/restored --key /safe/audit.pub --published storage --credentials /safe/s3-key \\
        --copies "s3://audit?endpoint=https://s3.example.gov.cn"

    The copies end with the last sealed segment. If the checkpoint signed more, the verdict is `incomplete` (2) and says from which
    record on. Further exit codes: 1 a copy is not what was written, 3 wrong usage, 4 key unknown, 5 the object store does not answer.
    """
    trusted, storage = read_key(key), opened_storage(cloud, project, container, copies, credentials)
    anchor = anchor_of(from_checkpoint, published, lambda where: published_checkpoint(where, trusted, namespace, storage))
    try:
        report = restore(storage.copies, directory, trusted, anchor, _tell)
    except OSError as error:
        wrong_usage(error)
    except CopyDiffers as differs:
        fail(differs, Result.TAMPERED.exit_code)
    except (Retry, Stop) as error:
        fail(error, UNREACHABLE)
    print_report(report, ReportFormat.TABLE)
    raise typer.Exit(report.result.exit_code)


def _tell(manifest: Manifest) -> None:
    print(f"records {manifest.first} to {manifest.end - 1} are back", file=sys.stderr)
