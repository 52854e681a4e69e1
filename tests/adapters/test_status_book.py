"""What was written last outlives the process, and a file that cannot be believed is not replaced by what anybody wrote."""

from __future__ import annotations

from pathlib import Path

import pytest

from govcloud.adapters.status_book import FileStatusBook, StatusBookUnusable, open_status_book
from govcloud.core.remembered import NOTHING, Remembered
from govcloud.failures import Retry

TRIAL, PRODUCTION = {"completedPlan": 1, "标": [1, None]}, {"completedPlan": 2}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "statuses.sqlite"


@pytest.fixture
def taken_over(path: Path) -> Path:
    with open_status_book(path) as book:
        book.take_over({"a": TRIAL})
    return path


def test_what_the_cluster_shows_is_taken_over_once(taken_over: Path) -> None:
    with open_status_book(taken_over) as book:
        assert not book.is_new
        assert (book.knows("a"), book.of("a")) == (True, Remembered(TRIAL))
        assert (book.knows("b"), book.of("b")) == (False, NOTHING)


def test_a_book_of_the_past_takes_over_as_well(taken_over: Path) -> None:
    with open_status_book(taken_over) as book:
        book.take_over({"a": PRODUCTION, "b": TRIAL})
    with open_status_book(taken_over) as book:
        assert (book.of("a"), book.of("b")) == (Remembered(PRODUCTION), Remembered(TRIAL))


def test_an_empty_cluster_is_taken_over_too(path: Path) -> None:
    with open_status_book(path, lambda: 5) as book:
        assert book.is_new
        book.take_over({})
    with open_status_book(path) as book:
        assert (book.is_new, book.records(), book.knows("")) == (False, 5, False)


def test_what_is_kept_is_there_for_the_next_process_with_what_was_before_it(taken_over: Path) -> None:
    with open_status_book(taken_over) as book:
        book.keep("a", PRODUCTION)
        book.keep("a", PRODUCTION)
        book.keep("b", TRIAL)
    with open_status_book(taken_over) as book:
        assert book.of("a") == Remembered(PRODUCTION, before=TRIAL)
        assert book.of("b") == Remembered(TRIAL, before={})


def test_what_is_forgotten_is_unknown_to_the_next_process_too(taken_over: Path) -> None:
    with open_status_book(taken_over) as book:
        book.forget("a")
        book.forget("never there")
        assert not book.knows("a")
    with open_status_book(taken_over) as book:
        assert not book.knows("a") and not book.is_new


def test_once_it_arrived_what_was_before_is_none_of_ours_any_more(taken_over: Path) -> None:
    with open_status_book(taken_over) as book:
        book.keep("a", PRODUCTION)
        book.arrived("a")
        assert book.of("a") == Remembered(PRODUCTION)


def test_it_knows_how_far_the_audit_log_was(path: Path) -> None:
    size = 7
    with open_status_book(path, lambda: size) as book:
        book.take_over({"a": TRIAL})
        assert book.records() == 7
        size = 12
        book.keep("b", TRIAL)
        size = 20
        book.keep("b", TRIAL)
        assert book.records() == 12
    with open_status_book(path) as book:
        assert book.records() == 12


def test_a_taking_over_that_was_cut_short_did_not_happen(path: Path) -> None:
    with open_status_book(path) as book, pytest.raises(ValueError, match="unsupported type"):
        book.take_over({"a": TRIAL, "b": {"not": object()}})
    with open_status_book(path) as book:
        assert book.is_new


def test_a_disk_that_takes_nothing_is_told_and_nothing_is_believed_to_be_kept(taken_over: Path) -> None:
    book = FileStatusBook(taken_over)
    book.close()
    with pytest.raises(Retry, match="cannot be kept on the controller's disk"):
        book.keep("a", PRODUCTION)
    assert book.of("a") == Remembered(TRIAL)


@pytest.mark.parametrize("content", [b"no database at all, but long enough to be looked at" * 100, None], ids=["no database", "no JSON"])
def test_a_damaged_file_is_named_and_left_alone(taken_over: Path, content: bytes | None) -> None:
    if content is None:
        book = FileStatusBook(taken_over)
        book._database.execute("UPDATE statuses SET now = '{'")
        book.close()
    else:
        taken_over.write_bytes(content)
    before = taken_over.read_bytes()
    with pytest.raises(StatusBookUnusable, match="Remove it, and the next start takes over"), open_status_book(taken_over):
        pass
    assert taken_over.read_bytes() == before
