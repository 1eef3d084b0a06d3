"""``conference-info``: the state document of a conference (RFC 4575 section 5.2)."""

from __future__ import annotations

from typing import Annotated, Self

import attrs

from c3p.binding.fields import Attribute, Child, Children, Kind, Text, WrapperAttribute
from c3p.binding.node import Node
from c3p.binding.writer import render
from c3p.binding.xml import indented
from c3p.conference.description import ConferenceDescription
from c3p.conference.merge import apply, settle
from c3p.conference.uri_entry import UriEntry
from c3p.conference.user import User, full_by_default
from c3p.conference.view import ConferenceView
from c3p.namespaces import CI, MSCI


@attrs.frozen(kw_only=True, slots=False)
class HostInfo(Node):
    """``host-info``: who is responsible for the conference."""

    display_text: Annotated[str | None, Text(CI, "display-text", Kind.TEXT)] = None
    web_page: Annotated[str | None, Text(CI, "web-page")] = None
    uris: Annotated[tuple[UriEntry, ...], Children(CI, "entry", wrapper=(CI, "uris"))] = ()
    uris_state: Annotated[str | None, WrapperAttribute("uris", "state")] = attrs.field(default=None, eq=full_by_default)


@attrs.frozen(kw_only=True, slots=False)
class ConferenceState(Node):
    """``conference-state``. C3P servers do not send it: see the conference view and ``users``."""

    user_count: Annotated[int | None, Text(CI, "user-count", Kind.UINT)] = None
    active: Annotated[bool | None, Text(CI, "active", Kind.BOOLEAN)] = None
    locked: Annotated[bool | None, Text(CI, "locked", Kind.BOOLEAN)] = None


@attrs.frozen(kw_only=True, slots=False)
class Users(Node):
    """``users`` and ``trusted-entities``."""

    state: Annotated[str | None, Attribute("state")] = attrs.field(default=None, eq=full_by_default)
    participant_count: Annotated[int | None, Attribute("participant-count", MSCI, Kind.UINT)] = None
    users: Annotated[tuple[User, ...], Children(CI, "user")] = ()


@attrs.frozen(kw_only=True, slots=False)
class ConferenceInfo(Node):
    """The state of a conference, or a change of it, by ``state``: ``full`` (or absent), ``partial`` or ``deleted``."""

    entity: Annotated[str, Attribute("entity", always=True)]  #: Focus URI; empty in addConference: the server chooses
    state: Annotated[str | None, Attribute("state")] = attrs.field(default=None, eq=full_by_default)
    version: Annotated[int | None, Attribute("version", kind=Kind.UINT)] = None
    static: Annotated[bool | None, Attribute("static", kind=Kind.BOOLEAN)] = None
    description: Annotated[ConferenceDescription | None, Child(CI, "conference-description")] = None
    host_info: Annotated[HostInfo | None, Child(CI, "host-info")] = None
    conference_state: Annotated[ConferenceState | None, Child(CI, "conference-state")] = None
    users: Annotated[Users | None, Child(CI, "users")] = None
    conference_view: Annotated[ConferenceView | None, Child(MSCI, "conference-view")] = None
    trusted_entities: Annotated[Users | None, Child(MSCI, "trusted-entities", 1)] = None

    def settled(self) -> Self:
        """The state that this document describes by itself: everything marked full, what is deleted left out.

        Raises MalformedDocument when a ``state`` in it is no word of RFC 4575.
        """
        return settle(self)

    def apply(self, change: Self, *, strict: bool = False) -> Self:
        """This state after ``change`` (RFC 4575 sections 4.4 and 4.6).

        A missing ``state`` on a collection inside a partial document is read as partial, because that is what its
        senders mean; with ``strict`` it is full, as RFC 4575 says. A deleted document makes an empty, deleted one.
        Versions are not looked at, see :class:`c3p.Replica`. Raises MalformedDocument when a ``state`` in the change
        is no word of RFC 4575, or when a user, an endpoint or a view in a partial document has no entity.
        """
        return apply(self, change, strict=strict)

    def __bytes__(self) -> bytes:
        """XML, UTF-8. Raises LocalProtocolError for values that do not fit."""
        return render(self, "conference-info", CI)

    def pretty(self) -> str:
        """The same XML for people, an element a line. Raises LocalProtocolError for values that do not fit."""
        return indented(bytes(self))
