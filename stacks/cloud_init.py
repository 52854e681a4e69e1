"""What a machine does at its first start, from a typed model only: no text of a request is ever pasted into the document. Pure.

The document goes through a YAML dumper that quotes every text, under a fixed first line. cloud-init decides by the first line what a
document is, so a value that looks like a script, a template or another document stays a value.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Any, Literal

import yaml
from pydantic import Field, StringConstraints

from stacks.kind import Model, Problem
from stacks.ssh_keys import PublicKey, key_problems

FIRST_LINE = "#cloud-config"
MOST_BYTES = 16_384
"""What every OpenStack takes, and what other clouds take as well."""

HostName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]([-a-z0-9]{0,57}[a-z0-9])?$", max_length=59)]
Host = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9]([A-Za-z0-9.:-]{0,251}[A-Za-z0-9])?$", max_length=253)]
Package = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9+.-]{0,127}$", max_length=128)]
UserName = Annotated[str, StringConstraints(pattern=r"^[a-z_][a-z0-9_-]{0,31}$", max_length=32)]
FilePath = Annotated[str, StringConstraints(pattern=r"^(/[A-Za-z0-9_][A-Za-z0-9._-]*)+$", max_length=512)]

_RESERVED_USERS = ("root", "default")


class LoginUser(Model):
    """A user of the system who logs in with SSH keys; no password works."""

    name: UserName = Field(description="login name; not root")
    ssh_public_keys: Annotated[tuple[PublicKey, ...], Field(min_length=1, max_length=16)] = Field(
        description="public keys, each a line of a .pub file; 1 to 16"
    )
    sudo: bool = Field(False, description="whether the user may become root without a password")


class StartFile(Model):
    """A file that is written once. Everybody who may read the request can read it: no passwords."""

    path: FilePath = Field(description="absolute path, for instance /etc/motd; belongs to root")
    content: Annotated[str, StringConstraints(max_length=8192)] = Field(description="text, at most 8192 characters")
    mode: Literal["0644", "0600", "0755", "0700"] = Field("0644", description="permissions, octal")


class UserData(Model):
    """What a machine sets up at its first start. It counts when a machine is made; 16 KiB in all."""

    hostname: HostName | None = Field(
        None, description="host name; of several machines each adds -<number>, counted from 0"
    )
    timezone: Literal["Asia/Shanghai", "Asia/Urumqi", "UTC"] | None = Field(None, description="time zone")
    ntp_servers: Annotated[tuple[Host, ...], Field(max_length=8)] = Field(
        (), description="time servers by name or address; at most 8"
    )
    packages: Annotated[tuple[Package, ...], Field(max_length=64)] = Field(
        (), description="packages of the image's distribution that are installed; at most 64"
    )
    users: Annotated[tuple[LoginUser, ...], Field(max_length=16)] = Field(
        (), description="users beside the image's own; at most 16"
    )
    files: Annotated[tuple[StartFile, ...], Field(max_length=16)] = Field(
        (), description="files that are written; at most 16"
    )


def render(document: Mapping[str, Any]) -> str:
    """A document as cloud-init reads it. Reading it back gives the same document."""
    return f"{FIRST_LINE}\n{yaml.dump(dict(document), Dumper=_Quoting, sort_keys=False, width=1 << 20)}"


def parse(text: str) -> Any:
    """What cloud-init understands: the document under the first line.

    Raises:
        ValueError: it is not a document of ours.
    """
    first, _, rest = text.partition("\n")
    if first != FIRST_LINE:
        raise ValueError(f"the first line is {first!r}, not {FIRST_LINE}")
    return yaml.safe_load(rest)


def document_of(user_data: UserData, hostname: str | None) -> dict[str, Any]:
    """The document for one machine of that host name."""
    return {
        **({"hostname": hostname} if hostname else {}),
        **({"timezone": user_data.timezone} if user_data.timezone else {}),
        **({"ntp": {"enabled": True, "servers": list(user_data.ntp_servers)}} if user_data.ntp_servers else {}),
        **({"package_update": True, "packages": list(user_data.packages)} if user_data.packages else {}),
        **({"users": ["default", *map(_user, user_data.users)]} if user_data.users else {}),
        **({"write_files": [_file(file) for file in user_data.files]} if user_data.files else {}),
    }


def problems_of(field: str, user_data: UserData) -> Iterator[Problem]:
    """What is wrong with the user data of a service."""
    yield from _repeated(f"{field}.users", "name", (user.name for user in user_data.users))
    yield from _repeated(f"{field}.files", "path", (file.path for file in user_data.files))
    for index, user in enumerate(user_data.users):
        yield from _user_problems(f"{field}.users[{index}]", user)
    size = len(render(document_of(user_data, user_data.hostname)).encode())
    if size > MOST_BYTES:
        yield Problem(
            field,
            f"it comes to {size} bytes, at most {MOST_BYTES} fit; put large files into an object container and fetch them",
            f"共 {size} 字节，上限为 {MOST_BYTES} 字节；较大的文件请放入对象存储后再取用",
        )


def _user_problems(field: str, user: LoginUser) -> Iterator[Problem]:
    if user.name in _RESERVED_USERS:
        yield Problem(
            f"{field}.name",
            f"{user.name} is not for logging in; choose another name, with sudo: true where needed",
            f"{user.name} 不可用于登录；请另取名称，需要时设 sudo: true",
        )
    for index, key in enumerate(user.ssh_public_keys):
        yield from key_problems(f"{field}.sshPublicKeys[{index}]", key)


def _repeated(field: str, what: str, values: Iterable[str]) -> Iterator[Problem]:
    for value, times in Counter(values).items():
        if times > 1:
            yield Problem(field, f"the {what} {value} is there {times} times; keep one", f"{value} 重复；请只保留一项")


def _user(user: LoginUser) -> dict[str, Any]:
    return {
        "name": user.name,
        "ssh_authorized_keys": list(user.ssh_public_keys),
        "lock_passwd": True,
        "shell": "/bin/bash",
        **({"sudo": "ALL=(ALL) NOPASSWD:ALL"} if user.sudo else {}),
    }


def _file(file: StartFile) -> dict[str, Any]:
    return {"path": file.path, "content": file.content, "owner": "root:root", "permissions": file.mode}


class _Quoting(yaml.SafeDumper):
    """Writes every text in double quotes, on one line: nothing that a text holds can end it, or begin a line of its own."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _quoted(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style='"')


_Quoting.add_representer(str, _quoted)
