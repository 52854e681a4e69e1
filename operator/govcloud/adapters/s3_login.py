"""Clients of a store that speaks S3, with the key of a file that is read anew when it changes. Nothing here is ever logged.

One client reads and repeats what failed on the way; the other writes, and never sends a request twice.
"""

from __future__ import annotations

from configparser import Error as NoIni
from configparser import RawConfigParser
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from botocore.config import Config
from botocore.loaders import create_loader
from botocore.session import Session

from govcloud.failures import Stop
from govcloud.reasons import Reason
from govcloud.s3_address import S3Address

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

CONNECT_TIMEOUT_SECONDS = 5.0
READ_TIMEOUT_SECONDS = 60.0
READ_ATTEMPTS = 3

_DESCRIPTIONS = create_loader()
"""Reads what the library knows of S3, which is large, once."""

_PROFILE = "default"
_ID, _SECRET, _TOKEN = "aws_access_key_id", "aws_secret_access_key", "aws_session_token"


@dataclass(frozen=True, slots=True)
class Clients:
    """Safe to use from several threads."""

    reading: S3Client
    writing: S3Client


class S3Login:
    """The clients of one bucket's store.

    Args:
        address: where it is.
        credentials: file of the form of AWS's shared credentials: `[default]`, `aws_access_key_id`, `aws_secret_access_key`.
    """

    def __init__(self, address: S3Address, credentials: Path) -> None:
        self.address = address
        self._file = credentials
        self._read_at = -1
        self._clients: Clients | None = None

    def clients(self) -> Clients:
        """Raises `Stop` when there is no key in the file."""
        changed = self._changed()
        if self._clients is None or changed != self._read_at:
            key = _key(self._file)
            self._clients = Clients(_client(self.address, key, READ_ATTEMPTS), _client(self.address, key, 1))
            self._read_at = changed
        return self._clients

    def _changed(self) -> int:
        try:
            return self._file.stat().st_mtime_ns
        except OSError as error:
            raise _no_key(self._file, str(error.strerror)) from error


def _key(path: Path) -> dict[str, str]:
    """Errors of the parser would quote lines of the file, so they go no further."""
    ini = RawConfigParser()
    try:
        ini.read_string(path.read_text(encoding="utf-8"))
        found = dict(ini[_PROFILE])
    except (OSError, UnicodeDecodeError, NoIni, KeyError):
        raise _no_key(path, f"it cannot be read, or has no [{_PROFILE}]") from None
    if missing := {_ID, _SECRET} - {name for name, value in found.items() if value}:
        raise _no_key(path, f"{sorted(missing)[0]} is missing")
    return {name: found[name] for name in (_ID, _SECRET, _TOKEN) if name in found}


def _no_key(path: Path, why: str) -> Stop:
    right = f"it has to hold [{_PROFILE}] with {_ID} = … and {_SECRET} = …"
    return Stop(Reason.CLOUD_UNAUTHORIZED, f"the file {path} with the key of the S3 store: {why}; {right}")


def _client(address: S3Address, key: dict[str, str], attempts: int) -> S3Client:
    """Checksums that only AWS's own store knows are left out: what is written is read back in any case."""
    settings: dict[str, Any] = {
        "connect_timeout": CONNECT_TIMEOUT_SECONDS,
        "read_timeout": READ_TIMEOUT_SECONDS,
        "retries": {"total_max_attempts": attempts, "mode": "standard"},
        "s3": {"addressing_style": "path" if address.endpoint else "auto"},
        "request_checksum_calculation": "when_required",
        "response_checksum_validation": "when_required",
        "ignore_configured_endpoint_urls": True,
    }
    session = Session()
    session.register_component("data_loader", _DESCRIPTIONS)
    client = session.create_client(
        "s3",
        region_name=address.region,
        endpoint_url=address.endpoint or None,
        aws_access_key_id=key[_ID],
        aws_secret_access_key=key[_SECRET],
        aws_session_token=key.get(_TOKEN),
        config=Config(**settings),
    )
    return cast("S3Client", client)
