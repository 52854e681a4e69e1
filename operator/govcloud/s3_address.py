"""Where a store that speaks S3 is, in one line: `s3://BUCKET?endpoint=https://HOST:PORT&region=REGION`. No key is ever part of it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_REGION = "us-east-1"
"""What stores expect that have no regions."""


@dataclass(frozen=True, slots=True)
class S3Address:
    """One bucket. An empty endpoint is AWS's own for the region."""

    bucket: str
    endpoint: str = ""
    region: str = _REGION

    @classmethod
    def parse(cls, url: str) -> S3Address:
        """Raises `ValueError` with a sentence that says what is wrong and what would be right."""
        parts = urlsplit(url)
        if parts.scheme != "s3" or parts.path not in ("", "/") or not _BUCKET.fullmatch(parts.netloc):
            raise ValueError(f"{url!r} is no bucket; right would be s3://BUCKET?endpoint=https://HOST:PORT")
        asked = {name: values[-1] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
        if unknown := asked.keys() - {"endpoint", "region"}:
            raise ValueError(f"{sorted(unknown)[0]!r} is unknown behind a bucket's ?; there are endpoint and region")
        return cls(parts.netloc, _endpoint(asked.get("endpoint", "")), asked.get("region", _REGION))


def _endpoint(url: str) -> str:
    parts = urlsplit(url)
    if url and (parts.scheme not in ("http", "https") or not parts.hostname or parts.query):
        raise ValueError(f"the endpoint {url!r} is no address; right would be https://HOST:PORT")
    if parts.username or parts.password:
        raise ValueError("the endpoint holds a name or a password, and settings are logged: put the key into the file of credentials")
    return url.rstrip("/")
