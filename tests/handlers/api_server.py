"""A Kubernetes API server that can be watched over real HTTP: it has no objects, sends bookmarks, and lets the watch of a kind hang when told."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from govcloud.api.kinds import KINDS
from govcloud.handlers import ADMISSION, RIGHTS

GROUPS = {
    "govcloud.dev": ("v1alpha1", {kind.plural: kind.kind for kind in KINDS}),
    "admissionregistration.k8s.io": ("v1", dict(zip(ADMISSION, ADMISSION, strict=True))),
    "rbac.authorization.k8s.io": ("v1", dict(zip(RIGHTS, RIGHTS, strict=True))),
    "apiextensions.k8s.io": ("v1", {"customresourcedefinitions": "CustomResourceDefinition"}),
}
EVERY = 0.02
"""Seconds between bookmarks; a minute on a real server."""


@dataclass
class WatchedServer:
    """Attributes:
    hanging: plural names of kinds whose watches say nothing more, although they stay open.
    broken: plural names of kinds on whose watches something comes that is no JSON.
    written: by the plural name of its kind, an object that was written: each watch of the kind hears of it once.
    """

    url: str
    hanging: set[str] = field(default_factory=set)
    broken: set[str] = field(default_factory=set)
    written: dict[str, Any] = field(default_factory=dict)
    watches: list[str] = field(default_factory=list)
    ended: threading.Event = field(default_factory=threading.Event)

    def kubeconfig(self, directory: Path) -> Path:
        """A kubeconfig for it."""
        path = directory / "kubeconfig"
        config = {
            "current-context": "it",
            "contexts": [{"name": "it", "context": {"cluster": "it", "user": "it"}}],
            "clusters": [{"name": "it", "cluster": {"server": self.url}}],
            "users": [{"name": "it", "user": {"token": "t"}}],
        }
        path.write_text(json.dumps(config))
        return path


@contextmanager
def watched_server() -> Iterator[WatchedServer]:
    """Runs inside the block."""
    made = WatchedServer("")
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(made))
    server.daemon_threads = True
    made.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield made
    finally:
        made.ended.set()
        server.shutdown()


def _answer(path: str) -> Any:
    match path.strip("/").split("/"):
        case ["version"]:
            return {"major": "1", "minor": "34"}
        case ["api"]:
            return {"versions": ["v1"]}
        case ["api", "v1"]:
            return {"resources": [_resource("namespaces", "Namespace")]}
        case ["apis"]:
            return {"groups": [_group(name, version) for name, (version, _) in GROUPS.items()]}
        case ["apis", group, _]:
            return {"resources": [_resource(plural, kind) for plural, kind in GROUPS[group][1].items()]}
        case _:
            return {"metadata": {"resourceVersion": "1"}, "items": []}


def _group(name: str, version: str) -> Any:
    said = {"groupVersion": f"{name}/{version}", "version": version}
    return {"name": name, "versions": [said], "preferredVersion": said}


def _resource(plural: str, kind: str) -> Any:
    return {"name": plural, "singularName": "", "kind": kind, "namespaced": False, "verbs": ["list", "watch", "patch"]}


def _handler(made: WatchedServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            url = urlsplit(self.path)
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            if "watch" in parse_qs(url.query):
                self._watch(url.path.rsplit("/", 1)[-1])
            else:
                self.wfile.write(json.dumps(_answer(url.path)).encode())

        def _watch(self, plural: str) -> None:
            made.watches.append(plural)
            bookmark = {"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": "1"}}}
            while not made.ended.is_set():
                if (written := made.written.pop(plural, None)) is not None:
                    self._send(json.dumps({"type": "MODIFIED", "object": written}).encode() + b"\n")
                if plural in made.broken:
                    self._send(b"this is no JSON\n")
                elif plural not in made.hanging:
                    self._send(json.dumps(bookmark).encode() + b"\n")
                time.sleep(EVERY)

        def _send(self, line: bytes) -> None:
            try:
                self.wfile.write(line)
                self.wfile.flush()
            except OSError:
                made.ended.wait(0.05)

        def log_message(self, *_: object) -> None:
            """Say nothing on the terminal."""

    return Handler
