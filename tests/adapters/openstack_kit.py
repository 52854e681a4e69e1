"""A cloud on loopback HTTP for tests of the OpenStack adapters: as much of Keystone, Cinder, Glance, Swift and Trove as they use.

It is strict where a mistake would be dear: names are not unique, lists come in pages of one, busy things refuse to be deleted,
tokens see only their project. Volumes have a size of 0 GiB, so that reading them costs nothing; their content is what a test says.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import re
import socket
import sys
import threading
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

from keystoneauth1.identity import v3
from provider.provider_kit import Answer, MemoryJournal, Seen

from govcloud.adapters.openstack_login import Login
from govcloud.api.backup import BackedUpRequest, BackupKind, BackupSpec, BackupStatus, Part, PartStatus
from govcloud.ports import BackupObject
from stacks.provider.journal import Journal
from stacks.provider.session import Clock, JournaledSession

Thing = dict[str, Any]
PROJECTS = {"unit": "u" * 32, "govcloud-backups": "b" * 32, "govcloud-quarantine": "c" * 32}
ENCRYPTED = "encrypted"
"""A volume type that encrypts: Cinder restores such a backup only into a volume of that type."""
_DELETABLE_TOO = {"volume": ("error_restoring", "error_extending", "error_managing")}
"""Further states in which Cinder deletes something of that kind (`cinder.volume.api.API.delete`)."""
_PLURALS = {"snapshot": "snapshots", "volume": "volumes", "backup": "backups"}


@dataclass
class Container:
    """`old`: older versions of objects by (name, version); one without content says that the object was deleted then."""

    headers: dict[str, str] = field(default_factory=dict)
    objects: dict[str, tuple[bytes, dict[str, str]]] = field(default_factory=dict)
    old: dict[tuple[str, str], bytes | None] = field(default_factory=dict)


class Cloud:
    """The state of the cloud. Tests may change it; `content` of a volume is what is read of it.

    Attributes:
        before: may answer a request in the cloud's place, before anything happens.
        after: may take the answer away (`Answer(drop=True)`) after everything happened.
        swapped: content that a restored volume gets instead of the backup's.
        made: how many of each kind were ever made.
    """

    def __init__(self) -> None:
        self.things: dict[str, dict[str, Thing]] = {
            kind: {} for kind in ("volume", "snapshot", "backup", "image", "instance", "transfer", "server")
        }
        self.swift: dict[tuple[str, str], Container] = {}
        self.before: Callable[[Seen], Answer | None] = lambda _seen: None
        self.after: Callable[[Seen, Answer], Answer] = lambda _seen, answer: answer
        self.swapped: bytes | None = None
        self.made: Counter[str] = Counter()
        self.url = ""
        self._lock = threading.RLock()

    def volume(self, content: bytes = b"", project: str = "unit", size: int = 0, volume_type: str = "standard") -> str:
        """A volume that is there already; its id."""
        facts = {"content": content, "size": size, "metadata": {}, "name": "data", "volume_type": volume_type}
        return str(self._add("volume", PROJECTS[project], status="available", **facts)["id"])

    def container(self, name: str, objects: dict[str, bytes], project: str = "unit", **headers: str) -> None:
        described = {"Content-Type": "text/plain", "X-Object-Meta-Colour": "red"}
        self.swift[PROJECTS[project], name] = Container(
            headers, {key: (value, described) for key, value in objects.items()}
        )

    def database(self, content: bytes = b"") -> str:
        """A running Trove instance with its volume; its id."""
        facts = {"service_status": "HEALTHY", "tenant_id": PROJECTS["unit"], "volume": {"id": self.volume(content)}}
        return str(self._add("instance", PROJECTS["unit"], **facts)["id"])

    def server(self, volume: str) -> list[Thing]:
        """A server that has the volume; what is done with it is added to the list that is returned."""
        server = self._add("server", PROJECTS["unit"], actions=[])
        self.things["volume"][volume]["attachments"] = [{"server_id": server["id"]}]
        actions: list[Thing] = server["actions"]
        return actions

    def of(self, kind: str, project: str) -> list[Thing]:
        return [thing for thing in self.things[kind].values() if thing["project"] == PROJECTS[project]]

    def _add(self, kind: str, project: str, **facts: Any) -> Thing:
        thing = {"id": str(uuid.uuid4()), "project": project, "looks": 0, **facts}
        self.things[kind][thing["id"]] = thing
        self.made[kind] += 1
        return thing

    # ---- requests

    def answer(self, seen: Seen) -> Answer:
        with self._lock:
            early = self.before(seen)
            return early if early is not None else self.after(seen, self._routed(seen))

    def _routed(self, seen: Seen) -> Answer:
        path = urlsplit(seen.path).path
        for pattern, handle in _ROUTES:
            if match := re.fullmatch(pattern, path, re.S):
                return handle(self, seen, *match.groups())
        return Answer(404, {"error": {"message": f"no route {seen.method} {path}"}})

    def _token(self, seen: Seen) -> Answer:
        name = json.loads(seen.body)["auth"]["scope"]["project"]["name"]
        project = {"id": PROJECTS[name], "name": name, "domain": {"id": "default", "name": "Default"}}
        token = {
            "methods": ["password"], "expires_at": "2999-01-01T00:00:00Z", "issued_at": "2026-01-01T00:00:00Z",
            "project": project, "user": {"id": "me", "name": "govcloud", "domain": project["domain"]}, "roles": [],
            "catalog": [self._entry(kind, path.format(project=PROJECTS[name])) for kind, path in _CATALOG.items()],
        }  # fmt: skip
        return Answer(201, {"token": token}, {"X-Subject-Token": f"token-{name}"})

    def _entry(self, kind: str, path: str) -> Thing:
        endpoint = {"id": kind, "interface": "public", "region": "R", "region_id": "R", "url": self.url + path}
        return {"type": kind, "name": kind, "id": kind, "endpoints": [endpoint]}

    def _image_versions(self, _seen: Seen) -> Answer:
        link = {"rel": "self", "href": f"{self.url}/image/v2/"}
        return Answer(300, {"versions": [{"id": "v2.9", "status": "CURRENT", "links": [link]}]})

    def _listed(self, seen: Seen, project: str, plural: str) -> Answer:
        kind = {plural_name: kind for kind, plural_name in _PLURALS.items()}[plural]
        query = _query(seen)
        own = [thing for thing in self.things[kind].values() if thing["project"] == project]
        rest = [thing for thing in own if query.get("name") in (None, thing["name"])]
        if "marker" in query:
            rest = list(itertools.dropwhile(lambda each: each["id"] != query["marker"], rest))[1:]
        for thing in rest[:1]:
            _grow_up(thing, "available")
        page: Thing = {plural: [_shown(thing) for thing in rest[:1]]}
        if len(rest) > 1:
            following = urlencode({**query, "marker": rest[0]["id"]})
            page[f"{plural}_links"] = [{"rel": "next", "href": f"http://elsewhere.invalid/x?{following}"}]
        return Answer(200, page)

    def _made(self, seen: Seen, project: str, plural: str) -> Answer:
        ((kind, body),) = json.loads(seen.body).items()
        if plural != _PLURALS[kind]:
            return Answer(400, {"badRequest": {"message": "wrong envelope"}})
        source = self._source(kind, body)
        if source is None:
            return Answer(404, {"itemNotFound": {"message": "no such source"}})
        facts = {"name": body["name"], "metadata": body["metadata"], "volume_id": source.get("volume_id", source["id"])}
        facts["content"] = self.swapped if "backup_id" in body and self.swapped is not None else source["content"]
        # Only a volume from a snapshot takes over its type; all else is of the default, unless the request says so.
        inherited = "standard" if "backup_id" in body else source["volume_type"]
        facts["volume_type"] = body.get("volume_type", inherited)
        types = {facts["volume_type"], source["volume_type"]}
        status = "error" if ENCRYPTED in types and len(types) > 1 else "creating"
        return Answer(202, {kind: _shown(self._add(kind, project, status=status, size=source["size"], **facts))})

    def _source(self, kind: str, body: Thing) -> Thing | None:
        if body.get("snapshot_id"):
            return self.things["snapshot"].get(body["snapshot_id"])
        if body.get("backup_id"):
            return self.things["backup"].get(body["backup_id"])
        return self.things["volume"].get(body["volume_id"])

    def _one(self, seen: Seen, project: str, plural: str, id: str) -> Answer:
        kind = {plural_name: kind for kind, plural_name in _PLURALS.items()}[plural]
        thing = self.things[kind].get(id)
        if thing is None:
            return Answer(404, {"itemNotFound": {"message": f"{kind} {id} could not be found"}})
        if seen.method == "DELETE":
            return self._deleted(kind, thing)
        if seen.method == "PUT":
            thing.update(json.loads(seen.body)[kind])
        _grow_up(thing, "available")
        return Answer(200, {kind: _shown(thing)})

    def _deleted(self, kind: str, thing: Thing) -> Answer:
        if thing["status"] not in ("available", "error", *_DELETABLE_TOO.get(kind, ())):
            return Answer(400, {"badRequest": {"message": f"Invalid {kind}: status must be available"}})
        del self.things[kind][thing["id"]]
        return Answer(202)

    def _exported(self, _seen: Seen, _project: str, id: str) -> Answer:
        return Answer(200, {"backup-record": {"backup_service": "driver", "backup_url": f"record-of-{id}"}})

    def _messages(self, _seen: Seen, _project: str) -> Answer:
        return Answer(200, {"messages": [{"user_message": "the storage is on fire"}]})

    def _acted_on(self, seen: Seen, project: str, id: str) -> Answer:
        action = json.loads(seen.body)
        if (grown := action.get("os-extend")) is not None:
            self.things["volume"][id] |= {"size": grown["new_size"], "status": "creating", "looks": 0}
            return Answer(202)
        return self._uploaded(seen, project, id)

    def _transfers(self, seen: Seen, project: str) -> Answer:
        """Those that are open, or another one."""
        if seen.method == "GET":
            return Answer(200, {"transfers": [_shown(each) for each in self.things["transfer"].values() if each["project"] == project]})
        wanted = json.loads(seen.body)["transfer"]
        volume = self.things["volume"][wanted["volume_id"]]
        if volume["status"] != "available":
            return Answer(400, {"badRequest": {"message": "Invalid volume: status must be available"}})
        volume["status"] = "awaiting-transfer"
        return Answer(202, {"transfer": _shown(self._add("transfer", project, **wanted, auth_key="once"))})

    def _transfer(self, seen: Seen, project: str, id: str, accept: str | None) -> Answer:
        transfer = self.things["transfer"].pop(id, None)
        if transfer is None:
            return Answer(404, {"itemNotFound": {"message": "no such transfer"}})
        volume = self.things["volume"][transfer["volume_id"]]
        volume["status"] = "available"
        if accept:
            volume["project"] = project
        return Answer(202, {"transfer": _shown(transfer)})

    def _uploaded(self, seen: Seen, project: str, id: str) -> Answer:
        content, wanted = self.things["volume"][id]["content"], json.loads(seen.body)["os-volume_upload_image"]
        facts = {"name": wanted["image_name"], "owner": project, "content": content, "size": len(content)}
        image = self._add("image", project, status="saving", **facts)
        return Answer(202, {"os-volume_upload_image": {"image_id": image["id"]}})

    def _images(self, seen: Seen) -> Answer:
        query = _query(seen)
        wanted = [
            image
            for image in self.things["image"].values()
            if (image["name"], image["owner"]) == (query["name"], query["owner"])
        ]
        return Answer(200, {"images": [_shown(image) for image in wanted]})

    def _image(self, seen: Seen, id: str) -> Answer:
        image = self.things["image"].get(id)
        if image is None:
            return Answer(404, {"message": "no such image"})
        if seen.method == "DELETE":
            del self.things["image"][id]
            return Answer(204)
        _grow_up(image, "active")
        return Answer(200, _shown(image))

    def _image_file(self, _seen: Seen, id: str) -> Answer:
        return Answer(
            200, raw=self.things["image"][id]["content"], headers={"Content-Type": "application/octet-stream"}
        )

    def _instance(self, seen: Seen, _project: str, id: str, action: str | None) -> Answer:
        instance = self.things["instance"].get(id)
        if instance is None:
            return Answer(404, {"itemNotFound": {"message": "no such instance"}})
        if action:
            instance["service_status"] = "STOPPING"
            return Answer(202)
        if instance["service_status"] == "STOPPING":
            instance["looks"] += 1
            instance["service_status"] = "SHUTDOWN" if instance["looks"] > 1 else "STOPPING"
        return Answer(200, {"instance": instance})

    def _actions(self, _seen: Seen, id: str) -> Answer:
        server = self.things["server"].get(id)
        return Answer(404) if server is None else Answer(200, {"instanceActions": server["actions"]})

    # ---- Swift

    def _account(self, seen: Seen, account: str) -> Answer:
        names = sorted(name for project, name in self.swift if project == account)
        return Answer(200, _after_marker([{"name": name} for name in names], seen))

    def _container(self, seen: Seen, account: str, name: str) -> Answer:
        held = self.swift.get((account, unquote(name)))
        if seen.method == "PUT":
            held = self.swift.setdefault((account, unquote(name)), Container())
            held.headers |= {
                key: text for key, text in seen.headers.items() if key.lower().startswith("x-container-meta-")
            }
            return Answer(201)
        if held is None:
            return Answer(404)
        if seen.method == "DELETE":
            if held.objects:
                return Answer(409)
            del self.swift[account, unquote(name)]
            return Answer(204)
        if "versions" in _query(seen):
            return Answer(200, _after_version(_versions(held), seen), dict(held.headers))
        listing = [
            {"name": key, "bytes": len(content), "hash": hashlib.md5(content).hexdigest()}  # noqa: S324  Swift's choice
            for key, (content, _) in sorted(held.objects.items(), key=lambda item: item[0].encode())
        ]
        if prefix := _query(seen).get("prefix"):
            listing = [entry for entry in listing if entry["name"].startswith(prefix)]
        if _query(seen).get("reverse") == "true":
            listing.reverse()
        return Answer(200, _after_marker(listing, seen), dict(held.headers))

    def _object(self, seen: Seen, account: str, container: str, name: str) -> Answer:
        if (account, unquote(container)) not in self.swift:
            return Answer(404)
        held, key = self.swift[account, unquote(container)].objects, unquote(name)
        if seen.method == "PUT" and seen.headers.get("If-None-Match") == "*" and key in held:
            return Answer(412)
        if (version := _query(seen).get("version-id")) is not None:
            content = self.swift[account, unquote(container)].old[key, version]
            assert content is not None
            return Answer(200, raw=content, headers={"ETag": hashlib.md5(content).hexdigest()})  # noqa: S324
        if seen.method == "PUT":
            kept = ("x-object-meta-", "content-type", "x-delete-at")
            held[key] = (
                seen.body,
                {name: value for name, value in seen.headers.items() if name.lower().startswith(kept)},
            )
            return Answer(201, headers={"ETag": hashlib.md5(seen.body).hexdigest()})  # noqa: S324
        if key not in held:
            return Answer(404)
        if seen.method == "DELETE":
            del held[key]
            return Answer(204)
        content, headers = held[key]
        headers = {**headers, "Last-Modified": formatdate(usegmt=True)}
        return Answer(200, raw=content, headers={**headers, "ETag": hashlib.md5(content).hexdigest()})  # noqa: S324


def _query(seen: Seen) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(seen.path).query))


def _grow_up(thing: Thing, ready: str) -> None:
    """Whatever is new is ready at the second look."""
    thing["looks"] += 1
    if thing["looks"] > 1 and thing["status"] in ("creating", "saving"):
        thing["status"] = ready


def _shown(thing: Thing) -> Thing:
    inner = ("content", "looks", "project")
    return {
        **{key: value for key, value in thing.items() if key not in inner},
        "os-vol-tenant-attr:tenant_id": thing["project"],
    }


def _after_marker(entries: list[Thing], seen: Seen) -> list[Thing]:
    """One page: two entries, as if Swift's limit were that small."""
    marker, prefix = (_query(seen).get(name, "").encode() for name in ("marker", "prefix"))
    return [entry for entry in entries if entry["name"].encode() > marker and entry["name"].encode().startswith(prefix)][:2]


