"""A setting that is wrong, or named almost like one, refuses to start and says what is right."""

from __future__ import annotations

import pytest
from audit.logs import KEY
from audit.test_witness import AUDITOR
from pydantic import ValidationError
from typer.testing import CliRunner

from govcloud.cli import app
from govcloud.settings import Settings, UnknownSetting

RIGHT = {"GOVCLOUD_STATE_DIR": "/var/lib/govcloud"}
WITNESS = {"GOVCLOUD_WITNESS_URL": "https://audit.example.gov.cn:8444", "GOVCLOUD_WITNESS_KEY": AUDITOR.public_key.text()}

BUCKET = {"GOVCLOUD_AUDIT_COPIES": "s3://audit?endpoint=https://s3.example.gov.cn", "GOVCLOUD_AUDIT_COPIES_CREDENTIALS": "/etc/govcloud/s3"}


def test_a_bucket_is_set_with_the_file_of_its_key() -> None:
    settings = Settings.from_environment({**RIGHT, **BUCKET})
    assert (settings.audit_copies, str(settings.audit_copies_credentials)) == tuple(BUCKET.values())


def test_the_defaults_need_a_directory_only() -> None:
    settings = Settings.from_environment(RIGHT)
    assert (settings.witness_url, settings.witness_key, settings.audit_sm3) == ("", "", False)


def test_a_witness_is_set_with_its_key() -> None:
    settings = Settings.from_environment({**RIGHT, **WITNESS, "GOVCLOUD_AUDIT_SM3": "true"})
    assert (settings.witness_url, settings.witness_key) == tuple(WITNESS.values())
    assert settings.audit_sm3


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"GOVCLOUD_WITNESS_URL": WITNESS["GOVCLOUD_WITNESS_URL"]}, "set together or not at all"),
        ({"GOVCLOUD_WITNESS_KEY": WITNESS["GOVCLOUD_WITNESS_KEY"]}, "set together or not at all"),
        ({**WITNESS, "GOVCLOUD_WITNESS_URL": "audit.example.gov.cn"}, "witness_url"),
        ({**WITNESS, "GOVCLOUD_WITNESS_KEY": "nonsense"}, "not the key of a witness"),
        ({**WITNESS, "GOVCLOUD_WITNESS_KEY": KEY.text()}, "not the key of a witness"),
        ({"GOVCLOUD_AUDIT_COPIES": "s3://audit"}, "set together or not at all"),
        ({"GOVCLOUD_AUDIT_COPIES_CREDENTIALS": "/etc/govcloud/s3"}, "set together or not at all"),
        ({**BUCKET, "GOVCLOUD_AUDIT_COPIES": "audit"}, "right would be s3://BUCKET"),
        ({"GOVCLOUD_AUDIT_SM3": "perhaps"}, "audit_sm3"),
        ({"GOVCLOUD_WORKERS": "0"}, "workers"),
    ],
)
def test_a_wrong_value_is_refused(changes: dict[str, str], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        Settings.from_environment({**RIGHT, **changes})


@pytest.mark.parametrize("slip", ["GOVCLOUD_WITNES_URL", "GOVCLOUD_STATEDIR", "GOVCLOUD_AUDIT_SM_3", "GOVCLOUD_RESYNC_SECOND"])
def test_a_slip_of_the_pen_is_refused(slip: str) -> None:
    with pytest.raises(UnknownSetting, match=f"^{slip}: there is no such setting; is GOVCLOUD_[A-Z0-9_]+ meant"):
        Settings.from_environment({**RIGHT, slip: "x"})


@pytest.mark.parametrize("other", ["GOVCLOUD_DEV_DIR", "GOVCLOUD_CONTROLLER_SERVICE_HOST", "GOVCLOUD_TEST_SEED", "HOME"])
def test_what_others_put_into_the_environment_is_left_alone(other: str) -> None:
    assert Settings.from_environment({**RIGHT, other: "x"}) == Settings.from_environment(RIGHT)


def test_the_command_says_so_and_ends_with_3() -> None:
    for changes, said in (
        ({"GOVCLOUD_WITNES_URL": "x"}, "is GOVCLOUD_WITNESS_URL meant?"),
        ({"GOVCLOUD_WITNESS_URL": "https://x"}, "Value error, GOVCLOUD_WITNESS_URL and GOVCLOUD_WITNESS_KEY are set together"),
        ({"GOVCLOUD_WORKERS": "0"}, "GOVCLOUD_WORKERS: Input should be greater than or equal to 1"),
    ):
        done = CliRunner().invoke(app, ["controller"], env={**RIGHT, **changes})
        assert (done.exit_code, said in done.output) == (3, True), done.output


@pytest.mark.parametrize("url", ["", "postgres://keeper@db.example/states?sslmode=verify-full", "s3://states"])
def test_the_engines_states_lie_where_the_url_says(url: str) -> None:
    assert Settings.from_environment({"GOVCLOUD_STATE_DIR": "/s", "GOVCLOUD_STATE_BACKEND": url}).state_backend == url


@pytest.mark.parametrize("url", ["postgres://keeper:hunter2@db.example/states", "mysql://db.example/states", "states"])
def test_a_password_in_that_url_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(ValidationError, match="state_backend") as refused:
        Settings.from_environment({"GOVCLOUD_STATE_DIR": "/s", "GOVCLOUD_STATE_BACKEND": url})
    assert "hunter2" not in str(refused.value)
