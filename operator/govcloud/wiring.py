"""The only place that chooses implementations."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from time import monotonic, monotonic_ns
from typing import NoReturn

from govcloud.adapters.audit_journal import AuditJournal
from govcloud.adapters.http_notifier import HttpNotifier
from govcloud.adapters.kube_admission import installed_manifests
from govcloud.adapters.kube_api import KubeApi
from govcloud.adapters.kube_checkpoint import CheckpointMap
from govcloud.adapters.kube_clock import OffsetWatcher
from govcloud.adapters.kube_cluster import KubeCluster
from govcloud.adapters.kube_guard import GuardRecord
from govcloud.adapters.kube_holds import KubeHolds
from govcloud.adapters.kube_keys import KubeKeys
from govcloud.adapters.kube_lease import leadership
from govcloud.adapters.kube_probe import lets_in_a_forgery
from govcloud.adapters.kube_rights import rights_granted
from govcloud.adapters.notice_book import open_book
from govcloud.adapters.openstack_backups import OpenStackBackups
from govcloud.adapters.openstack_cloud import OpenStackCloud
from govcloud.adapters.openstack_login import CloudLogins, login_with
from govcloud.adapters.openstack_restores import OpenStackRestores
from govcloud.adapters.pulumi_logins import controller_login
from govcloud.adapters.pulumi_previews import PulumiPreviews, open_previews
from govcloud.adapters.pulumi_stacks import PulumiStacks, open_stacks
from govcloud.adapters.remembering_cluster import remembering, statuses_shown
from govcloud.adapters.status_book import open_status_book
from govcloud.adapters.system_clock import DevClock, SystemClock
from govcloud.adapters.witness_client import WitnessClient
from govcloud.api.request import RequestKey
from govcloud.audit.log import AuditLog
from govcloud.audit.publishing import Place, Publisher
from govcloud.audit.pulse import Pulse as AuditPulse
from govcloud.audit.query import Filter, following, search
from govcloud.audit.reads import record_reads
from govcloud.audit.records import Action
from govcloud.audit.signing_key import load_or_create_signer
from govcloud.audit_keeping import EXPECTED, Keeping
from govcloud.controller import Controller
from govcloud.core.remembered import is_of_the_past
from govcloud.core.rotation import generation
from govcloud.failures import Retry, Stop
from govcloud.frozen import FrozenPlans
from govcloud.housekeeping import Housekeeping, Task
from govcloud.life import happened, recorded_life
from govcloud.notifications import Courier, Means, NoticeBook
from govcloud.object_storage import ObjectStorage, in_bucket, in_swift
from govcloud.ports import Clock, Cluster, Ports
from govcloud.purging import Purging
from govcloud.rights_watch import TASK as RIGHTS_TASK
from govcloud.rights_watch import RightsWatch
from govcloud.rounds import Rounds
from govcloud.settings import Settings
from policies.shelf import with_more

_READS_EVERY = timedelta(seconds=10)
_CREDENTIALS_EVERY = timedelta(hours=12)
_PURGE_EVERY = timedelta(days=1)


@contextmanager
def wired(settings: Settings, api: KubeApi, lost: Callable[[str], NoReturn]) -> Iterator[tuple[Controller, Publisher]]:
    """Everything wired together: under the Lease, with the log open around all that acts.

    Args:
        lost: ends the process at once, when the Lease is lost; it is told why.
    """
    with ExitStack() as stack:
        fence = stack.enter_context(leadership(api, settings.namespace, _machine(), lost, settings.lease_seconds))
        audit = stack.enter_context(_audit_log(settings, fence))
        cluster = stack.enter_context(_cluster(settings, api, audit))
        journal = AuditJournal(audit, _UnitNames(cluster))
        logins = CloudLogins(settings.cloud, journal)
        storage = _object_storage(settings, logins, journal)
        publisher = stack.enter_context(_published(settings, api, storage, audit))
        packs = with_more(settings.packs_dir)
        stack.enter_context(recorded_life(audit, _machine(), settings, packs))
        clock = _dev_clock(settings, api, audit) if settings.dev_clock else None
        stacks = stack.enter_context(_stacks(settings, journal))
        ports = Ports(
            cluster=cluster,
            stacks=stacks,
            cloud=OpenStackCloud(logins),
            backups=OpenStackBackups(logins),
            restores=OpenStackRestores(logins, lambda unit: login_with(stacks.login_of(unit), journal)),
            audit=audit,
            clock=_clock(clock),
            frozen=FrozenPlans(lambda uid: search(settings.state_dir / "audit", Filter(request=uid))),
            packs=packs,
        )
        keeping = _keeping(settings, api, storage, audit)
        rights = RightsWatch(partial(rights_granted, api), audit, settings.state_dir / "approvers.json")
        book = stack.enter_context(open_book(settings.state_dir / "notices.sqlite"))
        controller = Controller(
            ports,
            settings.workers,
            timedelta(seconds=settings.resync_seconds),
            _housekeeping(settings, keeping, rights, audit),
            _courier(settings, api, audit, book, lambda *labels: controller.metrics.notifications.labels(*labels).inc()),
            _watching(settings, ports, keeping, lambda key: controller.request_changed(key.namespace, key.name)),
            settings.backup_workers,
        )
        controller.metrics.watch_copies(keeping.lag, keeping.lock)
        controller.metrics.watch_rights(lambda as_set_up: rights.count(as_set_up=as_set_up))
        if clock is not None:
            clock.start(partial(controller.everything_changed, "clock"))
        yield controller, publisher


@contextmanager
def _cluster(settings: Settings, api: KubeApi, audit: AuditLog) -> Iterator[Cluster]:
    """The cluster, whose statuses are believed as far as this controller wrote them."""
    guard = GuardRecord(api, settings.namespace, load_or_create_signer(settings.state_dir / "guard.key", "govcloud.dev/guard"))
    cluster = KubeCluster(
        api, installed_manifests(), _machine(), guard=guard, lets_in_a_forgery=partial(lets_in_a_forgery, api, settings.namespace)
    )
    with open_status_book(settings.state_dir / "statuses.sqlite", lambda: audit.health().records) as book:
        if book.is_new or is_of_the_past(following(settings.state_dir / "audit", book.records())):
            shown, lacks = statuses_shown(cluster), "is no record" if book.is_new else "is only an old record, as from a backup,"
            audit.append(happened(Action.CONFIGURE, _machine(), f"there {lacks} of what the statuses say: {len(shown)} are taken over as they are"))
            book.take_over(shown)
        yield remembering(cluster, book)


def _stacks(settings: Settings, journal: AuditJournal) -> AbstractContextManager[PulumiStacks]:
    """The engine, with the provider beside it."""
    return open_stacks(
        settings.state_dir,
        settings.pulumi,
        controller_login(settings.cloud),
        journal,
        backend=settings.state_backend,
        generation=lambda: generation(_machine_time(), settings.credential_days),
    )


def previews_by(settings: Settings) -> AbstractContextManager[PulumiPreviews]:
    """What the engine would do with the stacks of a controller that has these settings; nothing is written.

    Raises:
        Stop: clouds.yaml does not have the controller's login.
        MasterKeyUnusable: there is no state here, or not its key.
    """
    return open_previews(settings.state_dir, settings.pulumi, controller_login(settings.cloud), settings.state_backend)


def _object_storage(settings: Settings, logins: CloudLogins, journal: AuditJournal) -> ObjectStorage:
    """Where copies and checkpoints of the log go."""
    if settings.audit_copies_credentials:
        keep = timedelta(days=settings.audit_retention_days)
        return in_bucket(settings.audit_copies, settings.audit_copies_credentials, journal, keep)
    return in_swift(partial(logins, settings.audit_copies_project), settings.audit_copies_container)


def _keeping(settings: Settings, api: KubeApi, storage: ObjectStorage, audit: AuditLog) -> Keeping:
    """What ships the log's segments, holds them, and lets them go."""
    return Keeping(
        log=audit,
        directory=settings.state_dir / "audit",
        store=storage.copies,
        orders=KubeHolds(api, settings.namespace).orders,
        clock=_machine_time,
        days=settings.audit_retention_days,
        seal_after=timedelta(seconds=settings.audit_seal_seconds),
    )