def _versions(held: Container) -> list[Thing]:
    """All versions as Swift lists them: by name, the latest first, then the newest of the others."""
    current = [(key, "null", content, True) for key, (content, _) in held.objects.items()]
    old = [(key, version, content, False) for (key, version), content in held.old.items()]
    by_age = sorted([*current, *old], key=lambda entry: entry[1], reverse=True)
    return [
        {
            "name": key, "version_id": version, "is_latest": latest, "bytes": len(content or b""),
            "hash": hashlib.md5(content or b"").hexdigest(),  # noqa: S324
            "content_type": "application/x-deleted;swift_versions_deleted=1" if content is None else "text/plain",
        }
        for key, version, content, latest in sorted(by_age, key=lambda entry: entry[0].encode())
    ]  # fmt: skip


def _after_version(entries: list[Thing], seen: Seen) -> list[Thing]:
    """One page of versions, as small as every other."""
    query = _query(seen)
    if not query.get("marker"):
        return entries[:2]
    marked = [(entry["name"], entry["version_id"]) for entry in entries]
    start = marked.index((query["marker"], query["version_marker"])) + 1
    return entries[start : start + 2]


_CATALOG = {
    "block-storage": "/volume/v3/{project}", "image": "/image", "object-store": "/swift/v1/AUTH_{project}",
    "database": "/trove/v1.0/{project}", "compute": "/nova/v2.1",
}  # fmt: skip
_ID = r"([^/]+)"
_CINDER = rf"/volume/v3/{_ID}"
_ROUTES: list[tuple[str, Callable[..., Answer]]] = [
    (r"/identity/v3/auth/tokens", Cloud._token),
    (r"/image/?", Cloud._image_versions),
    (rf"{_CINDER}/(snapshots|volumes|backups)/detail", Cloud._listed),
    (rf"{_CINDER}/(snapshots|volumes|backups)", Cloud._made),
    (rf"{_CINDER}/volumes/{_ID}/action", Cloud._acted_on),
    (rf"{_CINDER}/volume-transfers(?:/detail)?", Cloud._transfers),
    (rf"{_CINDER}/volume-transfers/{_ID}(/accept)?", Cloud._transfer),
    (rf"{_CINDER}/backups/{_ID}/export_record", Cloud._exported),
    (rf"{_CINDER}/messages", Cloud._messages),
    (rf"{_CINDER}/(snapshots|volumes|backups)/{_ID}", Cloud._one),
    (rf"/nova/v2.1/servers/{_ID}/os-instance-actions", Cloud._actions),
    (r"/image/v2/images", Cloud._images),
    (rf"/image/v2/images/{_ID}", Cloud._image),
    (rf"/image/v2/images/{_ID}/file", Cloud._image_file),
    (rf"/trove/v1.0/{_ID}/mgmt/instances/{_ID}(/action)?", Cloud._instance),
    (rf"/swift/v1/AUTH_{_ID}", Cloud._account),
    (rf"/swift/v1/AUTH_{_ID}/{_ID}", Cloud._container),
    (rf"/swift/v1/AUTH_{_ID}/{_ID}/(.*)", Cloud._object),
]


