"""What the first start has chosen is found again; kubeconfigs say who one is."""

from pathlib import Path

import pytest

from devcloud.environment import Environment, clean_environment
from devcloud.failures import DevCloudError
from devcloud.users import PERSONAS, kubeconfig

PORTS = {"etcd": 20001, "kube-apiserver": 20002, "controller": 20003}


def test_what_is_saved_is_loaded_again(tmp_path: Path) -> None:
    saved = Environment(tmp_path, PORTS, {"pulumi": Path("/somewhere/pulumi")})
    saved.save()
    assert Environment.load(tmp_path) == saved


def test_loading_before_the_first_start_says_how_to_start(tmp_path: Path) -> None:
    with pytest.raises(DevCloudError, match="make up"):
        Environment.load(tmp_path)


def test_a_program_that_was_not_built_is_an_error_that_says_how_to_build_it(tmp_path: Path) -> None:
    with pytest.raises(DevCloudError, match="pulumi has not been built yet"):
        _ = Environment(tmp_path).pulumi


def test_addresses_are_on_loopback(tmp_path: Path) -> None:
    environment = Environment(tmp_path, PORTS)
    assert environment.url("kube-apiserver") == "https://127.0.0.1:20002"
    assert environment.health_url == "http://127.0.0.1:20003/healthz"


def test_the_built_programs_come_first_on_path(tmp_path: Path) -> None:
    environment = Environment(tmp_path, PORTS, {"pulumi": Path("/built/pulumi")})
    path = environment.variables()["PATH"].split(":")
    assert "/built" in path[:2]


def test_every_persona_has_a_kubeconfig_of_its_own(tmp_path: Path) -> None:
    environment = Environment(tmp_path)
    files = {environment.kubeconfig, *(environment.kubeconfig_of(persona) for persona in PERSONAS)}
    assert len(files) == len(PERSONAS) + 1


def test_a_kubeconfig_names_one_user_at_one_server() -> None:
    content = kubeconfig("https://127.0.0.1:1", "Y2E=", "auditor", {"token": "t"})
    assert content["users"] == [{"name": "auditor", "user": {"token": "t"}}]
    assert content["clusters"][0]["cluster"] == {
        "server": "https://127.0.0.1:1",
        "certificate-authority-data": "Y2E=",
    }
    assert content["contexts"][0]["context"]["user"] == "auditor"


def test_loopback_is_never_reached_by_way_of_a_proxy() -> None:
    assert "127.0.0.1" in clean_environment()["NO_PROXY"].split(",")
