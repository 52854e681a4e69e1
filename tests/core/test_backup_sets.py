"""What backup sets are called: as Kubernetes allows, whatever the request is called."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from govcloud.core.backup_sets import named_after

SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
"""RFC 1123, as Kubernetes checks the names of most objects."""

LABEL = st.from_regex(r"[a-z0-9]([-a-z0-9]{0,20}[a-z0-9])?", fullmatch=True)


@given(st.lists(LABEL, min_size=1, max_size=6).map(".".join))
def test_whatever_a_request_is_called_its_sets_have_a_name(request: str) -> None:
    assert SUBDOMAIN.fullmatch(f"{named_after(request)}-0b5c6f4e-regular-1")


def test_a_dot_at_the_end_is_dropped() -> None:
    assert named_after(f"{'a' * 39}.orders") == "a" * 39