def _housekeeping(settings: Settings, keeping: Keeping, rights: RightsWatch, audit: AuditLog) -> Housekeeping:
    """The log's own tasks, and what is only recorded."""
    reads = Task("recording who read the log", _READS_EVERY, lambda: _record_reads(audit, settings))
    approvers = Task(RIGHTS_TASK, timedelta(seconds=settings.resync_seconds), rights.look)
    return Housekeeping((*keeping.tasks(), reads, approvers), EXPECTED)


def _record_reads(audit: AuditLog, settings: Settings) -> None:
    record_reads(audit, settings.state_dir / "audit")


def _watching(settings: Settings, ports: Ports, keeping: Keeping, drifted: Callable[[RequestKey], None]) -> tuple[Housekeeping, ...]:
    """What goes round all units, or through all backups."""
    rounds = Rounds(ports, drifted)
    drift = Task("looking for drift", timedelta(seconds=settings.drift_seconds), rounds.look_for_drift)
    rotation = Task("rotating credentials", _CREDENTIALS_EVERY, rounds.rotate_credentials)
    purging = Task("purging backups", _PURGE_EVERY, Purging(ports.cluster, ports.backups, ports.audit, keeping.holds, _machine_time).run)
    return Housekeeping((drift, rotation), (Retry, Stop)), Housekeeping((purging,), EXPECTED)


