"""Callers that ask the same question at the same time share one answer that is not older than their question.

Twenty servers made at once would each list the servers of their project. With this they are listed twice: once for the
caller who came first, once for all who came while that list was under way. Nobody gets an answer to a question asked
before his own.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Hashable
from typing import Any


class _Batch:
    """Callers who wait for one call that has not begun yet."""

    def __init__(self) -> None:
        self._done = threading.Event()
        self._answer: Any = None
        self._error: BaseException | None = None

    def run(self, question: Callable[[], Any]) -> None:
        try:
            self._answer = question()
        except BaseException as error:  # noqa: BLE001 - handed to every caller by `answer`
            self._error = error
        finally:
            self._done.set()

    def answer(self) -> Any:
        self._done.wait()
        if self._error is not None:
            raise self._error
        return self._answer


class SharedCalls:
    """Shares calls by key. Safe for threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._forming: dict[Hashable, _Batch] = {}
        self._turns: defaultdict[Hashable, threading.Lock] = defaultdict(threading.Lock)

    def ask(self, key: Hashable, question: Callable[[], Any]) -> Any:
        """The answer of a call that began after this one was asked; whatever it raises is raised for all who share
        it.
        """
        with self._lock:
            batch = self._forming.get(key)
            leads = batch is None
            if batch is None:
                batch = self._forming[key] = _Batch()
            turn = self._turns[key]
        if leads:
            with turn:
                with self._lock:
                    del self._forming[key]  # whoever comes from now on did not see this call begin
                batch.run(question)
        return batch.answer()
