"""Glance's image store: one sparse file an image, at a location that names no path.

Unlike Glance's own file store, it lets Cinder put a volume's bytes in place and register them (Glance forbids that for
file:// locations, which could name any file of the machine), and its locations stay true when the directory moves.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import glance_store
from glance_store import capabilities, driver, location
from oslo_config import cfg

from devcloud.openstack.drivers import sparse

SCHEME = "sparse"
PIECE = 1 << 20
"""Bytes read at a time. With Glance's 64 KiB, a download is bound by Python; with much more, by copying memory."""


class StoreLocation(location.StoreLocation):
    """sparse://<image id>"""

    def process_specs(self) -> None:
        self.image_id = self.specs["image_id"]

    def get_uri(self) -> str:
        return f"{SCHEME}://{self.image_id}"

    def parse_uri(self, uri: str) -> None:
        self.validate_schemas(uri, valid_schemas=(f"{SCHEME}://",))
        try:
            self.image_id = str(UUID(uri.removeprefix(f"{SCHEME}://")))
        except ValueError:
            raise glance_store.BadStoreUri(message=f"not the id of an image: {uri}") from None


class Store(driver.Store):
    """Files in `sparse_store_directory`, named by their images' ids."""

    OPTIONS = (cfg.StrOpt("sparse_store_directory", help="Where the images lie."),)
    _CAPABILITIES = (
        capabilities.BitMasks.READ_RANDOM | capabilities.BitMasks.WRITE_ACCESS | capabilities.BitMasks.DRIVER_REUSABLE
    )

    def get_schemes(self) -> tuple[str, ...]:
        return (SCHEME,)

    def configure_add(self) -> None:
        self._url_prefix = f"{SCHEME}://"

    @property
    def _directory(self) -> Path:
        return Path(self.conf[self.backend_group].sparse_store_directory)

    def _existing(self, place: Any) -> Path:
        path = self._directory / place.store_location.image_id
        if not path.exists():
            raise glance_store.NotFound(image=path.name)
        return path

    @capabilities.check
    def get(self, location: Any, offset: int = 0, chunk_size: int | None = None, context: Any = None) -> Any:
        """The image's bytes from `offset` on, at most `chunk_size` of them, in pieces; and how many they are."""
        path = self._existing(location)
        length = path.stat().st_size - offset if chunk_size is None else chunk_size
        return _pieces(path, offset, length), length

    def get_size(self, location: Any, context: Any = None) -> int:
        return self._existing(location).stat().st_size

    @capabilities.check
    def delete(self, location: Any, context: Any = None) -> None:
        self._existing(location).unlink()

    @capabilities.check
    def add(
        self,
        image_id: str,
        image_file: Any,
        image_size: int,
        hashing_algo: str,
        context: Any = None,
        verifier: Any = None,
    ) -> tuple[str, int, str, str, dict[str, str]]:
        """Stores an upload. Returns location, size, MD5 and the wanted hash, as Glance asks for them."""
        path = self._directory / image_id
        if path.exists():
            raise glance_store.Duplicate(image=image_id)
        hashes = [hashlib.md5(usedforsecurity=False), hashlib.new(hashing_algo)]
        with path.open("wb") as file:
            while piece := image_file.read(PIECE):
                file.write(piece)
                for each in [*hashes, *([verifier] if verifier else [])]:
                    each.update(piece)
        written = path.stat().st_size
        if image_size and written != image_size:
            path.unlink()
            raise glance_store.Invalid(f"the image should have {image_size} bytes, {written} came")
        place = {"store": self.backend_group}
        return f"{SCHEME}://{image_id}", written, hashes[0].hexdigest(), hashes[1].hexdigest(), place


def _pieces(path: Path, offset: int, length: int) -> Iterator[bytes]:
    with path.open("rb", buffering=0) as file:
        file.seek(offset)
        yield from sparse.Reader(file, PIECE).pieces(length)
