"""The verbs that all adapters use: paging, exact URLs, answers that are none, services under their old names."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from adapters.openstack_kit import Cloud, Logins, running_cloud
from provider.provider_kit import EFFECT, Answer, FastClock, MemoryJournal, Seen

from govcloud.adapters.openstack_login import CloudLogins, Login
from govcloud.adapters.openstack_swift import Container, account_url
from govcloud.failures import Retry, Stop
from govcloud.reasons import Reason
from stacks.provider.journal import NoEffectContext, effect


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    with running_cloud() as cloud:
        yield cloud


@pytest.fixture
def login(cloud: Cloud) -> Login:
    return Logins(cloud, clock=FastClock())("govcloud-backups")


def answering(cloud: Cloud, part_of_path: str, answer: Answer) -> None:
    """Let the cloud give this answer wherever the path holds that text."""
    cloud.before = lambda seen: answer if part_of_path in seen.path else None


def test_a_list_is_read_to_its_last_page(cloud: Cloud, login: Login) -> None:
    wanted = {cloud.volume(project="govcloud-backups") for _ in range(4)}
    assert {each["id"] for each in login.pages("block-storage", "/volumes/detail", "volumes")} == wanted


def test_a_list_whose_second_page_fails_is_no_list(cloud: Cloud, login: Login) -> None:
    for _ in range(3):
        cloud.volume(project="govcloud-backups")
    answering(cloud, "marker=", Answer(500))
    with pytest.raises(Retry):
        list(login.pages("block-storage", "/volumes/detail", "volumes"))


@pytest.mark.parametrize(
    "answer",
    [
        Answer(200, raw=b"<html>Please log in</html>", headers={"Content-Type": "text/html"}),
        Answer(200, raw=b'{"volumes": ['),
        Answer(200, {"servers": []}),
        Answer(200, {"volumes": None}),
        Answer(200, ["volumes"]),
    ],
    ids=["html", "cut off", "another list", "null", "array"],
)
def test_an_answer_that_is_no_list_is_never_an_empty_one(cloud: Cloud, login: Login, answer: Answer) -> None:
    answering(cloud, "/volumes/detail", answer)
    with pytest.raises(Retry):
        list(login.pages("block-storage", "/volumes/detail", "volumes"))


def test_a_list_that_leads_back_to_itself_ends(cloud: Cloud, login: Login) -> None:
    link = {"rel": "next", "href": "http://cloud/volumes?marker=same"}
    answering(cloud, "/volumes/detail", Answer(200, {"volumes": [], "volumes_links": [link]}))
    with pytest.raises(Retry, match="circles"):
        list(login.pages("block-storage", "/volumes/detail", "volumes"))


def test_what_does_not_exist_is_none_and_its_deletion_is_no_failure(login: Login) -> None:
    assert login.find("block-storage", "/volumes/none") is None
    with effect(EFFECT):
        login.delete("block-storage", "/volumes/none")


def test_a_write_that_belongs_to_nothing_is_not_sent(cloud: Cloud, login: Login) -> None:
    volume = cloud.volume(project="govcloud-backups")
    with pytest.raises(NoEffectContext):
        login.delete("block-storage", f"/volumes/{volume}")
    assert volume in cloud.things["volume"]


@pytest.mark.parametrize(
    "name", ["../neighbour/secret", "a/../b", "./x", "%2e%2e/neighbour/secret", "x%2Fy", "//", "?", "#", "a b", "\n"]
)
def test_an_object_is_reached_under_exactly_its_name(cloud: Cloud, login: Login, name: str) -> None:
    seen: list[str] = []
    cloud.container("neighbour", {"secret": b"not yours"}, project="govcloud-backups")
    container = Container(login, login.project_id, "files")
    with effect(EFFECT):
        container.make({})
        container.put(name, b"mine", "text/plain")
    cloud.before = lambda each: seen.append(each.path)  # type: ignore[func-returns-value]
    with effect(EFFECT):
        container.remove(name)
    assert all(path.startswith(f"/swift/v1/AUTH_{'b' * 32}/files/") for path in seen)
    assert cloud.swift["b" * 32, "files"].objects == {}
    assert set(cloud.swift["b" * 32, "neighbour"].objects) == {"secret"}


def test_the_journal_names_the_object_store_for_its_writes(cloud: Cloud) -> None:
    journal = MemoryJournal()
    login = Logins(cloud, journal)("govcloud-backups")
    with effect(EFFECT):
        Container(login, login.project_id, "files").make({})
    assert [write.service for _, write in journal.intents] == ["object-store"]


def test_the_account_of_another_project_is_found_from_our_own(cloud: Cloud, login: Login) -> None:
    assert account_url(login, "d" * 32) == f"{cloud.url}/swift/v1/AUTH_{'d' * 32}"


def test_a_service_under_an_old_name_is_known_by_its_official_one(cloud: Cloud, login: Login) -> None:
    def renamed(seen: Seen, answer: Answer) -> Answer:
        if seen.path.endswith("/auth/tokens"):
            for entry in answer.body["token"]["catalog"]:
                entry["type"] = {"block-storage": "volumev3"}.get(entry["type"], entry["type"])
        return answer

    cloud.after = renamed
    assert "block-storage" in login.services()
    assert list(login.pages("block-storage", "/volumes/detail", "volumes")) == []


def test_a_login_that_is_refused_says_so(cloud: Cloud, login: Login) -> None:
    answering(
        cloud, "/auth/tokens", Answer(401, {"error": {"message": "The request you have made requires authentication."}})
    )
    with pytest.raises(Retry) as refused:
        login.services()
    assert refused.value.reason is Reason.CLOUD_UNAUTHORIZED


def test_a_missing_entry_of_clouds_yaml_is_named(tmp_path: Path) -> None:
    logins = CloudLogins("no-such-entry", MemoryJournal())
    with pytest.raises(Stop, match="no-such-entry"):
        logins("govcloud-backups")
