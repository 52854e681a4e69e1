"""The configuration of the services: complete, on this cloud's ports and paths only, readable as INI files."""

import configparser
import json
import re
import socket
from contextlib import ExitStack
from pathlib import Path

import pytest

from devcloud.openstack import settings
from devcloud.openstack.cloud import clouds
from devcloud.openstack.identities import CONTROLLER_GRANTS
from devcloud.openstack.layout import PORT_NAMES, Layout
from devcloud.openstack.settings.barbican import KEY_COPIER
from devcloud.openstack.settings.site import Site
from devcloud.paths import write_atomically


@pytest.fixture
def site(tmp_path: Path) -> Site:
    layout = Layout(tmp_path / "state")
    layout.make()
    return Site(layout, layout.choose_ports(), tmp_path / "venv")


def written(site: Site) -> dict[str, str]:
    settings.write(site)
    conf = site.layout.conf
    return {str(path.relative_to(conf)): path.read_text() for path in conf.rglob("*.*") if path.is_file()}


def test_every_project_gets_its_files(site: Site) -> None:
    assert set(written(site)) == {
        "keystone.conf", "placement/placement.conf", "glance/glance-api.conf", "nova.conf", "neutron.conf", "ml2.ini",
        "cinder.conf", "trove.conf", "swift/swift.conf", "swift/proxy-server.conf", "swift/account-server.conf",
        "swift/container-server.conf", "swift/object-server.conf", "barbican/barbican.conf", "barbican/policy.yaml",
    }  # fmt: skip


def test_the_files_are_ini_files_without_doubled_sections_or_options(site: Site) -> None:
    for name, text in written(site).items():
        if name != "barbican/policy.yaml":
            configparser.ConfigParser(strict=True, interpolation=None).read_string(text)


def test_only_who_has_the_role_reads_a_key_of_another_project(site: Site) -> None:
    rules = json.loads(written(site)["barbican/policy.yaml"])
    assert set(rules) == {"secret:decrypt", "secret:get"}
    assert all(rule.endswith(f"or role:{KEY_COPIER}") for rule in rules.values())
    assert [project for project, roles in CONTROLLER_GRANTS.items() if KEY_COPIER in roles] == [
        "govcloud-backups",
        "govcloud-quarantine",
    ]


def test_no_address_but_this_clouds_ports_on_loopback(site: Site) -> None:
    addresses = {
        (host, int(port))
        for text in written(site).values()
        for host, port in re.findall(r"(?:http://|@)([^/:\s]+):(\d+)", text)
    }
    assert addresses
    assert {host for host, _port in addresses} == {"127.0.0.1"}
    assert {port for _host, port in addresses} <= set(site.ports.values())


def test_no_path_outside_of_this_cloud_and_its_environment(site: Site, tmp_path: Path) -> None:
    for name, text in written(site).items():
        paths = re.findall(r"= (?:file://)?(/[^\s;]+)", text)
        assert [path for path in paths if not path.startswith(str(tmp_path))] == [], name


def test_a_cloud_takes_no_port_of_one_that_runs(tmp_path: Path) -> None:
    first = Layout(tmp_path / "first").choose_ports()
    second = Layout(tmp_path / "second")
    write_atomically(second.ports_file, json.dumps(first))
    with ExitStack() as running:
        for port in first.values():
            running.enter_context(socket.create_server(("127.0.0.1", port)))
        chosen = second.choose_ports()
    assert set(chosen) == set(PORT_NAMES)
    assert not set(chosen.values()) & set(first.values())


def test_a_cloud_keeps_its_ports(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    assert layout.choose_ports() == layout.choose_ports() == layout.ports()


def test_clouds_yaml_has_the_administrator_and_the_controller_in_each_of_its_projects() -> None:
    entries = clouds("http://127.0.0.1:5000/v3")["clouds"]
    assert isinstance(entries, dict)
    who = {name: (entry["auth"]["username"], entry["auth"]["project_name"]) for name, entry in entries.items()}
    assert who == {
        "admin": ("admin", "admin"),
        "govcloud": ("govcloud", "govcloud"),
        "govcloud-backups": ("govcloud", "govcloud-backups"),
        "govcloud-quarantine": ("govcloud", "govcloud-quarantine"),
    }
