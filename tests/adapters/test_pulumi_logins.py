"""Logins for the provider out of clouds.yaml and out of a unit's stack."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from govcloud.adapters.pulumi_logins import controller_login, service_user_login, unit_login
from govcloud.failures import Stop
from govcloud.reasons import Reason

AUTH = {
    "auth_url": "http://127.0.0.1:5000/v3",
    "username": "govcloud",
    "password": "hush",
    "project_name": "govcloud",
    "user_domain_id": "default",
    "project_domain_id": "default",
}


@pytest.fixture
def entry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Writes clouds.yaml with one entry."""

    def write(auth: dict[str, str], **rest: Any) -> None:
        path = tmp_path / "clouds.yaml"
        cloud = {"auth": auth, "region_name": "RegionOne", "auth_type": "password", **rest}
        path.write_text(json.dumps({"clouds": {"govcloud": cloud}}))
        monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", str(path))

    return write


def test_an_entry_becomes_a_login(entry: Any) -> None:
    entry(AUTH)
    login = controller_login("govcloud")
    assert (login.auth_url, login.region, login.username, login.project_name) == (
        "http://127.0.0.1:5000/v3",
        "RegionOne",
        "govcloud",
        "govcloud",
    )
    assert (login.user_domain, login.project_domain, login.interface) == ("Default", "Default", "public")


def test_a_bundle_of_certificates_is_kept(entry: Any, tmp_path: Path) -> None:
    bundle = tmp_path / "ca.pem"
    bundle.write_text("")
    entry(AUTH, cacert=str(bundle))
    assert controller_login("govcloud").cacert == str(bundle)


def test_a_named_domain_is_taken_as_it_is(entry: Any) -> None:
    entry({**AUTH, "user_domain_name": "Offices"})
    assert controller_login("govcloud").user_domain == "Offices"


@pytest.mark.parametrize(
    ("auth", "sentence"),
    [
        ({**AUTH, "user_domain_id": "4711"}, "user_domain_name"),
        ({key: value for key, value in AUTH.items() if key != "auth_url"}, "auth_url"),
        ({"auth_url": AUTH["auth_url"]}, "username"),
    ],
)
def test_an_entry_that_lacks_something_says_what(entry: Any, auth: dict[str, str], sentence: str) -> None:
    entry(auth)
    with pytest.raises(Stop, match=sentence) as error:
        controller_login("govcloud")
    assert error.value.reason is Reason.CLOUD_UNAUTHORIZED


def test_a_missing_entry_is_named(entry: Any) -> None:
    entry(AUTH)
    with pytest.raises(Stop, match="elsewhere"):
        controller_login("elsewhere")


def test_a_units_logins_go_to_the_same_cloud_with_nothing_of_the_controllers(entry: Any) -> None:
    entry(AUTH)
    controller = controller_login("govcloud")
    user = service_user_login(controller, "govcloud-education", "secret", "unit-education")
    unit = unit_login(controller, "id", "credential secret")
    for login in (user, unit):
        assert (login.auth_url, login.region) == (controller.auth_url, controller.region)
        assert "hush" not in login.secrets
    assert (user.username, user.project_name, user.password) == ("govcloud-education", "unit-education", "secret")
    assert (unit.application_credential_id, unit.username, unit.password) == ("id", "", "")


def test_no_secret_is_shown_when_a_login_is_printed(entry: Any) -> None:
    entry(AUTH)
    assert "hush" not in repr(controller_login("govcloud"))
