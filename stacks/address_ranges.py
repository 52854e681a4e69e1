"""Ranges of addresses as requests write them: who may connect, who may mount, what a network has. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Annotated

from pydantic import StringConstraints

from stacks.kind import Problem

AddressRange = Annotated[str, StringConstraints(pattern=r"^[0-9a-fA-F.:]{2,39}/[0-9]{1,3}$", max_length=43)]
Range = IPv4Network | IPv6Network


def range_problems(field: str, text: str, example: str = "10.0.0.0/8") -> Iterator[Problem]:
    """What is wrong with an address range. OpenStack shows each range in one spelling: another would count as changed by somebody else."""
    try:
        found = ip_network(text)
    except ValueError as error:
        yield Problem(
            field,
            f"{text} is not an address range ({error}); write the first address and the prefix length, for instance {example}",
            f"{text} 不是有效的网段；请写网段首地址和前缀长度，例如 {example}",
        )
        return
    if str(found) != text:
        yield Problem(field, f"{text} is written {found}; write it that way", f"{text} 应写作 {found}")


def parsed_range(text: str) -> Range | None:
    """The range that a text says; None where `range_problems` finds something wrong with it."""
    return None if any(range_problems("", text)) else ip_network(text)
