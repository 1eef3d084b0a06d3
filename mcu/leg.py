"""What an MCU knows of one leg."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from c3p import Request, Status
from mcu.door import Door
from mcu.events import About, LegId
from mcu.leg_state import ROSTER_STATUS, Input, LegLife, State
from mcu.media_policy import MediaTerms
from mcu.outcome import Ending
from rtp import Direction, Encryption, MediaStream, OfferAnswerSession, PressedKeys
from sip import AddressOfRecord, NameAddr, Replaces, SessionId, Uri

if TYPE_CHECKING:
    from mcu.conference import Conference
    from mcu.plane.line import Line


@attrs.frozen(kw_only=True)
class MediaAddress:
    """The ports that the application opened for a leg."""

    rtp_port: int
    rtcp_port: int
    advertised: str  #: address that goes into SDP


@attrs.frozen(kw_only=True)
class Attempt:
    """One address to call, as the gateway table and the policy settled it."""

    target: Uri
    route: tuple[NameAddr, ...] = ()
    caller: Uri | None = None  #: identity that the trunk wants instead of the conference's
    asserted: Uri | None = None  #: identity that is asserted there instead of that of whoever asked for the call
    #: Whether somebody vouches for who answers: a proxy, or a gateway of ours. A phone asserts whatever it likes.
    vouched_for: bool = False
    terms: MediaTerms = MediaTerms()
    #: Levels of encryption of our offer, to be tried in turn: the first is what is offered now.
    forms: tuple[Encryption, ...] = (Encryption.REJECTED,)

    @property
    def next_form(self) -> Attempt | None:
        """The same with the next form of our offer; ``None`` when there is none."""
        return attrs.evolve(self, forms=self.forms[1:]) if self.forms[1:] else None


@attrs.frozen(kw_only=True)
class Disconnection:
    """Why a leg ends: what roster, response and event will say."""

    ending: Ending | None = None  #: ``None`` for a leg that was connected
    method: str
    status: int | None = None
    reason: str | None = None
    diagnostics: str | None = None
    error_id: int | None = None
    by: str | None = None  #: URI of who ejected it


@attrs.define(eq=False, kw_only=True)
class Leg:
    """One attachment of a participant. Only the parts of this package change it."""

    id: LegId
    conference: Conference
    user: str  #: URI in the roster
    user_key: str  #: see ``user_id``
    endpoint: str  #: GUID in the roster
    role: str
    joining_method: str
    life: LegLife
    created_at: float
    display_name: str | None = None
    endpoint_uri: str | None = None  #: address called, when it is not ``user``
    replaces: Replaces | None = None  #: the dialog that its call takes over
    originator: AddressOfRecord | None = None  #: who had it added, as the Focus authenticated it
    request: Request | None = None  #: the ``addUser`` that still waits for its final response
    correlation: str = ""  #: name of the command that it came from, as the Focus gave it
    call_id: str = ""  #: of its session
    attempt: Attempt | None = None
    terms: MediaTerms = MediaTerms()  #: of its media
    more_attempts: list[Attempt] = attrs.Factory(list)  #: other targets of a redirection
    redirects: int = 0
    alerted: bool = False
    invited_at: float | None = None
    connected_at: float | None = None
    session: SessionId | None = None
    #: What the call of a dial-in that was announced has to show, once; empty for every other leg.
    reservation: str = attrs.field(default="", repr=False)
    door: Door | None = None  #: that it is in front of, or will be when its call comes; ``None``: it goes straight in
    source: str = ""  #: address of a caller that came to a room by itself, see `sip.source_of`
    offer: bytes = attrs.field(default=b"", repr=False)  #: SDP of the INVITE of a dial-in
    signalling_encrypted: bool = False  #: of the hop by which that came
    accepted: bool = False  #: its dial-in was answered with 200
    ports: MediaAddress | None = None
    negotiation: OfferAnswerSession | None = None
    line: Line | None = None  #: its sound, once it has any
    pressed: PressedKeys = attrs.Factory(PressedKeys)
    direction: Direction = Direction.SENDRECV  #: of the audio, as we see it
    media_id: str = "1"
    ingress_blocked: bool = False
    egress_blocked: bool = False
    held_here: bool = False  #: put on hold by this MCU
    gains: tuple[float, float] = (1.0, 1.0)  #: for what it says, and for what it hears
    asserted_identity: str | None = None
    #: SDP in provisional answers, by To tag: a gateway may leave it out of the 2xx then (RFC 3262 section 5).
    early_answers: dict[str | None, bytes] = attrs.field(factory=dict, repr=False)
    disconnection: Disconnection | None = None
    alive_at: float = 0.0  #: when the far end last gave a sign of life by SIP
    doubted_at: float | None = None  #: when it was first asked whether it is there, since it last gave one of any kind
    unproven: int = 0  #: answers since then that may have been made on the way

    @property
    def own(self) -> bool:
        """Whether somebody had itself added."""
        return self.originator is not None and self.originator.key == self.user_key

    @property
    def state(self) -> State:
        return self.life.state

    @property
    def status(self) -> str:
        """Roster status; a call that goes on to another address after ringing stays ``alerting``.

        Who is in front of a door is expected, and not there yet (RFC 4575 section 5.7.4).
        """
        if self.at_door:
            return Status.PENDING
        if self.state is State.INVITING and self.alerted:
            return ROSTER_STATUS[State.RINGING]
        if self.held_here and self.connected:
            return ROSTER_STATUS[State.HELD]
        return ROSTER_STATUS[self.state]

    @property
    def dialing(self) -> bool:
        return self.state in (State.OPENING, State.INVITING, State.RINGING)

    @property
    def connected(self) -> bool:
        return self.state in (State.CONNECTED, State.HELD)

    @property
    def at_door(self) -> bool:
        """Whether its call is up, and it is not in the mix yet."""
        return self.door is not None and self.connected

    @property
    def stream(self) -> MediaStream | None:
        """Its audio stream, once it has one."""
        return None if self.line is None else self.line.stream

    @property
    def source_id(self) -> int:
        """Number of its audio in CSRC lists and in the roster (MS-CONFAV: a media source id)."""
        return self.id

    def about(self, owner: str) -> About:
        """The part that all events about it have in common."""
        return About(
            owner=owner,
            leg=self.id,
            conference=self.conference.uri,
            user=self.user,
            endpoint=self.endpoint,
            call_id=self.call_id,
            correlation=self.correlation,
        )

    def allows(self, event: Input) -> bool:
        return self.life.allows(event)
