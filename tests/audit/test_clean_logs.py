"""No false alarm: whatever is written, whenever, both verifiers call it whole."""

import tempfile
from pathlib import Path

from audit.logs import KEY, SIGNER, QuickFiles, Time, event, intent, open_log, outcome
from audit.verdicts import agreed
from hypothesis import given, settings
from hypothesis import strategies as st

from govcloud.audit.incremental import verify_from
from govcloud.audit.log import AuditLog
from govcloud.audit.rotation import rotate
from govcloud.audit.signing_key import load_or_create_signer
from govcloud.audit.verify import Result

STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("write"), st.integers(1, 12)),
        st.tuples(st.just("wait"), st.integers(-4_000, 4_000)),
        st.tuples(st.sampled_from(["tick", "sign", "reopen", "sm3", "rotate", "verify"]), st.just(0)),
    ),
    max_size=14,
)


class Life:
    """A log that is written to as the steps say."""

    def __init__(self, directory: Path, segment_bytes: int) -> None:
        self.directory, self.time = directory, Time()
        self.audit, self.key_file = directory / "audit", directory / "key"
        self.settings: dict[str, object] = {"segment_bytes": segment_bytes, "national": False}
        self.key_file.write_text(SIGNER.text() + "\n")
        self.key_file.chmod(0o600)
        self.log = self._opened()

    def take(self, step: str, number: int) -> None:
        getattr(self, step)(number)

    def write(self, count: int) -> None:
        begun = self.log.append(intent())
        self.log.append_many([event()] * count)
        self.log.append(outcome(begun.id))

    def wait(self, seconds: int) -> None:
        """Backwards it is only the wall clock that moves."""
        if seconds >= 0:
            self.time.advance(seconds)
        else:
            self.time.back(-seconds)

    def tick(self, _: int) -> None:
        self.log.tick()

    def sign(self, _: int) -> None:
        self.log.sign()

    def sm3(self, _: int) -> None:
        self.settings["national"] = True
        self.reopen(0)

    def reopen(self, _: int) -> None:
        self.log.close()
        self.log = self._opened()

    def rotate(self, _: int) -> None:
        self.log.close()
        clocks = {"clock": self.time.wall, "monotonic": self.time.monotonic}
        rotate(self.audit, self.key_file, event().initiator, **clocks, files=QuickFiles())
        self.log = self._opened()

    def verify(self, _: int) -> None:
        found = verify_from(self.audit, self.directory / "state", KEY)
        assert found.result is Result.OK, found.what

    def _opened(self) -> AuditLog:
        return open_log(self.audit, time=self.time, signer=load_or_create_signer(self.key_file), **self.settings)


@given(STEPS, st.sampled_from([1_200, 5_000, 100_000]))
@settings(max_examples=15, deadline=None)
def test_a_log_that_was_only_written_is_whole(steps: list[tuple[str, int]], segment_bytes: int) -> None:
    with tempfile.TemporaryDirectory() as directory:
        life = Life(Path(directory), segment_bytes)
        for step, number in steps:
            life.take(step, number)
        assert agreed(life.audit, KEY).result is Result.OK
        life.log.close()
        report = agreed(life.audit, KEY)
        assert (report.result, report.signed) == (Result.OK, report.records)
