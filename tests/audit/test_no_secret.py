"""Whatever a write carries, and whatever a service answers, nothing of it but names, ids and numbers is in the log."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
from adapters.openstack_kit import Cloud, Logins, running_cloud
from audit.logs import event, open_log
from hypothesis import given
from hypothesis import strategies as st
from provider.provider_kit import Answer, FastClock

from govcloud.adapters.audit_journal import AuditJournal
from govcloud.audit.log import AuditLog
from govcloud.failures import Retry, Stop
from stacks.provider.journal import EffectContext, effect

HUSH = st.text(st.characters(codec="ascii", exclude_categories=("Cc", "Cs"), exclude_characters='"\\'), min_size=4, max_size=60).map("hush ".__add__)


@dataclass
class Setting:
    """A log, and a cloud whose every write goes through it."""

    directory: Path
    log: AuditLog
    cloud: Cloud
    logins: Logins

    def write(self, secret: str, status: int) -> None:
        """A secret in the body; the service answers with it, as some do."""
        echo = Answer(status, {"badRequest": {"message": secret}, "adminPass": secret})
        self.cloud.before = lambda seen: echo if seen.path.endswith("/volumes") else None
        context = EffectContext("5b1c", "unit", "urn", "openstack:blockstorage/volume:Volume", "create", "key", 3)
        with effect(context), suppress(Retry, Stop):
            self.logins("unit").post("block-storage", "/volumes", {"volume": {"metadata": {"token": secret}, "adminPass": secret}})

    def stored(self) -> bytes:
        return b"".join(path.read_bytes() for path in sorted((self.directory / "segments").iterdir()))


@pytest.fixture(scope="module")
def setting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Setting]:
    directory = tmp_path_factory.mktemp("audit")
    log = open_log(directory)
    with running_cloud() as cloud:
        yield Setting(directory, log, cloud, Logins(cloud, AuditJournal(log, lambda _owner: "jj-health"), FastClock()))  # type: ignore[arg-type]
    log.close()


@given(secret=HUSH, status=st.sampled_from([200, 202, 400, 403, 409, 500, 504]))
def test_neither_what_was_sent_nor_what_was_answered_is_recorded(setting: Setting, secret: str, status: int) -> None:
    before = len(setting.stored())
    setting.write(secret, status)
    written = setting.stored()[before:]
    assert written.count(b'"phase":"intent"') == written.count(b'"phase":"outcome"') > 0
    assert secret.encode() not in written


@given(secret=HUSH)
def test_a_name_that_announces_a_secret_is_refused_whatever_it_is_part_of(secret: str) -> None:
    for name in ("password", "adminPass", "userData", "authToken", "clientSecret", "privateKey"):
        with pytest.raises(ValueError, match="attributes"):
            event(attributes={name: secret})
