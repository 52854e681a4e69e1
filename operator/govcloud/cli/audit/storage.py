"""Where the controller put copies and checkpoints of its log, as the commands that read them are told it. Nothing here writes there."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from kubernetes.config import ConfigException

from govcloud.audit.notes import BadNote, PublicKey, SignedCheckpoint, parse
from govcloud.audit.publishing import Place, PlaceUnavailable
from govcloud.audit.verify import Result
from govcloud.cli.audit.common import fail, read_checkpoint, wrong_usage

if TYPE_CHECKING:
    from govcloud.object_storage import ObjectStorage

UNREACHABLE = 5
"""Exit code: the cluster or the object store do not answer, or refuse."""

CloudOption = Annotated[str, typer.Option(help="Entry of clouds.yaml.")]
ProjectOption = Annotated[str, typer.Option(help="OpenStack project that holds the copies.")]
ContainerOption = Annotated[str, typer.Option(help="Container with the copies.")]
CopiesOption = Annotated[
    str,
    typer.Option(
        envvar="GOVCLOUD_AUDIT_COPIES",
        help="Bucket with the copies instead, s3://BUCKET?endpoint=https://HOST:PORT, as the controller is set.",
    ),
]
CredentialsOption = Annotated[
    Path | None,
    typer.Option(envvar="GOVCLOUD_AUDIT_COPIES_CREDENTIALS", help="File with the key of that bucket's store; one that only reads is enough."),
]
NamespaceOption = Annotated[str, typer.Option(help="Namespace of the controller, for --published cluster.")]


class Published(StrEnum):
    """Where the newest published checkpoint is taken from."""

    CLUSTER = "cluster"
    STORAGE = "storage"


PublishedOption = Annotated[
    Published | None,
    typer.Option(help="Take the newest checkpoint that the controller published: in the cluster's ConfigMap, or in object storage."),
]


def opened_storage(cloud: str, project: str, container: str, copies: str, credentials: Path | None) -> ObjectStorage:
    """The store of copies, for reading; ends the command when it is told wrongly."""
    from govcloud.adapters.openstack_login import CloudLogins  # loads the OpenStack client
    from govcloud.adapters.reading_journal import ReadingJournal
    from govcloud.object_storage import in_bucket, in_swift

    if not copies:
        return in_swift(partial(CloudLogins(cloud, ReadingJournal()), project), container)
    if credentials is None:
        wrong_usage(ValueError("--copies needs --credentials: the file with the key of that bucket's store"))
    try:
        return in_bucket(copies, credentials, ReadingJournal(), timedelta())
    except ValueError as error:
        wrong_usage(error)


def published_checkpoint(where: Published, key: PublicKey, namespace: str, storage: ObjectStorage) -> SignedCheckpoint:
    """The newest one of the log that the key belongs to; ends the command where there is none. Whoever uses it checks its signature."""
    try:
        place = storage.checkpoints(key.name) if where is Published.STORAGE else _config_map(namespace)
        note = place.newest()
    except (PlaceUnavailable, ConfigException) as away:
        fail(away, UNREACHABLE)
    if note is None:
        fail(ValueError(f"{place.name} has no checkpoint of the log {key.name}"), Result.INCOMPLETE.exit_code)
    try:
        return parse(note)
    except BadNote as bad:
        fail(bad, Result.TAMPERED.exit_code)


def anchor_of(
    kept: Path | None, published: Published | None, newest: Callable[[Published], SignedCheckpoint]
) -> SignedCheckpoint | None:
    """The checkpoint that a log is held against: the one in a file, or the one that was published last, or none."""
    if kept and published:
        wrong_usage(ValueError("give --from-checkpoint or --published: a log is held against one checkpoint at a time"))
    if published:
        return newest(published)
    return read_checkpoint(kept) if kept else None


def _config_map(namespace: str) -> Place:
    from govcloud.adapters.kube_api import KubeApi
    from govcloud.adapters.kube_checkpoint import CheckpointMap

    return CheckpointMap(KubeApi.from_environment(), namespace)
