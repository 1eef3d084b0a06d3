"""What every MCU is, whatever it carries: a core on a SIP endpoint and a C3P machine in one (docs/wire-flow.rst).

It keeps conferences, obeys their Focuses, calls and is called, and reports. What goes on in the legs is its `Medium`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from c3p import (
    Command,
    ConferenceInfo,
    Exchange,
    ExchangeFailure,
    ExchangeOwner,
    Notify,
    Reply,
    Request,
    Response,
)
from mcu.commands.commands import Commands
from mcu.commands.conferences import Conferences
from mcu.commands.row import Row
from mcu.conference import Conference
from mcu.context import Context, Wait
from mcu.events import ConferenceEndCause
from mcu.identity import conference_id
from mcu.leg import Leg
from mcu.legs.dial_in import DialIn
from mcu.legs.dial_out import DialOut
from mcu.legs.doors import Doors, Prompter
from mcu.legs.session_events import Answers, InSession, SessionEvents
from mcu.legs.termination import Termination, disconnection_of
from mcu.medium import Medium
from mcu.outcome import Ending
from mcu.policy import Decision
from mcu.registration import Registrations
from sip import Claim, Event, Flow, internal_fault
from sip import Request as SipRequest

METHODS = ("INVITE", "ACK", "BYE", "CANCEL", "INFO", "UPDATE")  #: the endpoint answers OPTIONS


class ConferencingServer:
    """The base of `Mcu` and `ChatMcu`, which say what they carry.

    After every call drain the endpoint, ``c3p_to_send()`` and ``take_events()``, and read ``next_timeout()`` again.
    """

    def __init__(
        self,
        context: Context,
        medium: Medium,
        termination: Termination,
        in_session: InSession,
        answers: Answers,
        *,
        accept: Sequence[str],
        methods: Sequence[str] = (),
        rows: Mapping[type[Command], Row] = MappingProxyType({}),
        prompter: Prompter | None = None,
    ) -> None:
        """``accept``: types of the bodies that are read; ``methods``: those beside `METHODS` that are served.

        ``rows``: the commands that only this kind of MCU knows. ``prompter`` lets callers wait in front of a door;
        without it nobody gets in who would have to.
        """
        self._context, self._termination = context, termination
        self.unposted = context.exchanges.unposted  #: what `c3p_to_send` gives; always the same list
        self.deadlines = context.deadlines  #: all that has its time
        self.untaken = context.untaken  #: what `take_events` gives; always the same list
        self._dial_out = DialOut(context, medium, termination)
        self._doors = Doors(context, termination, self._dial_out, prompter)
        self._dial_in = DialIn(context, medium, termination, self._dial_out, self._doors)
        commands = Commands(context, medium, termination, self._dial_out, self._dial_in, self._doors, rows)
        self._conferences = Conferences(context, medium, termination, commands)
        self._sessions = SessionEvents(context, termination, self._dial_out, self._dial_in, in_session, answers)
        self._registration = Registrations(context)
        self._load = (0, 0)
        context.endpoint.add_core(
            context.config.owner,
            self._claims,
            claim=Claim.ELEMENT,
            methods=(*METHODS, *methods),
            supported=("timer",),
            accept=tuple(accept),
        )

    @property
    def owner(self) -> str:
        """Name of this core at its endpoint."""
        return self._context.config.owner

    @property
    def conferences(self) -> tuple[str, ...]:
        """Conference-URIs of the conferences that are here."""
        return tuple(conference.uri for conference in self._context.conferences.values())

    def conference(self, uri: str) -> ConferenceInfo | None:
        """The whole state of one conference now, without a version; ``None`` when it is not here."""
        conference = self._context.conferences.get(conference_id(uri) or "")
        return self._context.documents.full(conference) if conference is not None else None

    @property
    def legs(self) -> int:
        """Legs of all conferences."""
        return len(self._context.legs)

    @property
    def legs_by_state(self) -> Mapping[str, int]:
        """How many legs are in each state, by its word in `mcu.leg_state`."""
        return Counter(leg.state.value for leg in self._context.legs.values())

    @property
    def sizes(self) -> dict[str, int]:
        """How much is kept at the moment, as `sip.Endpoint.sizes`."""
        links = (conference.focus_link for conference in self._context.conferences.values())
        return {
            "conferences": len(self._context.conferences),
            "legs": len(self._context.legs),
            "documents": sum(link.waiting for link in links),
        }

    @property
    def counters(self) -> Mapping[str, int]:
        """What was dropped, refused or late, by what it was."""
        return dict(self._context.counters)

    def _claims(self, request: SipRequest, flow: Flow) -> bool:
        own, uri = self._context.config.sip_contact, request.uri
        if self._dial_in.rooms is not None and self._dial_in.rooms.is_room(uri):
            return True
        if uri.scheme not in ("sip", "sips") or uri.host != own.host:
            return False
        if uri.user is None and request.method == "OPTIONS":  # a trunk asks whether anybody is at the address
            return (uri.port or 5060) == (own.port or 5060)
        return (uri.user, uri.port) == (own.user, own.port)

    # Core of the endpoint --------------------------------------------------------------------------------------------

    def handle_event(self, event: Event, *, now: float) -> list[Event]:
        """Act on an event of the endpoint that this core owns."""
        self._sessions.handle(event, now=now)
        return self._done(now)

    def next_timeout(self) -> float | None:
        """When ``handle_timeout`` is due. Audio has a clock of its own: `Mcu.next_tick`."""
        return self._context.deadlines.first

    def handle_timeout(self, *, now: float) -> list[Event]:
        """Do what is due: ring times, ports and calls that did not come, retries, announcements."""
        for key in self._context.deadlines.pop_due(now):
            try:
                if isinstance(key, Conference):
                    self._conferences.focus_link_due(key, now=now)
                elif isinstance(key, tuple):
                    self._waited_in_vain(*key, now)
                else:
                    key.due(now=now)
            except Exception as error:  # what else is due is done all the same
                self._context.emit(internal_fault(error, "handle_timeout", owner=self.owner))
        return self._done(now)

    def take_events(self) -> list[Event]:
        """Events that commands, documents and media caused."""
        return self._context.take_events()

    def _done(self, now: float) -> list[Event]:
        while self._context.empty_rooms:
            room = self._context.empty_rooms.pop()
            if not room.legs and self._context.conferences.get(room.key) is room:
                self._conferences.end(room, ConferenceEndCause.EMPTY, now=now)
        load = (len(self._context.conferences), len(self._context.legs))
        if load != self._load:
            self._load = load
            self._registration.changed(now=now)
        return self._context.take_events() if self.untaken else []

    def _waited_in_vain(self, wait: Wait, leg: Leg, now: float) -> None:
        if wait is Wait.ANSWER:
            self._dial_out.rang_out(leg, now=now)
        elif wait is Wait.DOOR:
            self._doors.due(leg, now=now)
        elif wait is Wait.ARRIVAL:
            self._termination.give_up(leg, disconnection_of(Ending.UNANSWERED, reason="the call did not come"), now=now)

    # Policy ----------------------------------------------------------------------------------------------------------

    def decided(self, pending_id: str, decision: Decision, *, now: float) -> None:
        """What the policy has decided about a call for which it returned `sip.Pending`: allowed, or a refusal.

        Nothing happens when the call has been given up: after ``McuConfig.policy_timeout`` it is a refusal. Raises
        ``LocalError``, with nothing changed, when nothing waits for it or it is to wait again. Then drain all and read
        ``next_timeout``.
        """
        self._dial_out.decided(pending_id, decision, now=now)
        self._keep(self._done(now))

    # C3P over HTTP ---------------------------------------------------------------------------------------------------

    def receive_c3p(self, document: Request | Response | Notify | ConferenceInfo, *, peer: str, now: float) -> Reply:
        """Answer a document of a Focus; ``peer`` is its authenticated principal, empty when there is none.

        Then drain and read ``next_timeout``.
        """
        reply = self._conferences.receive(document, peer=peer, now=now)
        self._keep(self._done(now))
        return reply

    def c3p_to_send(self) -> list[Exchange]:
        """Documents to be posted: notifications and late responses to Focuses, announcements to the Factory."""
        return self._context.exchanges.take()

    def receive_reply(self, exchange_id: int, reply: Reply, *, now: float) -> list[Event]:
        """The answer to an exchange. Then drain and read ``next_timeout``."""
        self._posted(self._context.exchanges.replied(exchange_id, reply, now=now), now)
        return self._done(now)

    def exchange_failed(self, exchange_id: int, reason: ExchangeFailure, *, now: float) -> list[Event]:
        """An exchange that brought no answer. Then drain and read ``next_timeout``."""
        self._posted(self._context.exchanges.failed(exchange_id, reason, now=now), now)
        return self._done(now)

    def _posted(self, owner: ExchangeOwner | None, now: float) -> None:
        if isinstance(owner, Conference):
            self._context.post(owner, now=now)

    # Life ------------------------------------------------------------------------------------------------------------

    def drain(self, *, now: float) -> None:
        """Take nothing new: conferences that are here go on, the Factory and every Focus are told.

        Then drain all and read ``next_timeout``.
        """
        context = self._context
        if not context.draining:
            context.draining = True
            self._registration.changed(now=now)
            for conference in context.conferences.values():
                conference.active = False
                context.notify(conference, context.documents.view_changed(conference), now=now)
        self._keep(self._done(now))

    def close(self, *, now: float) -> None:
        """Drain and end every conference. BYEs and responses still have to be sent after it.

        Then drain all and read ``next_timeout``.
        """
        self.drain(now=now)
        for conference in tuple(self._context.conferences.values()):
            self._conferences.end(conference, ConferenceEndCause.CLOSED, now=now)
        self._keep(self._done(now))

    def _keep(self, events: list[Event]) -> None:
        """What a command of the application caused is taken like everything else: whoever drives the MCU has it."""
        for event in events:
            self._context.emit(event)
