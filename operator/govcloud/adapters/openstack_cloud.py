"""`Cloud` on OpenStack: what of a request is still there, over all services and all pages, read with the controller's login.

The question decides whether a finalizer may go and whether destruction is proven. So a listing that fails raises, and every
kind that the provider can make is asked for, straight from its declarations: a new kind is covered by being declared.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain

from govcloud.adapters.openstack_login import Json, Login, Service
from govcloud.adapters.openstack_swift import containers_of
from govcloud.core.witnessed import Marked
from govcloud.ports import Found
from stacks.provider.declarations import DECLARATIONS
from stacks.provider.declarations.model import MARK_OWNER, Declaration, MarkIn
from stacks.provider.marks import marks_of, owner_fingerprint

_PAGE = 500
"""Objects asked for at once; a service may give fewer."""

_OF_ANY_PROJECT = {"all_tenants": 1, "limit": _PAGE}
_SCOPES: Mapping[str, Mapping[str, object]] = {
    "compute": _OF_ANY_PROJECT,
    "block-storage": _OF_ANY_PROJECT,
    "network": {"limit": _PAGE},
    "load-balancer": {"limit": _PAGE},
}
"""What a listing of another project's objects needs besides the project's id."""

_CINDER_PROJECT = (
    "os-vol-tenant-attr:tenant_id",
    "os-extended-snapshot-attributes:project_id",
    "os-backup-project-attr:project_id",
)

SERVER_GROUP = "openstack:compute/serverGroup:ServerGroup"
KEYPAIR = "openstack:compute/keypair:Keypair"
DATABASE = "openstack:database/instance:Instance"
SHARE = "openstack:sharedfilesystem/share:Share"
SHARE_NETWORK = "openstack:sharedfilesystem/shareNetwork:ShareNetwork"
CONTAINER = "openstack:objectstorage/container:Container"
IMAGE = "openstack:images/image:Image"
USER = "openstack:identity/user:User"


@dataclass(frozen=True)
class _Listing:
    """Where the objects of one kind of any project are listed."""

    type: str
    service: Service
    path: str
    plural: str

    def of(self, login: Login, project: str) -> Iterator[Json]:
        scope = dict(_SCOPES[self.service])
        if not (self.service == "block-storage" and is_python_literal(project)):
            return login.pages(self.service, self.path, self.plural, project_id=project, **scope)
        everything = login.pages(self.service, self.path, self.plural, **scope)
        return (shown for shown in everything if project in (shown.get(name) for name in _CINDER_PROJECT))


# What nobody declares, because it is not made by a stack: copies that an official of the unit may have made by hand.
_COPIES = (
    _Listing("openstack:blockstorage/snapshot:Snapshot", "block-storage", "/snapshots/detail", "snapshots"),
    _Listing("openstack:blockstorage/backup:Backup", "block-storage", "/backups/detail", "backups"),
)


class OpenStackCloud:
    """Reads OpenStack with an administrator's login; writes nothing.

    Args:
        login: gives the login of a user who may list the objects of all projects; asked at every use, so that making this
            object needs no cloud.
    """

    def __init__(self, login: Callable[[], Login]) -> None:
        self._login = login

    def services(self) -> Sequence[str]:
        """Service types in the catalog, sorted; Keystone is asked anew."""
        return sorted(self._login().services(anew=True))

    def marked(self, unit_project: str, owner: str) -> Sequence[Found]:
        """Everything of the owner in the unit's project, and its users, who lie in no project; sorted by type and id.

        Args:
            unit_project: id of the OpenStack project.
            owner: uid of the request.

        Raises:
            Retry: a listing failed; nothing is said about what is there.
        """
        login = self._login()
        offered = login.services()
        asked = [ask for service, ask in _LISTINGS if service in offered]
        with ThreadPoolExecutor(max_workers=4) as threads:
            found = threads.map(lambda ask: list(ask(login, unit_project)), asked)
            listed = chain(chain.from_iterable(found), _users(login, owner))
            everything = {seen: None for seen, shown in listed if belongs_to(shown, owner)}
        return sorted(everything, key=lambda each: (each.type, each.id))

    def marked_in(self, project: str) -> Sequence[Marked]:
        """Everything in a project that carries a mark of ours, whoever's it is.

        Raises:
            Retry: a listing failed; nothing is said about what is there.
        """
        login = self._login()
        offered = login.services()
        asked = [ask for service, ask in _LISTINGS if service in offered]
        with ThreadPoolExecutor(max_workers=4) as threads:
            found = list(chain.from_iterable(threads.map(lambda ask: list(ask(login, project)), asked)))
        keys = {each: marks_of(shown).key for each, shown in found}
        return [Marked(each.type, each.id, each.name, project, key) for each, key in keys.items() if key]


def belongs_to(shown: Json, owner: str) -> bool:
    """Whether an object, as its service shows it, carries the owner's mark: in metadata, tags, description or name."""
    metadata = shown.get("metadata")
    if isinstance(metadata, Mapping) and metadata.get(MARK_OWNER) == owner:
        return True
    if f"{MARK_OWNER}={owner}" in (shown.get("tags") or ()):
        return True
    marks = marks_of(shown)
    if marks.owner is None and marks.key is not None:
        return marks.key.startswith(owner_fingerprint(owner))
    return marks.owner == owner


