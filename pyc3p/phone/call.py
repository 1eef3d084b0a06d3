"""The one call of a phone: its states, its descriptions, its audio."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Final

import attrs

import sip
from mcu import LegId
from pyc3p.phone.audio import PhoneAudio
from rtp import Agreement, Direction, LocalRtpError, OfferAnswerSession, SessionDescription


class CallState(enum.Enum):
    """How far the call is."""

    __hash__ = object.__hash__

    RINGING = "ringing"  #: 180 is out
    ANSWERING = "answering"  #: 200 is out, no ACK yet
    TALKING = "talking"
    OVER = "over"


class CallInput(enum.Enum):
    """What moves a call."""

    __hash__ = object.__hash__

    ANSWER = "answer"
    CONFIRM = "confirm"
    END = "end"


CALL: Final[Mapping[tuple[CallState, CallInput], CallState]] = {
    (CallState.RINGING, CallInput.ANSWER): CallState.ANSWERING,
    (CallState.RINGING, CallInput.END): CallState.OVER,
    (CallState.ANSWERING, CallInput.CONFIRM): CallState.TALKING,
    (CallState.ANSWERING, CallInput.END): CallState.OVER,
    (CallState.TALKING, CallInput.END): CallState.OVER,
}


@attrs.define(eq=False, kw_only=True)
class Call:
    """A call that came in."""

    session: sip.SessionId
    leg: LegId
    caller: sip.NameAddr
    offer: SessionDescription | None  #: None: the INVITE had none, so the phone makes one
    answer_at: float | None  #: when ringing is over; None: never
    signalling_encrypted: bool = False  #: of the hop by which it came
    life: sip.Life[CallState, CallInput] = attrs.field(factory=lambda: sip.Life(CALL, CallState.RINGING))
    media: OfferAnswerSession | None = None  #: None until the ports are open
    audio: PhoneAudio | None = None  #: None until both descriptions are known
    answered_at: float | None = None
    hang_up_at: float | None = None
    hold_wanted: bool = False
    hold_request: sip.RequestId | None = None  #: a re-INVITE of ours that is open

    @property
    def state(self) -> CallState:
        """How far the call is."""
        return self.life.state

    def move(self, given: CallInput) -> bool:
        """Take an input; False when it means nothing in this state."""
        return self.life.follow(given)

    def description(self) -> tuple[SessionDescription, Agreement | None]:
        """Our description for the 200: the answer, or an offer when the INVITE had none; raises RtpError."""
        media = self._media()
        if self.offer is None:
            return media.make_offer(), None
        return media.receive_offer(self.offer)

    def reoffered(self, body: bytes) -> tuple[SessionDescription, Agreement | None]:
        """Our description for a re-INVITE or UPDATE; raises RtpError."""
        media = self._media()
        if body:
            return media.receive_offer(SessionDescription.parse(body))
        if media.local is None:
            raise LocalRtpError("nothing was agreed yet")
        return media.local, None

    def hold_offer(self, held: bool) -> bytes:
        """The offer that holds the call, or takes it back; raises RtpError."""
        self.hold_wanted = held
        direction = Direction.SENDONLY if held else Direction.SENDRECV
        return bytes(self._media().make_offer(direction=direction))

    def answered(self, body: bytes) -> Agreement:
        """The answer to an offer of ours; raises RtpError."""
        return self._media().receive_answer(SessionDescription.parse(body))

    def refused(self) -> None:
        """An offer of ours was refused: all stays as it was."""
        self.hold_request = None
        self._media().roll_back()

    def _media(self) -> OfferAnswerSession:
        if self.media is None:
            raise LocalRtpError("the ports are not open yet")
        return self.media
