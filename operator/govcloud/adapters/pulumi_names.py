"""What the stack of a request and the resources in it are called. Pure."""

from __future__ import annotations

from stacks.engine.commands import StackName
from stacks.program import Resource

REQUESTS = "govcloud-requests"
"""Pulumi project."""


def request_stack(uid: str) -> StackName:
    """The stack of the request with this uid."""
    return StackName(REQUESTS, f"request-{uid}")


def urn_of(uid: str, resource: Resource) -> str:
    """The URN that the engine gives a resource of that stack: our programs nest nothing."""
    return f"urn:pulumi:{request_stack(uid).stack}::{REQUESTS}::{resource.type}::{resource.name}"
