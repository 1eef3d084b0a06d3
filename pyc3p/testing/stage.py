"""A conference with one element in it that is judged: people, phones, what they did, and all that was sent."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import attrs

import c3p
import focus
from pyc3p.elements.farm import Builder, FarmPlan, Handset, Person
from pyc3p.phone import Reaction
from pyc3p.roster import short_uri
from pyc3p.simnet import Conditions, Meeting, Passing
from pyc3p.simulate.ear import Ear, Voice
from sip import CallState, Event, LocalProtocolError, RemoteProtocolError, Request, Response, body_of, parse_message
from sip.testing import Finding, Force, Passage

#: Who presents, who attends, and who joins later; each once over the transports that clients use.
PRESENTER: Final = "ann"
ATTENDEE: Final = "ben"
LATECOMER: Final = "cat"
#: Phones with what they do, and the tone that each says.
TONES: Final[Mapping[str, int]] = {"dan": 400, "eve": 700}
BUSY: Final = "hal"
_PLAN: Final = FarmPlan(
    people=(
        Person(name=PRESENTER, user="ann", display_name="Ann"),
        Person(name=ATTENDEE, user="ben", display_name="Ben", transport="udp"),
        Person(name=LATECOMER, user="cat", display_name="Cat"),
    ),
    handsets=(
        *(
            Handset(name=f"phone-{user}", user=user, source=Voice(tone), ring_time=0.4, dead_media=None)
            for user, tone in TONES.items()
        ),
        Handset(name=f"phone-{BUSY}", user=BUSY, reaction=Reaction.BUSY),
    ),
)
#: No chance in it: what happens depends on the cases alone.
_CALM: Final = Conditions(jitter=0.0, split=0.0)
#: Sound in 0.2 of two seconds, so that a conference costs little and who hears whom is heard all the same.
_SOUND: Final = (0.2, 2.0)
#: Seconds in which what was commanded has an end, where nobody is silent.
PATIENCE: Final = 40.0


@attrs.frozen
class Sent:
    """Something that crossed the network."""

    at: float
    passing: Passing


@attrs.frozen
class Told:
    """That something was commanded about somebody."""

    number: int
    at: float


@attrs.define(eq=False)
class Commanded:
    """A command that was given, and what came of it."""

    name: str  #: of the case
    by: str
    command: focus.CommandId
    at: float
    number: int  #: among all commands
    ended: list[focus.CommandSucceeded | focus.CommandFailed] = attrs.Factory(list)
    on_success: Callable[[], None] | None = None  #: looks whether it is so, at the moment of the success
    forbidden: bool = False  #: whether it may not succeed


class Stage:
    """Everybody in a conference, in virtual time."""

    def __init__(self, replace: Mapping[str, Builder] | None = None) -> None:
        self.meeting = Meeting(_PLAN, seed=1, conditions=_CALM, replace=replace)
        self.network = self.meeting.network
        self.network.sound = _SOUND
        self.network.middle = self._pass
        self.sent: list[Sent] = []
        self.given: list[Commanded] = []
        self.findings: list[Finding] = []
        self.found_by: list[str] = []
        self.case = "the beginning"
        self.notes: list[tuple[float, str]] = []  #: what was done, for the story
        self.over = False  #: whether the conference was ended
        self.told: dict[str, Told] = {}  #: what was commanded last about a phone, a person or the lock
        self._number = 0
        self.ears = {user: Ear(lambda: self.network.now) for user in TONES}
        for user, ear in self.ears.items():
            self.meeting.phone(f"phone-{user}").recorder = ear
        for name in (PRESENTER, ATTENDEE, LATECOMER):
            self.meeting.host(name).on_event = lambda event, name=name: self._told(name, event)

    def begin(self) -> None:
        """Phones register, Ann creates the conference and presents, Ben attends; both follow."""
        meeting = self.meeting
        meeting.register_phones()
        client = meeting.client(PRESENTER)
        client.create_conference(subject="A meeting that is judged", now=self.network.now)
        meeting.sim.kick(PRESENTER)
        meeting.uri = meeting.wait_for(PRESENTER, focus.ConferenceCreated).conference_uri
        for name in (PRESENTER, ATTENDEE):
            meeting.join(name)

    # What happens ----------------------------------------------------------------------------------------------------

    def _pass(self, passing: Passing) -> bytes:
        self.sent.append(Sent(self.network.now, passing))
        return passing.data

    def _told(self, name: str, event: Event) -> None:
        if not isinstance(event, focus.CommandSucceeded | focus.CommandFailed):
            return
        given = next((each for each in self.given if (each.by, each.command) == (name, event.command)), None)
        if given is None:
            return
        self.case = given.name
        given.ended.append(event)
        if isinstance(event, focus.CommandSucceeded):
            if given.forbidden:
                clause = "who may not do something is refused"
                self.blame("C3P, roles", Force.OURS, clause, f"{name} did: {given.name}")
            elif given.on_success is not None:
                given.on_success()

    def note(self, text: str) -> None:
        """Write down what is done now."""
        self.notes.append((self.network.now, text))

    def blame(self, source: str, force: Force, clause: str, seen: str, *messages: object) -> None:
        """Note that something is not as it has to be."""
        self.add(Finding(source=source, force=force, clause=clause, seen=seen, messages=messages))

    def add(self, *findings: Finding) -> None:
        """Note findings of judges."""
        self.findings += findings
        self.found_by += [self.case] * len(findings)

    def give(
        self,
        by: str,
        text: str,
        give: Callable[[focus.Client, float], focus.CommandId],
        *,
        on_success: Callable[[], None] | None = None,
        forbidden: bool = False,
        about: str = "",
    ) -> Commanded | None:
        """Give a command; None when the client itself does not allow it."""
        client = self.meeting.client(by)
        if client.state is not focus.ClientState.JOINED:
            return None
        try:
            command = give(client, self.network.now)
        except (LocalProtocolError, focus.LocalProtocolError):
            return None
        self.note(f"{by} {text}")
        self.tell(about)
        given = Commanded(self.case, by, command, self.network.now, self._number)
        given.on_success, given.forbidden = on_success, forbidden
        self.given.append(given)
        self.meeting.sim.kick(by)
        return given

    @property
    def next_number(self) -> int:
        """The number of the next command."""
        return self._number + 1

    def tell(self, about: str) -> None:
        """Count a command, and note what it is about."""
        self._number += 1
        self.told[about] = Told(self._number, self.network.now)

    def later(self, seconds: float, look: Callable[[], None]) -> None:
        """Look at something in so many seconds."""
        case = self.case

        def act() -> None:
            self.case = case
            look()

        self.network.clock.after(seconds, act)

    # Looking ---------------------------------------------------------------------------------------------------------

    def aor(self, user: str) -> str:
        """The address of a user."""
        return self.meeting.sim.farm.aor(user)

    def phone_state(self, user: str) -> str:
        """How far the call of a phone is, in a word."""
        state = self.meeting.phone(f"phone-{user}").state
        return "idle" if state is None else state.value

    def has_joined(self, name: str) -> bool:
        """Whether a client is in the conference."""
        return self.meeting.client(name).state is focus.ClientState.JOINED

    def talks(self, user: str) -> bool:
        """Whether the phone of a user is in a call."""
        return self.meeting.phone(f"phone-{user}").state is CallState.TALKING

    def is_idle(self, user: str) -> bool:
        """Whether it is in none."""
        return self.meeting.phone(f"phone-{user}").state in (None, CallState.OVER)

    def endpoint_of(self, by: str, user: str) -> str | None:
        """The audio endpoint of a user, as a client sees it."""
        roster = self.meeting.client(by).roster
        for each in roster.users.users if roster is not None and roster.users is not None else ():
            if each.entity == self.aor(user):
                for endpoint in each.endpoints:
                    if endpoint.session_type == c3p.SessionType.AUDIO_VIDEO and endpoint.status == "connected":
                        return endpoint.entity
        return None

    def passages(self) -> list[Passage]:
        """All SIP that was sent, as judges take it."""
        found = []
        for each in self.sent:
            message = read_message(each.passing) if each.passing.layer == "sip" else None
            if message is not None:
                transport = "UDP" if each.passing.stream is None else "TCP"
                found.append(
                    Passage(
                        at=each.at,
                        sender=each.passing.sender,
                        receiver=each.passing.receiver,
                        message=message,
                        transport=transport,
                        arrived=True,
                    )
                )
        return found

    def story(self) -> str:
        """What was done, and what was sent, one line each."""
        lines = [(at, f"{at:9.3f}  * {text}") for at, text in self.notes]
        lines += [(each.at, f"{each.at:9.3f}  {_line(each.passing)}") for each in self.sent]
        return "\n".join(line for _, line in sorted(lines, key=lambda each: each[0]))


def read_message(passing: Passing) -> Request | Response | None:
    """The SIP message that was sent, None for a keep-alive."""
    try:
        return parse_message(passing.data)
    except RemoteProtocolError:
        return None


def read_document(passing: Passing) -> c3p.Request | c3p.Response | c3p.Notify | c3p.ConferenceInfo | None:
    """The C3P document in something that was sent, None where there is none."""
    data: bytes | None = passing.data
    if passing.layer == "sip":
        message = read_message(passing)
        if message is None:
            return None
        data = next((found for kind in _TYPES if (found := body_of(message, kind))), None)
    try:
        return c3p.parse_document(data) if data else None
    except c3p.C3PError:
        return None


_TYPES: Final = (c3p.CCCP_TYPE, "application/conference-info+xml")


def _line(passing: Passing) -> str:
    way = f"{passing.sender} -> {passing.receiver or '?'}"
    document = read_document(passing)
    what = type(document).__name__ if document is not None else ""
    match document:
        case c3p.Request():
            what = f"{document.command.name}, request {document.request_id}"
        case c3p.Response():
            what = f"{document.code.value}, response {document.request_id}"
        case c3p.ConferenceInfo():
            users = document.users.users if document.users is not None else ()
            what = f"roster {document.version} {document.state}: {', '.join(short_uri(each.entity) for each in users)}"
    message = read_message(passing) if passing.layer == "sip" else None
    if isinstance(message, Request):
        head = f"{message.method} ({message.headers.get('CSeq')})"
    elif isinstance(message, Response):
        head = f"{message.status} {message.reason} ({message.headers.get('CSeq')})"
    else:
        head = passing.layer.upper()
    return f"{way:26}  {head}{f': {what}' if what else ''}"
