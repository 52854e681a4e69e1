"""Money that is set aside for a request: in an item of an annual plan, or under a service agreement."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from govcloud.api.common import Model, Money, Name, ObjectName, Token, Uid


class Reservation(Model):
    """What one request may cost in a year. There is one for each request: a later one takes its place."""

    uid: Uid = Field(description="metadata.uid of the request")
    namespace: Token
    name: ObjectName
    plan: int = Field(description="number of the request's plan that it was made or changed for")
    yearly: Money = Field(description="yuan a year")
    since: datetime


class ItemReservation(Reservation):
    """A reservation in one item of an annual plan."""

    item: Name
