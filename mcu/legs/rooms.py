"""Rooms: whoever calls ``sip:ROOM@host`` is in a conference of that name with everybody else who does.

There is no Focus, so nobody commands such a conference; it ends with its last leg. What one source, and what all
together may take is limited, since anybody may be the caller.
"""

from __future__ import annotations

import re
from typing import Final

from c3p import ErrorId, JoiningMethod, Role
from mcu.conference import Conference
from mcu.config import RoomSettings
from mcu.context import Context
from mcu.identity import conference_id, guid, user_id
from mcu.leg import Leg
from mcu.leg_state import LegLife, State
from mcu.legs.asserted import asserted_identities
from mcu.medium import Medium
from mcu.opening import open_conference
from sip import AddressOfRecord, Flow, InviteReceived, Networks, Uri, source_of

#: What a room may be called: what a phone can dial and a log can show.
_ROOM: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._~+-]{0,63}")


class NoRoom(Exception):
    """A caller that gets none: SIP status, ErrorId, and words. Never leaves this package."""

    def __init__(self, status: int, error_id: ErrorId, text: str) -> None:
        super().__init__(text)
        self.status, self.error_id, self.text = status, error_id, text


class Rooms:
    """Makes rooms, and the legs of those who call them."""

    def __init__(self, context: Context, medium: Medium, settings: RoomSettings) -> None:
        self._context, self._medium, self._settings = context, medium, settings
        self._unlimited = Networks(context.endpoint.config.trusted_networks)

    def is_room(self, uri: Uri) -> bool:
        """Whether an address is that of a room, there or not yet."""
        own = self._context.config.sip_contact
        here = uri.host == own.host or uri.host in self._settings.domains
        if uri.scheme not in ("sip", "sips") or not here or uri.user in (None, own.user):
            return False
        usual = own.port or 5060
        named = uri.host in self._settings.domains and uri.port is None
        return (named or uri.port == own.port or (uri.port or 5060) == usual) and _ROOM.fullmatch(uri.user) is not None

    def leg_for(self, event: InviteReceived, *, now: float) -> Leg:
        """A place in the room that an INVITE is for, which is made where there is none. Raises NoRoom."""
        config = self._context.config
        if self._context.draining:
            raise NoRoom(503, ErrorId.TOO_MANY_MEETINGS, "this server is being shut down")
        source = source_of(event.flow.remote.host)
        if self._is_greedy(source):
            raise NoRoom(503, ErrorId.TOO_MANY_MEETINGS, "as many calls as one address may have")
        if len(self._context.legs) >= config.max_legs:
            raise NoRoom(503, ErrorId.TOO_MANY_MEETINGS, "no room for another call")
        conference = self._room(event.request.uri, now)
        if len(conference.legs) >= config.max_conference_legs:
            raise NoRoom(486, ErrorId.TOO_MANY_MEETINGS, "this room is full")
        caller, name = self._caller(event, event.flow)
        leg = Leg(
            id=self._context.next_leg_id(),
            conference=conference,
            user=caller.text,
            user_key=user_id(caller.text),
            endpoint=guid(self._context.entropy),
            role=Role.ATTENDEE,
            joining_method=JoiningMethod.DIALED_IN,
            life=LegLife(State.RESERVED),
            created_at=now,
            display_name=name,
            source=source,
        )
        self._context.legs[leg.id] = leg
        conference.add(leg)
        return leg

    def _is_greedy(self, source: str) -> bool:
        if source in self._unlimited:
            return False
        calls = sum(leg.source == source for leg in self._context.legs.values())
        return calls >= self._settings.max_calls_per_source

    def _room(self, uri: Uri, now: float) -> Conference:
        # A room is one, by whichever of our names and addresses its callers reach it.
        text = f"sip:{uri.user}@{self._context.config.sip_contact.host}"
        key = conference_id(text) or text
        found = self._context.conferences.get(key)
        if found is not None:
            return found
        rooms = sum(each.room for each in self._context.conferences.values())
        if rooms >= self._settings.max_rooms or len(self._context.conferences) >= self._context.config.max_conferences:
            raise NoRoom(503, ErrorId.TOO_MANY_MEETINGS, "as many rooms as there may be")
        return open_conference(
            self._context,
            self._medium,
            uri=text,
            key=key,
            mcu_uri=text,
            peer="",
            url="",
            assignment="",
            room=True,
            now=now,
        )

    def _caller(self, event: InviteReceived, flow: Flow) -> tuple[AddressOfRecord, str | None]:
        """Who calls: as a trusted peer asserts it, else as the caller says, which nobody believes for anything."""
        named = event.request.from_
        if flow in self._context.config.trusted_peers:
            named = next(iter(asserted_identities(event.request)), named)
        return AddressOfRecord.read(str(named.uri)), named.display_name
