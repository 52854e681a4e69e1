"""What the API server checks besides types: rules in CEL and list keys, as marks that the models carry into their CRDs.

Pydantic ignores these marks; `govcloud.api.crd` writes them down. A rule here is one that needs only the object itself (and its former self):
what needs the user, the namespace or other objects stands in `deploy/admission/` or is decided by the controller.
"""

from __future__ import annotations

from typing import Any

from pydantic import ConfigDict
from pydantic.config import JsonDict

DEFAULT_IN_CLUSTER = "x-govcloud-default-in-cluster"


def rule(expression: str, message: str, *, message_expression: str | None = None) -> JsonDict:
    """One CEL rule; `message` says what would be right, `message_expression` may name the values that were found."""
    spoken: JsonDict = {"messageExpression": message_expression} if message_expression else {}
    return {"rule": expression, "message": message, **spoken}


def immutable(message: str) -> JsonDict:
    """The value can never change once it was written."""
    return rule("self == oldSelf", message)


def checked_by(*rules: JsonDict) -> ConfigDict:
    """Configuration of a model whose objects have to keep these rules."""
    return ConfigDict(json_schema_extra=validations(*rules))


def validations(*rules: JsonDict) -> dict[str, Any]:
    """The same for one field."""
    return {"x-kubernetes-validations": list(rules)}


def keyed_by(field: str) -> dict[str, Any]:
    """The list is a map by this field of its entries: unique, and merged entry by entry by a server-side apply."""
    return {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": [field]}


def default_in_cluster() -> dict[str, Any]:
    """The API server writes the model's default into the stored object.

    Only where people look at the stored object for it: every other default belongs to the model, so that a new version of the schema does not
    add words to requests that were approved without them.
    """
    return {DEFAULT_IN_CLUSTER: True}
