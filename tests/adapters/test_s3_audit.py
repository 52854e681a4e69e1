"""The audit log in a bucket with Object Lock: copied, published, come back although everything was deleted; by the commands too."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from adapters.s3_server import S3Server
from audit.logs import CONTROLLER, KEY, SIGNER, QuickFiles, Time, event, open_log
from prometheus_client import CollectorRegistry
from typer.testing import CliRunner, Result

from govcloud.adapters.audit_journal import AuditJournal
from govcloud.adapters.s3_checkpoints import CheckpointBucket
from govcloud.adapters.s3_copies import S3Copies
from govcloud.audit.copying import Copying
from govcloud.audit.log import AuditLog
from govcloud.audit.notes import Checkpoint, sign
from govcloud.audit.publishing import OtherHistory, PlaceUnavailable, Publisher
from govcloud.audit.query import search
from govcloud.audit.records import Action, Phase
from govcloud.audit.restoring import restore
from govcloud.audit.retention import MINIMUM_DAYS, Policy, archive_in, removable
from govcloud.audit.verify import Result as Verdict
from govcloud.audit.verify import verify
from govcloud.audit_keeping import Keeping
from govcloud.cli.audit import app
from govcloud.metrics import Metrics

YEARS = timedelta(days=1_095)


class Shipped:
    """A log whose copies and newest checkpoint are in a bucket, by the way that the controller takes."""

    def __init__(self, s3: S3Server, directory: Path, *, locked: bool) -> None:
        self.s3, self.directory, self.time = s3, directory, Time()
        self.name = s3.make(locked=locked)
        self.log: AuditLog = open_log(directory, time=self.time)
        bucket = s3.bucket(self.name, AuditJournal(self.log, lambda _owner: ""))
        self.store = S3Copies(bucket, YEARS)
        for _ in range(3):
            self.log.append_many([event()] * 3)
            self.log.seal()
        Copying(self.log, directory, self.store, CONTROLLER, self.time.wall, QuickFiles()).run()
        self.log.append(event())
        self.log.sign()
        place = CheckpointBucket(bucket, KEY.name, YEARS)
        Publisher(self.log, [place], None, lambda: 1_000.0).round()
        self.log.close()

    def delete_everything(self) -> None:
        """As far as the store lets its administrator."""
        for each in self.s3.administrator.list_objects_v2(Bucket=self.name)["Contents"]:
            self.s3.administrator.delete_object(Bucket=self.name, Key=each["Key"])
        assert self.s3.administrator.list_objects_v2(Bucket=self.name)["KeyCount"] == 0


@pytest.fixture
def shipped(s3: S3Server, tmp_path: Path) -> Shipped:
    return Shipped(s3, tmp_path / "audit", locked=True)


def test_what_its_administrator_deleted_comes_back_whole(shipped: Shipped, tmp_path: Path) -> None:
    shipped.delete_everything()
    report = restore(shipped.store, tmp_path / "back", KEY, files=QuickFiles())
    assert report.result is Verdict.OK
    original = [record.stored() for record in search(shipped.directory)]
    assert [record.stored() for record in search(tmp_path / "back")] == original[: report.records]
    assert report.records == 9


def test_every_object_has_its_intent_and_outcome_with_the_stores_own_id(shipped: Shipped) -> None:
    writes = [record for record in search(shipped.directory) if record.target.kind == "s3:objects"]
    outcomes = [record for record in writes if record.phase is Phase.OUTCOME]
    there = shipped.s3.administrator.list_objects_v2(Bucket=shipped.name)["Contents"]
    assert sorted(f"/{shipped.name}/{each['Key']}" for each in there) == sorted(record.target.id for record in outcomes)
    assert len(writes) == 2 * len(outcomes)
    assert all(len(record.request_ids.s3) == 1 and record.attributes["status"] == "200" for record in outcomes)
    assert verify(shipped.directory, KEY).result is Verdict.OK


def test_the_log_says_that_its_copies_are_locked(shipped: Shipped) -> None:
    (said,) = [record.message for record in search(shipped.directory) if record.action is Action.CONFIGURE]
    assert said == f"copies of this log go to bucket {shipped.name}, where nobody can delete them for 1095 days after they were stored"


def test_nothing_is_removed_here_before_the_store_has_held_it_long_enough(shipped: Shipped) -> None:
    log = open_log(shipped.directory, time=shipped.time)
    for _ in range(MINIMUM_DAYS // 10 + 2):
        log.append(event())
        shipped.time.advance(10 * 86_400)
    log.append(event())
    log.close()
    now, policy = shipped.time.now, Policy(MINIMUM_DAYS)
    assert removable(shipped.directory, KEY, policy, now, lambda _: YEARS), "both clocks here are content"
    assert removable(shipped.directory, KEY, policy, now, archive_in(shipped.store, shipped.directory)) == []


@pytest.mark.parametrize("locked", [False, True])
def test_a_metric_says_whether_copies_are_locked(s3: S3Server, tmp_path: Path, locked: bool) -> None:
    log = open_log(tmp_path)
    keeping = Keeping(log, tmp_path, S3Copies(s3.bucket(s3.make(locked=locked)), YEARS), dict, Time().wall)
    metrics = Metrics(lambda: 0, dict)
    metrics.watch_copies(keeping.lag, keeping.lock)
    assert days(metrics.registry) == 0
    keeping.tasks()[0].run()
    assert days(metrics.registry) == (1_095 if locked else 0)
    log.close()


def days(registry: CollectorRegistry) -> float | None:
    return registry.get_sample_value("govcloud_audit_copies_locked_days")


# ---------------------------------------------------------------- checkpoints


def note(size: int, root: int = 0) -> str:
    return sign(Checkpoint(KEY.name, size, bytes([root] * 32)), SIGNER).text()


@pytest.mark.parametrize("locked", [False, True])
def test_the_longest_checkpoint_is_found_among_all(s3: S3Server, locked: bool) -> None:
    name = s3.make(locked=locked)
    place = CheckpointBucket(s3.bucket(name), KEY.name, YEARS)
    assert place.newest() is None
    for size in (0, 9, 10, 1_000, 10**15):
        place.publish(note(size), size)
    CheckpointBucket(s3.bucket(name), "another/log", YEARS).publish(note(10**15 + 1), 10**15 + 1)
    for left in (f"{place._folder}/0", f"{place._name(5)}.txt", f"{place._folder}/{0:016d}-{7:016d}"):
        s3.administrator.put_object(Bucket=name, Key=left, Body=b"what somebody left")
    assert place.newest() == note(10**15)


def test_a_checkpoint_that_was_deleted_or_overwritten_in_a_locked_bucket_is_still_there(s3: S3Server) -> None:
    name = s3.make(locked=True)
    place = CheckpointBucket(s3.bucket(name), KEY.name, YEARS)
    for size in (5, 9):
        place.publish(note(size), size)
    s3.administrator.delete_object(Bucket=name, Key=place._name(9))
    s3.administrator.put_object(Bucket=name, Key=place._name(5), Body=b"forged")
    assert place.newest() == note(9)
    place.publish(note(5), 5)


def test_a_name_is_written_once(s3: S3Server) -> None:
    place = CheckpointBucket(s3.bucket(s3.make(locked=False)), KEY.name, YEARS)
    place.publish(note(5), 5)
    place.publish(note(5), 5)
    with pytest.raises(OtherHistory) as other:
        place.publish(note(5, root=1), 5)
    assert other.value.note == note(5)


def test_a_bucket_that_is_not_there_makes_the_place_unavailable(s3: S3Server) -> None:
    place = CheckpointBucket(s3.bucket("not-there"), KEY.name, YEARS)
    with pytest.raises(PlaceUnavailable, match="NoSuchBucket"):
        place.newest()
    with pytest.raises(PlaceUnavailable, match="with Object Lock turned on"):
        place.publish(note(5), 5)


# ---------------------------------------------------------------- the commands


def govcloud_audit(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def where(shipped: Shipped, name: str = "") -> tuple[object, ...]:
    return "--copies", shipped.s3.url(name or shipped.name), "--credentials", shipped.s3.credentials


@pytest.fixture
def key(tmp_path: Path) -> Path:
    (tmp_path / "audit.pub").write_text(KEY.text() + "\n")
    return tmp_path / "audit.pub"


def test_restore_holds_the_copies_against_what_was_published(shipped: Shipped, key: Path, tmp_path: Path) -> None:
    shipped.delete_everything()
    plain = govcloud_audit("restore", tmp_path / "plain", "--key", key, *where(shipped))
    assert (plain.exit_code, plain.stdout[:3]) == (0, "ok:"), plain.output
    held = govcloud_audit("restore", tmp_path / "held", "--key", key, "--published", "storage", *where(shipped))
    assert (held.exit_code, held.stdout[:11]) == (2, "incomplete:"), held.output


def test_verify_finds_the_published_checkpoint_by_itself(shipped: Shipped, key: Path, tmp_path: Path) -> None:
    whole = govcloud_audit("verify", "--log", shipped.directory, "--published", "storage", *where(shipped))
    assert whole.exit_code == 0, whole.output
    older = open_log(tmp_path / "older")
    older.append(event())
    older.close()
    behind = govcloud_audit("verify", "--log", tmp_path / "older", "--key", key, "--published", "storage", *where(shipped))
    assert behind.exit_code == 2, behind.output


def test_the_commands_say_what_is_wrong(shipped: Shipped, key: Path, tmp_path: Path) -> None:
    def says(code: int, words: str, *arguments: object) -> None:
        told = govcloud_audit(*arguments)
        assert told.exit_code == code, told.output
        assert words in told.stderr

    verified = "verify", "--log", shipped.directory
    says(5, "NoSuchBucket", *verified, "--published", "storage", *where(shipped, "not-there"))
    empty = shipped.s3.make(locked=True)
    says(2, f"object storage has no checkpoint of the log {KEY.name}", *verified, "--published", "storage", *where(shipped, empty))
    says(3, "give --from-checkpoint or --published", *verified, "--published", "storage", "--from-checkpoint", key, *where(shipped))
    says(3, "--copies needs --credentials", "restore", tmp_path / "a", "--key", key, "--copies", "s3://audit")
    says(3, "right would be s3://BUCKET", "restore", tmp_path / "a", "--key", key, "--copies", "audit", "--credentials", key)
    says(5, "it has to hold [default]", "restore", tmp_path / "a", "--key", key, "--copies", "s3://audit", "--credentials", key)
    says(3, "There are no copies", "restore", tmp_path / "a", "--key", key, *where(shipped, empty))
