"""Second witnesses: the services' own access logs, the engine's event counts in the audit log, a database client, the backup store."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any
from urllib.parse import quote

import psycopg

from devcloud.demo import looks
from devcloud.demo.telling import NotAsExpected
from devcloud.demo.world import World

_WRITERS = "govcloud/"


# The services' own access logs


def _access_log(world: World) -> Iterator[dict[str, Any]]:
    """Writes of the controller since the story began: a cloud that tests share has seen others who write with the same session."""
    path = world.environment.directory / "openstack" / "log" / "writes.jsonl"
    whole, _, _being_written = path.read_text(encoding="utf-8").rpartition("\n")
    for line in whole.splitlines():
        entry = json.loads(line)
        if entry["time"] < world.began:
            continue
        if str(entry.get("user_agent") or "").startswith(_WRITERS) and not str(entry["path"]).endswith("/auth/tokens"):
            yield entry


def writes_about(world: World, *whom: str) -> int:
    """How many writes of the controller the services saw so far about requests and units (by uid, a unit also by name), or about nobody knows whom.

    What it writes meanwhile for others, or to copy its log, is recorded as such and does not count.
    """
    seen = list(_access_log(world))
    intents = (record for record in records(world) if record["phase"] == "intent")
    others = (record for record in intents if not {record.get("request"), record.get("unit")} & set(whom))
    elsewhere = {request_id for record in others for request_id in record.get("requestIds", {}).get("openstack", [])}
    return sum(entry.get("global_request_id") not in elsewhere for entry in seen)


def writes_without_record(world: World) -> tuple[list[str], int]:
    """Writes that the services saw and the audit log does not know with both intent and outcome; and how many there were."""
    seen = list(_access_log(world))  # first: what is written meanwhile, as a checkpoint is, must not be looked for in what was read before
    with suppress(NotAsExpected):  # an answer that is on its way to the controller is recorded when it is there
        world.until("the outcome of every write is recorded", lambda: not _without_record(world, seen))
    return _without_record(world, seen), len(seen)


def _without_record(world: World, seen: Sequence[Mapping[str, Any]]) -> list[str]:
    intents: set[str] = set()
    settled: set[str] = set()
    by_id: dict[str, str] = {}
    for record in records(world):
        if record["phase"] == "intent":
            for request_id in record.get("requestIds", {}).get("openstack", []):
                intents.add(request_id)
                by_id[record["id"]] = request_id
        elif record["phase"] == "outcome" and record["intent"] in by_id:
            settled.add(by_id[record["intent"]])
    return [f"{e['service']} {e['method']} {e['path']}" for e in seen if e.get("global_request_id") not in intents & settled]


# The audit log, through the project's own reader


def records(world: World, uid: str | None = None) -> list[dict[str, Any]]:
    """Records of the audit log, oldest first; those of one request if `uid` is given."""
    chosen = ["--request", uid] if uid else []
    said = world.govcloud("audit", "query", "--log", str(world.audit_log), "--format", "json", *chosen)
    world.expect(said.code == 0, f"govcloud audit query: {said.err}")
    return [json.loads(line) for line in said.out.splitlines()]


def engine_counts(world: World, uid: str, transition: str) -> dict[str, int]:
    """What the engine's event stream counted in the runs of one transition; resources that stayed as they were are left out."""
    counts: Counter[str] = Counter()
    for record in records(world, uid):
        if record["phase"] == "outcome" and record["action"] == "deploy" and record.get("reason", {}).get("rule") == transition:
            for name, value in record.get("attributes", {}).items():
                if name.startswith("engine.") and name != "engine.same":
                    counts[name.removeprefix("engine.")] += int(value)
    return {name: count for name, count in counts.items() if count}


# The database


def databases_of(world: World, project: str) -> list[str]:
    """Trove instances of a project, with their state; the administrator's listing shows all projects."""
    answer = world.cloud().database.get("/mgmt/instances")
    return [f"{item['name'][:40]} ({item['status']})" for item in answer.json()["instances"] if item["tenant_id"] == project]


def _connect(values: Mapping[str, str]) -> psycopg.Connection[Any]:
    found = {key.rpartition(".")[2]: value for key, value in values.items() if key.startswith("orders.")}
    return psycopg.connect(
        host=found["host"],
        port=int(found["port"]),
        dbname=found["database"],
        user=found["username"],
        password=found["password"],
        connect_timeout=60,
    )


def write_rows(values: Mapping[str, str]) -> int:
    """Connect as the unit would and write rows; how many there are."""
    with _connect(values) as connection:
        connection.execute("create table if not exists appointments (id serial primary key, patient text not null)")
        connection.execute("insert into appointments (patient) select 'patient ' || lpad(n::text, 4, '0') from generate_series(1, 1000) as n")
        row = connection.execute("select count(*) from appointments").fetchone()
    return int(row[0]) if row else 0


# Swift, and what a backup leaves


def put_objects(world: World, uid: str) -> dict[str, bytes]:
    """Put a few objects into the request's container, some with awkward names; what was put."""
    container = next(item for item in looks.everything_of(world, uid) if item.kind == "container")
    objects = {"scan-1.dcm": bytes(range(256)) * 512, "2026/放射科 影像%1.dcm": b"\x00\xff" * 4096, "empty": b""}
    session = world.cloud("govcloud").session
    for name, content in objects.items():
        session.put(f"{looks.account_url(world, container.project)}/{quote(container.name)}/{quote(name)}", data=content)
    return objects


def helpers_left(world: World) -> list[str]:
    """Snapshots, volumes and images that belong to a backup's making and should be gone."""
    left = []
    for name in ("govcloud-backups", "govcloud-quarantine"):
        cloud = world.cloud(name)
        left += [f"{name}: snapshot {item.name}" for item in cloud.block_storage.snapshots()]
        left += [f"{name}: volume {item.name}" for item in cloud.block_storage.volumes()]
        left += [f"{name}: image {item.name}" for item in cloud.image.images(owner=cloud.current_project_id)]
    return left


def rows_in_backup(world: World, backup_id: str, written: int) -> int:
    """Restore a retained backup once more, read every byte, and count which of the written rows are in it; then leave no trace of the look."""
    cloud = world.cloud("govcloud-quarantine")
    volume_id = world.cloud("govcloud-quarantine").block_storage.restore_backup(backup_id, name="demo-look").volume_id
    volume = world.until("the backup is restored", lambda: _settled(cloud.block_storage.get_volume(volume_id)))
    image = cloud.block_storage.upload_volume_to_image(volume, image_name="demo-look", disk_format="raw", container_format="bare", force=True)
    world.until("the restored volume can be read", lambda: cloud.image.get_image(image["image_id"]).status == "active")
    rows = _count_rows(written, cloud.image.download_image(image["image_id"], stream=True).iter_content(1 << 20))
    cloud.image.delete_image(image["image_id"])
    world.until("the look is over", lambda: _settled(cloud.block_storage.get_volume(volume_id)))
    cloud.block_storage.delete_volume(volume_id)
    world.until("no trace is left", lambda: not list(cloud.block_storage.volumes(details=False)))
    return rows


def _settled(volume: Any) -> Any:
    return volume if volume.status == "available" else None


def _count_rows(written: int, chunks: Iterator[bytes]) -> int:
    """Distinct rows of those written, for a database keeps a row in its table and in its log. Of fixed width: no byte beside one is a digit of it."""
    found: set[bytes] = set()
    tail = b""
    for chunk in chunks:
        text = tail + chunk
        found.update(re.findall(rb"patient (\d{4})", text))
        tail = text[-20:]
    return len({int(number) for number in found} & set(range(1, written + 1)))
