"""What is noted of a simulation: what was given to clients, what elements told, who died."""

from __future__ import annotations

import attrs

import focus
from sip import Event


@attrs.frozen(kw_only=True)
class Told:
    """Something that an element told its application."""

    at: float
    element: str
    start: int  #: how often the element had been started before
    event: Event


@attrs.frozen(kw_only=True)
class Given:
    """A command that was given to a client."""

    at: float
    element: str
    start: int  #: how often the client had been started before: numbers of commands begin anew then
    command: focus.CommandId
    what: str
    target: str  #: whom it is about, empty when it is about nobody
    conference: str
    transport: str  #: by which the client reaches the Focus


@attrs.frozen(kw_only=True)
class Death:
    """The end of an element that somebody killed."""

    at: float
    element: str
