"""What the parts of one MCU share: its endpoint, settings, tables and deadlines."""

from __future__ import annotations

import enum
from collections import Counter
from collections.abc import Hashable
from typing import TYPE_CHECKING, Protocol

from c3p import ConferenceInfo, ExchangeOwner, Exchanges, Response, format_timestamp
from mcu.conference import Conference
from mcu.config import ConferencingServerConfig
from mcu.documents import Documents
from mcu.events import LegId
from mcu.kind import Kind
from mcu.leg import Leg
from mcu.policy import DialOutPolicy
from sip import Deadlines, Entropy, Event, SessionId, first_due

if TYPE_CHECKING:
    from sip import Endpoint


class Wait(enum.Enum):
    """What a leg waits for."""

    __hash__ = object.__hash__

    PORT = "port"
    ANSWER = "answer"
    ARRIVAL = "arrival"  #: the INVITE of a dial-in that was announced
    MEDIA = "media"  #: packets of its far end, or the answer to the question whether that is there


class Prompt(Hashable, Protocol):
    """A part of the MCU that has a deadline of its own in `Context.deadlines`."""

    def due(self, *, now: float) -> None:
        """Its deadline is here; it has none any more until it sets one."""
        ...


class Context:
    """Owned by a `ConferencingServer`; every part is given it."""

    def __init__(
        self,
        endpoint: Endpoint,
        config: ConferencingServerConfig,
        *,
        kind: Kind,
        entropy: Entropy,
        policy: DialOutPolicy,
    ) -> None:
        self.endpoint, self.config, self.entropy, self.policy = endpoint, config, entropy, policy
        self.kind = kind
        self.documents = Documents(kind, lambda at: format_timestamp(endpoint.wall_clock + at))
        self.exchanges: Exchanges[ExchangeOwner] = Exchanges()
        self.deadlines: Deadlines[tuple[Wait, Leg] | Conference | Prompt] = Deadlines()
        self.conferences: dict[str, Conference] = {}
        self.legs: dict[LegId, Leg] = {}
        self.sessions: dict[SessionId, Leg] = {}
        self.counters: Counter[str] = Counter()
        self.draining = False
        self.untaken: list[Event] = []  #: what `take_events` gives; always the same list
        self._last_leg = 0

    def emit(self, event: Event) -> None:
        """Report to the application."""
        self.untaken.append(event)

    def take_events(self) -> list[Event]:
        taken = self.untaken[:]
        self.untaken.clear()
        return taken

    def next_leg_id(self) -> LegId:
        self._last_leg += 1
        return LegId(self._last_leg)

    def bind(self, leg: Leg, session: SessionId) -> None:
        """Events of ``session`` are about ``leg`` from now on."""
        if leg.session is not None:
            self.sessions.pop(leg.session, None)
        leg.session = session
        self.sessions[session] = leg

    # To the Focus of a conference ------------------------------------------------------------------------------------

    def notify(self, conference: Conference, document: ConferenceInfo, *, now: float) -> None:
        """Report one change, given as a partial document without version."""
        conference.focus_link.notify(document)
        self.post(conference, now=now)

    def respond(self, conference: Conference, response: Response, *, now: float) -> None:
        """Send a response to a command that was answered ``pending``."""
        conference.focus_link.respond(response)
        self.post(conference, now=now)

    def respond_ejected(self, conference: Conference, *, now: float) -> None:
        """Answer every ``deleteUser`` whose legs are all gone."""
        for response in conference.ejected():
            self.respond(conference, response, now=now)

    def answer(self, leg: Leg, response: Response, *, now: float) -> None:
        """Send the final response to the command that the leg came from, and forget the command."""
        leg.request = None
        self.respond(leg.conference, response, now=now)

    def post(self, conference: Conference, *, now: float) -> None:
        """Post the next document to the Focus, if one may be posted now."""
        link = conference.focus_link
        document = link.document_to_send(lambda version: self.documents.full(conference, version), now=now)
        if document is not None:
            timeout, peer = link.answer_timeout, conference.peer
            self.exchanges.post(link.url, document, owner=conference, timeout=timeout, peer=peer)
        self.schedule(conference)

    def schedule(self, conference: Conference) -> None:
        """Have the link of a conference called when it wants to be."""
        orphaned_at = conference.orphaned_at(self.config.orphan_timeout)
        self.deadlines.set(conference, first_due(conference.focus_link.next_timeout(), orphaned_at))