class _Handler(BaseHTTPRequestHandler):
    """Hands each request to the cloud of its server."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # head and body are two sends: without this, each answer takes 40 ms
    server: _Server

    def _do(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        answer = self.server.cloud.answer(Seen(self.command, self.path, dict(self.headers.items()), body))
        if answer.drop:
            self._hang_up()
        else:
            self._say(answer, answer.raw or (b"" if answer.body is None else json.dumps(answer.body).encode()))

    def _say(self, answer: Answer, body: bytes) -> None:
        self.send_response(answer.status)
        for name, value in {
            "Content-Type": "application/json",
            **answer.headers,
            "Content-Length": str(len(body)),
        }.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body[: answer.cut_after])
        if answer.cut_after is not None:
            self._hang_up()

    def _hang_up(self) -> None:
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = _do  # noqa: N815  names of the standard library

    def log_message(self, format: str, *args: object) -> None:
        """Tests need no access log."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud
        super().__init__(("127.0.0.1", 0), _Handler)

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away in mid-request is part of several tests."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


@contextmanager
def running_cloud() -> Iterator[Cloud]:
    """The cloud, answering on a loopback port until the block ends."""
    cloud = Cloud()
    server = _Server(cloud)
    cloud.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield cloud
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class Logins:
    """Logins to the loopback cloud by project name, as `CloudLogins` gives them for a real one."""

    def __init__(self, cloud: Cloud, journal: Journal | None = None, clock: Clock | None = None) -> None:
        self.journal = journal or MemoryJournal()
        self._cloud = cloud
        self._clock = clock
        self._logins: dict[str, Login] = {}

    def __call__(self, project: str = "unit") -> Login:
        if project not in self._logins:
            auth = v3.Password(
                f"{self._cloud.url}/identity/v3", username="govcloud", password="secret", user_domain_id="default",
                project_name=project, project_domain_id="default",
            )  # fmt: skip
            self._logins[project] = Login(JournaledSession(auth, self.journal, clock=self._clock))
        return self._logins[project]


OWNER = "5c2f2a52-0000-4000-8000-000000000001"
_MOMENT = datetime(2026, 3, 1, tzinfo=UTC)


def backup_of(
    *parts: Part, name: str = "portal-terminate-3", statuses: tuple[PartStatus, ...] = (), kind: BackupKind = "Termination"
) -> BackupObject:
    """A ServiceBackup of these parts of the project `unit`."""
    spec = BackupSpec(
        kind=kind, request=BackedUpRequest(namespace="bureau", name="portal", uid=OWNER), unit="bureau", jurisdiction="jiujiang", plan=3,
        plan_digest="sha256:" + "0" * 64, project_id=PROJECTS["unit"], backup_project="govcloud-backups",
        quarantine_project="govcloud-quarantine", frozen_at=_MOMENT, parts=parts, retain_until=_MOMENT + timedelta(days=365),
    )  # fmt: skip
    return BackupObject(name, "8d0c0000-0000-4000-8000-000000000002", spec, BackupStatus(parts=statuses))