def is_python_literal(project: str) -> bool:
    """Whether Cinder would take a project id for a number.

    It evaluates filters as Python literals: an id of digits alone, or with one `e` among them, becomes a number, to which no
    project (or, on some databases, every project) is equal. Of 32 random hexadecimal digits, about one in a million is such an id.
    """
    try:
        ast.literal_eval(project)
    except (ValueError, SyntaxError):
        return False
    return True


Ask = Callable[[Login, str], Iterator[tuple[Found, Json]]]


def _asking(listing: _Listing) -> Ask:
    return lambda login, project: ((_found(listing.type, shown), shown) for shown in listing.of(login, project))


def _server_groups(login: Login, project: str) -> Iterator[tuple[Found, Json]]:
    """Server groups are listed by number, not by marker, and of all projects together."""
    offset = 0
    while page := login.get("compute", "/os-server-groups", all_projects="true", limit=_PAGE, offset=offset)[
        "server_groups"
    ]:
        yield from ((_found(SERVER_GROUP, shown), shown) for shown in page if shown["project_id"] == project)
        offset += len(page)


def _by_offset(type: str) -> Ask:
    """Manila's lists are read by number, not by marker."""
    declared = DECLARATIONS[type]

    def ask(login: Login, project: str) -> Iterator[tuple[Found, Json]]:
        offset, path = 0, declared.listing
        while page := login.get("shared-file-system", path, **_OF_ANY_PROJECT, project_id=project, offset=offset)[declared.plural]:
            yield from ((_found(type, shown), shown) for shown in page if shown["project_id"] == project)
            offset += len(page)

    return ask


def _keypairs(login: Login, project: str) -> Iterator[tuple[Found, Json]]:
    """Key pairs belong to users: those of everybody who has a role in the project. In one that was deleted, nobody has."""
    if login.find("identity", f"/projects/{project}") is None:
        return
    query = {"scope.project.id": project, "effective": "true"}
    assignments = login.pages("identity", "/role_assignments", "role_assignments", **query)
    for user in sorted({each["user"]["id"] for each in assignments}):
        for entry in login.pages("compute", "/os-keypairs", "keypairs", user_id=user, limit=_PAGE):
            shown = entry["keypair"]
            yield Found(KEYPAIR, shown["name"], shown["name"]), shown


def _users(login: Login, owner: str) -> Iterator[tuple[Found, Json]]:
    """Users whose name carries the owner, as ours do. A Keystone that does not know the filter lists them all."""
    for shown in login.pages("identity", "/users", "users", name__contains=owner):
        yield _found(USER, shown), shown


def _databases(login: Login, project: str) -> Iterator[tuple[Found, Json]]:
    for shown in login.pages("database", "/mgmt/instances", "instances", project_id=project, deleted="false"):
        yield _found(DATABASE, shown), shown


def _containers(login: Login, project: str) -> Iterator[tuple[Found, Json]]:
    for container in containers_of(login, project):
        yield Found(CONTAINER, container.name, container.name), {"metadata": container.metadata()}


def _images(login: Login, project: str) -> Iterator[tuple[Found, Json]]:
    """Images have their marks among their own properties."""
    for shown in login.pages("image", "/images", "images", owner=project, limit=_PAGE):
        yield _found(IMAGE, shown), {**shown, "metadata": shown}


def _found(type: str, shown: Json) -> Found:
    return Found(type, str(shown["id"]), str(shown.get("name") or ""))


_SPECIAL: Mapping[str, Ask] = {
    SERVER_GROUP: _server_groups,
    KEYPAIR: _keypairs,
    DATABASE: _databases,
    SHARE: _by_offset(SHARE),
    SHARE_NETWORK: _by_offset(SHARE_NETWORK),
    CONTAINER: _containers,
}


def _declared(declaration: Declaration) -> Ask:
    if declaration.type in _SPECIAL:
        return _SPECIAL[declaration.type]
    path = declaration.listing or declaration.collection
    return _asking(_Listing(declaration.type, declaration.service, path, declaration.plural))  # type: ignore[arg-type]


def _lies_in_projects(declaration: Declaration) -> bool:
    """Relations and settings are no objects, and users and projects lie in no project."""
    return declaration.mark is not MarkIn.NOTHING and declaration.service != "identity"


_LISTINGS: Sequence[tuple[str, Ask]] = (
    *((each.service, _declared(each)) for each in DECLARATIONS.values() if _lies_in_projects(each)),
    *((copy.service, _asking(copy)) for copy in _COPIES),
    ("image", _images),
)