def _courier(settings: Settings, api: KubeApi, audit: AuditLog, book: NoticeBook, count: Callable[[str, str], None]) -> Courier:
    """Who tells receivers of state changes."""
    notifier, keys = HttpNotifier(insecure=settings.insecure_notifications), KubeKeys(api, settings.namespace)
    return Courier(Means(audit=audit, notifier=notifier, book=book, key_of=keys, now=_machine_time, count=count))


@contextmanager
def _audit_log(settings: Settings, fence: str) -> Iterator[AuditLog]:
    """The log, open."""
    audit = AuditLog(
        settings.state_dir / "audit",
        clock=_machine_time,
        monotonic=monotonic_ns,
        signer=load_or_create_signer(settings.state_dir / "audit-signing.key"),
        fence=fence,
        national=settings.audit_sm3,
    )
    try:
        yield audit
    finally:
        audit.close()


@contextmanager
def _published(settings: Settings, api: KubeApi, storage: ObjectStorage, audit: AuditLog) -> Iterator[Publisher]:
    """The log's checkpoints on their way elsewhere; what is there already is compared before anything is recorded."""
    origin = audit.keyring.first.name
    places: tuple[Place, ...] = (CheckpointMap(api, settings.namespace), storage.checkpoints(origin))
    witness = WitnessClient(settings.witness_url, settings.witness_key, origin) if settings.witness_url else None
    publisher = Publisher(audit, places, witness, monotonic)
    publisher.compare()
    pulse = AuditPulse(publisher.round)
    try:
        yield publisher
        pulse.stop()
        audit.sign()
        publisher.round()
    finally:
        pulse.stop()


class _UnitNames:
    """Which unit an owner belongs to, for the audit log: asked once for each owner."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._known: dict[str, str] = {}

    def __call__(self, owner: str) -> str:
        if not owner:  # the log's own copies
            return ""
        if owner not in self._known:
            requests = {request.key.uid: str(request.spec.get("unit", "")) for request in self._cluster.requests()}
            self._known |= requests
        return self._known.get(owner, "")


def _dev_clock(settings: Settings, api: KubeApi, audit: AuditLog) -> OffsetWatcher:
    def told(before: timedelta, after: timedelta) -> None:
        message = f"the development clock was set from {before} to {after} ahead of the machine's"
        audit.append(happened(Action.CONFIGURE, _machine(), message))

    return OffsetWatcher(api, settings.namespace, told)


def _machine_time() -> datetime:
    """The time of records and of their retention: never the development clock."""
    return datetime.now(UTC)


def _clock(watcher: OffsetWatcher | None) -> Clock:
    return SystemClock() if watcher is None else DevClock(watcher.offset)


def _machine() -> str:
    """Where this controller runs: the pod's name, or the machine's."""
    return socket.gethostname()
