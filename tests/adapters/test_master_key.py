"""The controller's one stored secret, and what is derived from it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from govcloud.adapters.master_key import LENGTH, MasterKeyUnusable, derive, load_or_create

KEY = bytes(range(LENGTH))


def test_derivation_never_changes() -> None:
    """Databases were made with these passwords: another derivation would lock their units out."""
    assert derive(KEY, "5c2f2a52/database/orders/password") == "JHZ1wrHdJ1YLaQQ7Lo0V81pdgDQXL6Z6RNzs3Xay0MQ"


@given(st.text(), st.text())
def test_another_purpose_gives_another_secret(one: str, other: str) -> None:
    assert (derive(KEY, one) == derive(KEY, other)) == (one == other)


@given(st.text())
def test_a_secret_is_43_characters_that_every_service_accepts(purpose: str) -> None:
    secret = derive(KEY, purpose)
    assert len(secret) == 43
    assert secret.replace("-", "").replace("_", "").isalnum()
    assert secret.isascii()


def test_the_key_is_made_once_and_only_its_owner_may_read_it(tmp_path: Path) -> None:
    path = tmp_path / "state" / "master.key"
    key = load_or_create(path)
    assert load_or_create(path) == key
    assert path.stat().st_mode & 0o777 == 0o600
    assert [item.name for item in path.parent.iterdir()] == ["master.key"]


def test_of_many_that_make_it_at_once_all_get_the_same(tmp_path: Path) -> None:
    with ThreadPoolExecutor(16) as pool:
        keys = set(pool.map(lambda _: load_or_create(tmp_path / "master.key"), range(64)))
    assert len(keys) == 1


def test_a_key_that_others_may_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "master.key"
    load_or_create(path)
    path.chmod(0o640)
    with pytest.raises(MasterKeyUnusable, match="chmod 0600"):
        load_or_create(path)


def test_a_key_that_was_cut_off_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "master.key"
    path.write_bytes(KEY[:-1])
    path.chmod(0o600)
    with pytest.raises(MasterKeyUnusable, match="31 bytes"):
        load_or_create(path)


def test_no_new_key_is_made_where_something_was_encrypted_with_the_old_one(tmp_path: Path) -> None:
    with pytest.raises(MasterKeyUnusable, match="backup"):
        load_or_create(tmp_path / "master.key", may_create=False)
    assert list(tmp_path.iterdir()) == []
