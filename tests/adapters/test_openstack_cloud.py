"""What of a request is still in the cloud: over every declared kind and every page; and a failed listing is never an empty one."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest
from adapters.openstack_kit import Cloud, Container, Logins, Thing, running_cloud
from hypothesis import given
from hypothesis import strategies as st
from provider.provider_kit import Answer, FastClock, Seen

from govcloud.adapters.openstack_cloud import OpenStackCloud, belongs_to, is_python_literal
from govcloud.failures import Retry
from stacks.provider.declarations import DECLARATIONS
from stacks.provider.declarations.model import MarkIn
from stacks.provider.marks import Marks, in_description, in_metadata, in_name, in_tags, operation_key, owner_fingerprint

OWNER = "5c2f2a52-0000-4000-8000-000000000001"
OTHER = "5c2f2a52-0000-4000-8000-000000000002"
UNIT = "d" * 32
MARKS = Marks("0123456789abcdef0123456789abcdef", OWNER)

# Every list that the adapter reads, as the services show it, in pages of two: path -> (key of the list, query it must have).
LISTS: dict[str, tuple[str, dict[str, str]]] = {
    "/compute/servers/detail": ("servers", {"all_tenants": "1", "project_id": UNIT}),
    "/compute/os-server-groups": ("server_groups", {"all_projects": "true"}),
    "/compute/os-keypairs": ("keypairs", {"user_id": "service-user"}),
    "/volume/volumes/detail": ("volumes", {"all_tenants": "1", "project_id": UNIT}),
    "/volume/snapshots/detail": ("snapshots", {"all_tenants": "1", "project_id": UNIT}),
    "/volume/backups/detail": ("backups", {"all_tenants": "1", "project_id": UNIT}),
    "/network/v2.0/networks": ("networks", {"project_id": UNIT}),
    "/network/v2.0/subnets": ("subnets", {"project_id": UNIT}),
    "/network/v2.0/routers": ("routers", {"project_id": UNIT}),
    "/network/v2.0/ports": ("ports", {"project_id": UNIT}),
    "/network/v2.0/security-groups": ("security_groups", {"project_id": UNIT}),
    "/network/v2.0/security-group-rules": ("security_group_rules", {"project_id": UNIT}),
    "/network/v2.0/floatingips": ("floatingips", {"project_id": UNIT}),
    **{
        f"/octavia/v2/lbaas/{plural}": (plural, {"project_id": UNIT})
        for plural in ("loadbalancers", "listeners", "pools", "healthmonitors")
    },
    "/manila/v2/shares/detail": ("shares", {"all_tenants": "1", "project_id": UNIT}),
    "/manila/v2/share-networks/detail": ("share_networks", {"all_tenants": "1", "project_id": UNIT}),
    "/image/v2/images": ("images", {"owner": UNIT}),
    "/trove/mgmt/instances": ("instances", {"project_id": UNIT}),
    "/identity/v3/role_assignments": ("role_assignments", {"scope.project.id": UNIT}),
    "/identity/v3/users": ("users", {"name__contains": OWNER}),
}
CATALOG = {
    "compute": "/compute", "block-storage": "/volume", "network": "/network", "image": "/image", "database": "/trove",
    "load-balancer": "/octavia", "shared-file-system": "/manila/v2", "identity": "/identity/v3", "object-store": "/swift/v1/AUTH_{project}",
}  # fmt: skip


def marked(number: int, owner: str = OWNER) -> Thing:
    """An object as any service may show it, marked in the way that the kind has."""
    key = owner_fingerprint(owner) + f"{number:024x}"
    return {
        "id": f"id-{number}", "name": in_name("thing", Marks(key)), "project_id": UNIT, "metadata": in_metadata({}, Marks(key, owner)),
        "tags": [], "description": "", "user": {"id": "service-user"},
    }  # fmt: skip


class Listings:
    """Answers every list of `LISTS` with the things that a test puts there."""

    def __init__(self, cloud: Cloud) -> None:
        # lenient: lists may be asked for without the query that they usually need
        self.held: dict[str, list[Thing]] = {path: [] for path in LISTS}
        self.asked: dict[str, dict[str, str]] = {}
        self.broken = ""
        self.project_exists = True
        self.lenient = False
        cloud.before = self.answer
        cloud.after = self._with_catalog(cloud)
        self._url = cloud.url

    def answer(self, seen: Seen) -> Answer | None:
        path = urlsplit(seen.path).path
        if self.broken and path == self.broken:
            return Answer(503)
        if path in ("/network/", "/network", "/identity/v3/") and seen.method == "GET":
            link = {"rel": "self", "href": f"{self._url}/network/v2.0/"}
            return Answer(200, {"versions": [{"id": "v2.0", "status": "CURRENT", "links": [link]}]})
        if path.startswith("/identity/v3/projects/"):
            return Answer(200, {"project": {}}) if self.project_exists else Answer(404)
        if path not in LISTS:
            return None
        return Answer(200, self._page(path, dict(parse_qsl(urlsplit(seen.path).query))))

    def _page(self, path: str, query: dict[str, str]) -> Thing:
        plural, wanted = LISTS[path]
        self.asked.setdefault(path, query)
        start = int(query.get("offset", query.get("marker", "0")))
        page = self.held[path][start : start + 2]
        body: Thing = {plural: [{"keypair": thing} for thing in page] if plural == "keypairs" else page}
        if start + 2 < len(self.held[path]) and plural not in ("server_groups", "shares", "share_networks"):
            body[f"{plural}_links"] = [{"rel": "next", "href": f"http://elsewhere.invalid/?marker={start + 2}"}]
        assert self.lenient or wanted.items() <= query.items(), f"{path} was asked with {query}"
        return body

    def _with_catalog(self, cloud: Cloud) -> Callable[[Seen, Answer], Answer]:
        def completed(seen: Seen, answer: Answer) -> Answer:
            if seen.path.endswith("/auth/tokens"):
                token = answer.body["token"]
                entries = [
                    cloud._entry(kind, path.format(project=token["project"]["id"])) for kind, path in CATALOG.items()
                ]
                token["catalog"] = entries
            return answer

        return completed


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    with running_cloud() as cloud:
        yield cloud


@pytest.fixture
def listings(cloud: Cloud) -> Listings:
    return Listings(cloud)


def looked_at(cloud: Cloud) -> OpenStackCloud:
    return OpenStackCloud(lambda: Logins(cloud, clock=FastClock())("govcloud-backups"))


def test_everything_marked_is_found_over_all_pages_of_all_services(cloud: Cloud, listings: Listings) -> None:
    for number, (path, things) in enumerate(listings.held.items()):
        things.extend(marked(10 * number + each, OWNER if each % 2 else OTHER) for each in range(5))
        if path == "/identity/v3/role_assignments":
            listings.held[path] = [{"user": {"id": "service-user"}, "scope": {}}]
    cloud.swift[UNIT, "files"] = _container(OWNER)
    cloud.swift[UNIT, "other files"] = _container(OTHER)
    found = looked_at(cloud).marked(UNIT, OWNER)
    assert len(found) == 2 * (len(LISTS) - 1) + 1  # two of five in each list; role assignments only lead to key pairs
    assert {each.type for each in found} == {*_kinds_in_projects(), "openstack:identity/user:User"}
    assert set(listings.asked) == set(LISTS)


def _container(owner: str) -> Container:
    return Container({"X-Container-Meta-govcloud-request": owner, "X-Container-Meta-govcloud-op": "0" * 32})


def _kinds_in_projects() -> set[str]:
    """Every kind that the provider can make in a project, and the copies that people can make by hand."""
    declared = {
        each.type for each in DECLARATIONS.values() if each.mark is not MarkIn.NOTHING and each.service != "identity"
    }
    copies = {
        "openstack:blockstorage/snapshot:Snapshot",
        "openstack:blockstorage/backup:Backup",
        "openstack:images/image:Image",
    }
    return declared | copies


@pytest.mark.parametrize("path", [*LISTS, f"/swift/v1/AUTH_{UNIT}"])
def test_a_listing_that_fails_is_never_an_empty_one(cloud: Cloud, listings: Listings, path: str) -> None:
    listings.held["/identity/v3/role_assignments"] = [{"user": {"id": "service-user"}}]
    listings.broken = path
    with pytest.raises(Retry):
        looked_at(cloud).marked(UNIT, OWNER)


def test_what_belongs_to_others_is_not_found(cloud: Cloud, listings: Listings) -> None:
    for number, things in enumerate(listings.held.values()):
        things.append(marked(number, OTHER))
    listings.held["/identity/v3/role_assignments"] = []
    assert looked_at(cloud).marked(UNIT, OWNER) == []


def test_what_is_left_of_a_deleted_project_is_found_all_the_same(cloud: Cloud, listings: Listings) -> None:
    """Or a project that an administrator deleted would hold its requests for ever, or let their remains go unseen."""
    listings.project_exists = False
    listings.held["/volume/volumes/detail"] = [marked(1)]
    assert [each.id for each in looked_at(cloud).marked(UNIT, OWNER)] == ["id-1"]


@pytest.mark.parametrize(
    ("project", "number"), [("0" * 32, True), ("1" * 20 + "e" + "2" * 11, True), (UNIT, False), ("0x1g", False)]
)
def test_project_ids_that_cinder_would_take_for_numbers_are_known(project: str, number: bool) -> None:
    assert is_python_literal(project) is number


def test_a_project_whose_id_is_all_digits_is_looked_through_without_cinders_filter(
    cloud: Cloud, listings: Listings
) -> None:
    digits, tenant = "4" * 32, "os-vol-tenant-attr:tenant_id"
    listings.lenient = True
    listings.held["/volume/volumes/detail"] = [{**marked(1), tenant: digits}, {**marked(2), tenant: UNIT}]
    assert [each.id for each in looked_at(cloud).marked(digits, OWNER)] == ["id-1"]
    assert "project_id" not in listings.asked["/volume/volumes/detail"]


def test_server_groups_of_other_projects_are_not_counted(cloud: Cloud, listings: Listings) -> None:
    listings.held["/compute/os-server-groups"] = [{**marked(1), "project_id": "e" * 32}]
    assert looked_at(cloud).marked(UNIT, OWNER) == []


def test_services_are_those_of_the_catalog(cloud: Cloud, listings: Listings) -> None:
    assert looked_at(cloud).services() == sorted(CATALOG)


def test_looking_writes_nothing(cloud: Cloud, listings: Listings) -> None:
    logins = Logins(cloud, clock=FastClock())
    OpenStackCloud(lambda: logins("govcloud-backups")).marked(UNIT, OWNER)
    assert logins.journal.intents == []  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "shown",
    [
        {"metadata": in_metadata({}, MARKS)},
        {"metadata": {"govcloud_request": OWNER}},
        {"tags": in_tags(["other"], MARKS)},
        {"tags": [f"govcloud_request={OWNER}"]},
        {"description": in_description("our network", MARKS)},
        {"name": in_name("thing", Marks(owner_fingerprint(OWNER) + "0" * 24))},
    ],
    ids=["metadata", "metadata of the owner alone", "tags", "tag of the owner alone", "description", "name"],
)
def test_a_mark_counts_wherever_the_service_has_room_for_it(shown: Thing) -> None:
    assert belongs_to(shown, OWNER) and not belongs_to(shown, OTHER)


@pytest.mark.parametrize(
    "shown",
    [
        {},
        {"name": OWNER, "description": f"about {OWNER}"},
        {"description": f"[govcloud_op={'0' * 32} govcloud_request={OWNER}] was copied here"},
        {"metadata": {"govcloud_backup_of": OWNER}},
        {"tags": [f"govcloud_request={OWNER}0"]},
        {"name": f"thing-{owner_fingerprint(OWNER)}"},
    ],
    ids=["nothing", "a human's words", "a mark inside of a text", "a backup", "a longer uid", "part of a key"],
)
def test_what_only_looks_like_a_mark_does_not_count(shown: Thing) -> None:
    assert not belongs_to(shown, OWNER)


@given(st.uuids(), st.uuids())
def test_two_owners_are_told_apart_by_what_their_keys_begin_with(one: object, other: object) -> None:
    assert re.fullmatch("[0-9a-f]{8}", owner_fingerprint(str(one)))
    assert (owner_fingerprint(str(one)) == owner_fingerprint(str(other))) == (one == other) or _collide(
        str(one), str(other)
    )


@given(st.uuids(), st.text(), st.integers(1, 999))
def test_the_providers_keys_tell_whose_they_are(owner: object, urn: str, plan: int) -> None:
    """Databases, server groups and key pairs carry nothing but this key, in their names."""
    key = operation_key(str(owner), urn, plan)
    assert belongs_to({"name": in_name("thing", Marks(key))}, str(owner))


def _collide(one: str, other: str) -> bool:
    """32 bits may coincide; then the digests do, and it is no fault."""
    return hashlib.sha256(one.encode()).digest()[:4] == hashlib.sha256(other.encode()).digest()[:4]


def test_a_container_may_have_any_name(cloud: Cloud, listings: Listings) -> None:
    cloud.swift[UNIT, unquote("a%20b?c")] = _container(OWNER)
    assert [each.id for each in looked_at(cloud).marked(UNIT, OWNER)] == ["a b?c"]
