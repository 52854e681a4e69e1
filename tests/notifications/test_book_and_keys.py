"""What was told last survives the process; a key is read from the one Secret that is named."""

from __future__ import annotations

import base64
import sqlite3
import threading
from pathlib import Path

import pytest
from adapters.kube_server import Say, server_saying

from devcloud.patience import PATIENCE
from govcloud.adapters.kube_keys import KubeKeys
from govcloud.adapters.notice_book import open_book
from govcloud.api.notification import SecretKey
from govcloud.failures import Retry, Stop
from govcloud.reasons import Reason

KEY = b"0123456789abcdef0123456789abcdef"
WHERE = SecretKey(key="jiujiang")


def test_the_book_remembers_the_last_event_of_each_request(tmp_path: Path) -> None:
    with open_book(tmp_path / "book") as book:
        assert book.last_told("a") is None
        for request, event in (("a", "a-1"), ("b", "b-1"), ("a", "a-2")):
            book.told(request, event)
    with open_book(tmp_path / "book") as book:
        assert (book.last_told("a"), book.last_told("b")) == ("a-2", "b-1")


def test_what_was_noted_is_there_although_nobody_closed_the_book(tmp_path: Path) -> None:
    with open_book(tmp_path / "book") as open_still:
        open_still.told("a", "a-1")
        with open_book(tmp_path / "book") as again:
            assert again.last_told("a") == "a-1"


def test_a_book_can_be_closed_while_somebody_writes_into_it(tmp_path: Path) -> None:
    refused = threading.Event()
    with open_book(tmp_path / "book") as book:

        def write() -> None:
            with pytest.raises(sqlite3.ProgrammingError):
                for number in range(10**6):
                    book.told("a", f"a-{number}")
            refused.set()

        threading.Thread(target=write, daemon=True).start()
        while book.last_told("a") is None:
            pass

    assert refused.wait(PATIENCE)


def test_a_damaged_book_is_put_aside(tmp_path: Path) -> None:
    (tmp_path / "book").write_bytes(b"this is no database, and it is long enough to be taken for one" * 20)
    with open_book(tmp_path / "book") as book:
        assert book.last_told("a") is None
        book.told("a", "a-1")
    assert (tmp_path / "book.damaged").exists()


def test_a_key_is_read_by_name_from_the_controllers_namespace() -> None:
    with server_saying(Say(content={"data": {"jiujiang": base64.b64encode(KEY).decode()}})) as (api, script):
        assert KubeKeys(api, "govcloud-system")(WHERE) == KEY

    assert [(a.method, a.path) for a in script.asked] == [("GET", "/api/v1/namespaces/govcloud-system/secrets/govcloud-notifications")]


@pytest.mark.parametrize(
    "content", [{"data": {}}, {"data": None}, {"data": {"jiujiang": base64.b64encode(b"short").decode()}}, {"data": {"jiujiang": "%"}}]
)
def test_what_is_no_key_stops_with_its_place_and_without_its_value(content: object) -> None:
    with server_saying(Say(content=content)) as (api, _), pytest.raises(Stop, match="key jiujiang of the Secret") as told:
        KubeKeys(api, "govcloud-system")(WHERE)
    assert told.value.reason is Reason.SIGNING_KEY_MISSING
    assert "short" not in told.value.message.replace("too short", "")


def test_no_secret_and_no_cluster_are_told_apart() -> None:
    with server_saying(Say(404, {})) as (api, _), pytest.raises(Stop):
        KubeKeys(api, "govcloud-system")(WHERE)
    with server_saying(Say(503, {})) as (api, _), pytest.raises(Retry):
        KubeKeys(api, "govcloud-system")(WHERE)
