"""The environment as one frozen value. A wrong or unknown setting refuses to start with a sentence."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from govcloud.audit.cosignatures import COSIGNATURE
from govcloud.audit.errors import KeyUnknown
from govcloud.audit.notes import PublicKey
from govcloud.audit.retention import DEFAULT_DAYS, MINIMUM_DAYS
from govcloud.s3_address import S3Address

PREFIX = "GOVCLOUD_"

_ALIKE = 0.8
"""How much a name must be like a setting's to be taken for a slip. Others are not ours to judge: clusters add some of their own."""


class UnknownSetting(ValueError):
    """A variable is named almost like a setting."""


class Settings(BaseModel):
    """What the controller is started with; each field is the environment variable `GOVCLOUD_<FIELD>`."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    state_dir: Path = Field(
        description="directory for the audit log (audit/), Pulumi state (pulumi/) and the master key (master.key)"
    )
    cloud: str = Field("govcloud", description="entry of clouds.yaml with the controller's own login")
    namespace: str = Field(
        "govcloud-system", description="namespace of the controller: its Lease, its Events, its clock, its published checkpoint"
    )
    lease_seconds: int = Field(
        15, ge=15, le=3600, description="without a sign of life for this long the acting controller is succeeded; it ends itself after two thirds of it"
    )
    health_port: int = Field(8080, ge=1, le=65535, description="port of /healthz and /metrics on loopback")
    workers: int = Field(4, ge=1, le=64, description="requests for which something is done in the cloud at the same time")
    backup_workers: int = Field(
        2, ge=0, le=16, description="requests whose regular backups are made at the same time; 0: none is begun, and whoever looks is told so"
    )
    resync_seconds: int = Field(300, ge=5, le=86400, description="every request is looked at this often, event or not")
    drift_seconds: int = Field(3600, ge=60, le=86400, description="the cloud is compared with what was built in it this often")
    credential_days: int = Field(
        90, ge=7, le=365, description="days after which a unit's service user gets a new application credential"
    )
    state_backend: str = Field(
        "",
        pattern=r"^((postgres|s3|file)://\S+)?$",
        description="URL of the store of the engine's states: postgres://USER@HOST/DATABASE (its password in the file that PGPASSFILE names), "
        "s3://BUCKET; empty: files below the state directory",
    )
    pulumi: str = Field("pulumi", description="the Pulumi CLI")
    packs_dir: Path | None = Field(
        None, description="folder with further regulation packs, one <id>.yaml each, beside those that ship"
    )
    audit_retention_days: int = Field(
        DEFAULT_DAYS,
        ge=MINIMUM_DAYS,
        description="days that records of the audit log are kept at least; never fewer than 365 (JJ 26), or than a regulation pack demands",
    )
    audit_seal_seconds: int = Field(
        3600, ge=10, le=86400, description="a segment of the audit log that is older is sealed, and copied"
    )
    audit_copies_project: str = Field(
        "govcloud-backups", min_length=1, description="OpenStack project that holds the copies of the audit log and its published checkpoints"
    )
    audit_copies_container: str = Field("govcloud-audit", min_length=1, description="the container for these copies")
    audit_copies: str = Field(
        "",
        description="bucket for copies and checkpoints of the audit log, s3://BUCKET?endpoint=https://HOST:PORT; locked for the days of "
        "their retention where it has Object Lock; empty: containers of that project in Swift, which has no lock",
    )
    audit_copies_credentials: Path | None = Field(
        None, description="file with the key of that bucket's store, as AWS's shared credentials file; read anew when it changes"
    )
    insecure_notifications: bool = Field(
        False, description="let notifications go to http URLs and to this machine; never in production"
    )
    dev_clock: bool = Field(False, description="let `govcloud dev clock advance` move time; never in production")

    audit_sm3: bool = Field(False, description="sign a second tree of the audit log by SM3; once begun it is kept on")
    witness_url: str = Field(
        "", pattern=r"^(https?://\S+)?$", description="address of a witness of the audit log, before /add-checkpoint"
    )
    witness_key: str = Field("", description="verifier key of that witness, as `govcloud witness` prints it")

    @field_validator("state_backend")
    @classmethod
    def _holds_no_password(cls, url: str) -> str:
        if urlsplit(url).password is not None:
            raise ValueError("the URL holds a password, and settings are logged: put it into the file that PGPASSFILE names")
        return url

    @field_validator("audit_copies")
    @classmethod
    def _is_a_bucket(cls, url: str) -> str:
        if url:
            S3Address.parse(url)
        return url

    @field_validator("witness_key")
    @classmethod
    def _is_a_witness_key(cls, text: str) -> str:
        try:
            return text and PublicKey.parse(text, COSIGNATURE).text()
        except KeyUnknown as error:
            raise ValueError(f"this is not the key of a witness: {error}") from error

    @model_validator(mode="after")
    def _a_witness_is_known_by_its_key(self) -> Self:
        if bool(self.witness_url) != bool(self.witness_key):
            raise ValueError("GOVCLOUD_WITNESS_URL and GOVCLOUD_WITNESS_KEY are set together or not at all")
        return self

    @model_validator(mode="after")
    def _a_bucket_has_a_key(self) -> Self:
        if bool(self.audit_copies) != bool(self.audit_copies_credentials):
            raise ValueError("GOVCLOUD_AUDIT_COPIES and GOVCLOUD_AUDIT_COPIES_CREDENTIALS are set together or not at all")
        return self

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Settings:
        """Read the settings.

        Raises:
            pydantic.ValidationError: a value is missing or wrong; its message names the field.
            UnknownSetting: a variable is named almost like a setting.
        """
        for name in environment:
            _refuse_slip(name, [field.upper() for field in cls.model_fields])
        known = {
            name: environment[PREFIX + name.upper()]
            for name in cls.model_fields
            if PREFIX + name.upper() in environment
        }
        return cls.model_validate(known)


def _refuse_slip(name: str, settings: list[str]) -> None:
    rest = name.removeprefix(PREFIX)
    if rest == name or rest in settings:
        return
    if meant := get_close_matches(rest, settings, 1, _ALIKE):
        raise UnknownSetting(f"{name}: there is no such setting; is {PREFIX}{meant[0]} meant?")
