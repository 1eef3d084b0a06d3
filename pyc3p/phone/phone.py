"""The phone itself: a user agent with one line, and what the person or the device at it does with calls."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import attrs

import rtp
import sip
from mcu import LegId, MediaPortReleased, MediaPortWanted
from pyc3p.element import Address, Outgoing, Packet
from pyc3p.phone.config import PhoneConfig
from pyc3p.phone.events import (
    CallEnd,
    PhoneAnswered,
    PhoneHeld,
    PhoneKey,
    PhoneNotRegistered,
    PhoneRegistered,
    PhoneReleased,
    PhoneRinging,
    Reaction,
)
from pyc3p.phone.tone import SilenceSource
from pyc3p.phone.wav import Recorder
from sip import Event

SDP: Final = "application/sdp"

#: An answer that no mixer can use: the address is none, the port is 0 (seen from real clients).
UNUSABLE_SDP: Final = b"v=0\r\no=- 0 0 IN IP4 0.0.0.0\r\ns=-\r\nc=IN IP4 (null)\r\nt=0 0\r\nm=audio 0 TCP/RTP/AVP 0\r\n"

#: Calls of the user agent of a phone with one line: those beside that are refused at once, and told.
_MANY: Final = 1_000

_ENDS: Final = {
    sip.CallEnd.HUNG_UP_HERE: CallEnd.HUNG_UP_HERE,
    sip.CallEnd.HUNG_UP_THERE: CallEnd.HUNG_UP_THERE,
    sip.CallEnd.GIVEN_UP_THERE: CallEnd.CANCELLED,
}


class _Media(rtp.AudioSession):
    """Media whose first offer was read when the call came: the phone does not ring for one that nobody can read."""

    offered: rtp.SessionDescription | None = None

    def receive_offer(self, offer: bytes | rtp.SessionDescription, *, now: float) -> bytes:
        offered, self.offered = self.offered, None
        return super().receive_offer(offered or offer, now=now)


class _UnusableMedia(_Media):
    """Media that answer with a description of nothing."""

    def receive_offer(self, offer: bytes | rtp.SessionDescription, *, now: float) -> bytes:
        super().receive_offer(offer, now=now)
        return UNUSABLE_SDP

    def make_offer(self, *, held: bool | None = None, now: float) -> bytes:
        super().make_offer(held=held, now=now)
        return UNUSABLE_SDP


@attrs.define(eq=False)
class _Line:
    """The call that the phone has, and what happens to it when."""

    call: sip.Call
    leg: LegId
    answer_at: float | None  #: when ringing is over; None: never, or it is
    signalling_encrypted: bool  #: of the hop by which it came
    offered: rtp.SessionDescription | None  #: in the INVITE
    media: _Media | None = None  #: None until the ports are open
    hang_up_at: float | None = None
    heard_at: float = 0.0  #: when anything of the other side came last, while it may speak
    look_at: float | None = None  #: when it is seen whether the other side is still there
    end: CallEnd | None = None  #: how it is told to have ended, where that is settled before
    pressed: rtp.PressedKeys = attrs.Factory(rtp.PressedKeys)  #: on the other side


@attrs.define
class _Appointment:
    """When the next thing is due that the phone does with its line (`sip.Core`, ``deadlines``)."""

    first: float | None = None


class Phone(sip.BaseCore):
    """One phone with one line; ``recorder`` has what it heard."""

    def __init__(
        self,
        endpoint: sip.Endpoint,
        config: PhoneConfig,
        *,
        entropy: sip.Entropy,
        source: rtp.AudioSource | None = None,
        recorder: rtp.AudioSink | None = None,
    ) -> None:
        super().__init__(config.owner)
        self.config = config
        self.reaction = config.reaction  #: to the next call
        self.source: rtp.AudioSource = source or SilenceSource()
        self.recorder: rtp.AudioSink = recorder or Recorder()
        self._endpoint = endpoint
        self._entropy = entropy
        settings = sip.UserAgentConfig(owner=config.owner, accounts=config.account, ring=False, max_calls=_MANY)
        self._agent = sip.UserAgent(endpoint, settings, entropy=entropy)
        self._line: _Line | None = None
        self._appointment = _Appointment()
        self.deadlines = (self._agent.deadlines, self._appointment)  #: all that has its time
        self._legs = 0
        self._last_packets: list[Outgoing] = []  #: of the call that has just ended

    @property
    def state(self) -> sip.CallState | None:
        """Of the present call; None when there is none."""
        return self._line.call.state if self._line else None

    @property
    def may_hold(self) -> bool:
        """Whether there is a call that could be held, or taken back, now."""
        return self._line is not None and self._line.call.may_hold

    @property
    def counters(self) -> rtp.MediaCounters | None:
        """Of the audio of the present call; None when there is none."""
        line = self._line
        return None if line is None or line.media is None else line.media.counters

    # Commands --------------------------------------------------------------------------------------------------------

    def register(self, *, now: float) -> None:
        """Register, and go on doing so; PhoneRegistered or PhoneNotRegistered follows each time."""
        if self.config.registrar is not None:
            self._agent.register(now=now)

    def unregister(self, *, now: float) -> None:
        """Take the registration back."""
        if self.config.registrar is not None:
            self._agent.unregister(now=now)

    def answer(self, *, now: float) -> None:
        """Take the call that rings now, whatever the reaction; nothing happens when none does."""
        if self.state is sip.CallState.RINGING and self._line is not None:
            self._line.answer_at = now
            self._answer_when_due(self._line, now)
            self._follow(now)

    def hang_up(self, *, now: float) -> None:
        """End the present call, or decline it while it rings; nothing happens when there is none."""
        if self._line is not None:
            self._end(self._line, CallEnd.HUNG_UP_HERE, now)

    def _end(self, line: _Line, end: CallEnd, now: float) -> None:
        line.end = end
        line.call.hang_up(now=now)
        self._follow(now)

    def hold(self, held: bool, *, now: float) -> None:
        """Hold the call, or take it back; PhoneHeld follows when that is agreed. Raises when there is no call."""
        if self._line is None:
            raise sip.LocalProtocolError("there is no call that could be held now")
        self._line.call.hold(held, now=now)

    # Core ------------------------------------------------------------------------------------------------------------

    def handle_event(self, event: Event, *, now: float) -> list[Event]:
        """Act on an event of the endpoint."""
        if self._line is not None and not _may_speak(self._line):
            self._line.heard_at = now  # this may be the end of a hold: its silence does not count
        encrypted = isinstance(event, sip.InviteReceived) and event.flow.transport == "TLS"
        self._told(self._agent.handle_event(event, now=now), now, signalling_encrypted=encrypted)
        return self.take_events()

    def next_timeout(self) -> float | None:
        """When ``handle_timeout`` is due."""
        return sip.first_due(*(each.first for each in self.deadlines))

    def _plan(self) -> None:
        """Note when something is due, after what may change that."""
        line = self._line
        if line is None:
            self._appointment.first = None
        else:
            # Ringing may be over before the ports are open: then the ports are waited for.
            answer_at = line.answer_at if line.media is not None else None
            self._appointment.first = sip.first_due(answer_at, line.hang_up_at, line.look_at)

    def handle_timeout(self, *, now: float) -> list[Event]:
        """Answer, hang up, register again."""
        self._told(self._agent.handle_timeout(now=now), now)
        if self._line is not None:
            self._answer_when_due(self._line, now)
            self._follow(now)
        if self._line is not None and self._line.hang_up_at is not None and self._line.hang_up_at <= now:
            self.hang_up(now=now)
        if self._line is not None and self._line.look_at is not None and self._line.look_at <= now:
            self._look(self._line, self._line.look_at, now)
        return self.take_events()

    def _look(self, line: _Line, due: float, now: float) -> None:
        """See whether the other side is still there: it may have died, and nobody says BYE for it."""
        patience = self.config.dead_media
        assert patience is not None
        if not _may_speak(line):
            line.heard_at = due
        elif line.heard_at + patience <= due:  # the same sum as below: rounding must not put the timer before the end
            self._end(line, CallEnd.SILENT, now)
            return
        line.look_at = line.heard_at + patience
        self._plan()

    def _follow(self, now: float) -> None:
        """After commands to the user agent: take what they caused."""
        self._told(self._agent.take_events(), now)

    def _told(self, events: Iterable[Event], now: float, *, signalling_encrypted: bool = False) -> None:
        for event in events:
            match event:
                case sip.CallReceived():
                    self._called(event.call, now, signalling_encrypted)
                case sip.CallAnswered():
                    self.untaken.append(PhoneAnswered(owner=self.owner, caller=str(event.call.remote.uri)))
                case sip.CallEnded():
                    self._ended(event)
                case sip.HoldChanged():
                    self.untaken.append(PhoneHeld(owner=self.owner, held=event.held))
                case sip.KeyPressed():
                    self._key(event.digit, rtp.KeyWay.INFO, now)
                case sip.Registered():
                    self.untaken.append(PhoneRegistered(owner=self.owner, expires=event.expires))
                case sip.RegistrationFailed() if event.again_at is not None:
                    self.untaken.append(PhoneNotRegistered(owner=self.owner, status=event.status))
                case _:
                    pass

    # Calls -----------------------------------------------------------------------------------------------------------

    def _called(self, call: sip.Call, now: float, signalling_encrypted: bool) -> None:
        refused, offered = self._judge(), None
        if refused is None:
            try:
                offered = _offer_of(call)
            except rtp.RtpError:
                refused = sip.BodyRefusal(400)
        if refused is not None:
            call.refuse(refused.status, headers=refused.headers, now=now)
            self._follow(now)
            return
        self._legs += 1
        answer_at = None if self.reaction is Reaction.IGNORE else now + self.config.ring_time
        self._line = _Line(call, LegId(self._legs), answer_at, signalling_encrypted, offered)
        call.ring(now=now)
        caller = call.remote
        self.untaken.append(PhoneRinging(owner=self.owner, caller=str(caller.uri), caller_name=caller.display_name))
        self.untaken.append(MediaPortWanted(owner=self.owner, leg=self._line.leg))

    def _judge(self) -> sip.BodyRefusal | None:
        """How any call is refused at once, None when it may ring."""
        if self._line is not None or self.reaction is Reaction.BUSY:
            return sip.BodyRefusal(486)
        if self.reaction is Reaction.DECLINE:
            return sip.BodyRefusal(603)
        if self.reaction is Reaction.REDIRECT:
            target = self.config.forward_to
            if target is None:
                return sip.BodyRefusal(480)
            return sip.BodyRefusal(302, (("Contact", str(sip.NameAddr(target))),))
        return None

    def _answer_when_due(self, line: _Line, now: float) -> None:
        if line.answer_at is None or line.answer_at > now or line.media is None:
            self._plan()
            return
        line.answer_at = None
        line.call.answer(line.media, now=now)
        line.hang_up_at = None if self.config.hang_up_after is None else now + self.config.hang_up_after
        line.heard_at = now
        line.look_at = None if self.config.dead_media is None else now + self.config.dead_media
        self._plan()

    def _ended(self, event: sip.CallEnded) -> None:
        line = self._line
        if line is None or line.call is not event.call:  # it was refused at once
            self.untaken.append(PhoneReleased(owner=self.owner, end=CallEnd.REFUSED, talked_for=0.0))
            return
        self._line = None
        self._plan()
        if line.media is not None:
            self._last_packets = [(line.leg, *packet) for packet in line.media.data_to_send()]
        end = line.end or _ENDS.get(event.cause, CallEnd.FAILED)
        self.untaken.append(PhoneReleased(owner=self.owner, end=end, talked_for=event.talked_for))
        self.untaken.append(MediaPortReleased(owner=self.owner, leg=line.leg))

    # Media -----------------------------------------------------------------------------------------------------------

    def media_opened(self, leg: LegId, *, rtp: Address, rtcp: Address, advertised: str, now: float) -> list[Event]:
        """The ports of the call are open."""
        line = self._line
        if line is not None and line.leg == leg:
            capabilities = self._offered(line)
            if capabilities is None:
                self._fail(line, 488, now)
            else:
                made = _UnusableMedia if self.reaction is Reaction.UNUSABLE_MEDIA else _Media
                line.media = made(
                    capabilities,
                    address=advertised,
                    port=rtp[1],
                    rtcp_port=rtcp[1],
                    source=self.source,
                    sink=self.recorder,
                    entropy=self._entropy,
                )
                line.media.offered = line.offered
                self._answer_when_due(line, now)
                self._follow(now)
        return self.take_events()

    def _offered(self, line: _Line) -> rtp.Capabilities | None:
        """What the call may have; None when it must have keys that we would have to tell where others can read them."""
        capabilities, level = self.config.capabilities, self.config.capabilities.encryption
        if line.offered is not None or line.signalling_encrypted or level is rtp.Encryption.REJECTED:
            return capabilities
        if level is rtp.Encryption.REQUIRED:
            return None
        return attrs.evolve(capabilities, encryption=rtp.Encryption.REJECTED)

    def _fail(self, line: _Line, status: int, now: float) -> None:
        line.end = CallEnd.FAILED
        line.call.refuse(status, now=now)
        self._follow(now)

    def media_failed(self, leg: LegId, reason: str, *, now: float) -> list[Event]:
        """There are no ports for the call: it is refused."""
        if self._line is not None and self._line.leg == leg:
            self._fail(self._line, 500, now)
        return self.take_events()

    def _key(self, digit: str, way: rtp.KeyWay, now: float) -> None:
        if self._line is not None and self._line.pressed.is_press(digit, way, now=now):
            self.untaken.append(PhoneKey(owner=self.owner, digit=digit))

    def receive_media(self, batch: Sequence[Packet]) -> list[Event]:
        """Packets that arrived."""
        line = self._line
        for leg, kind, data, source, arrival in batch:
            if line is not None and line.leg == leg and line.media is not None:
                line.heard_at = max(line.heard_at, arrival)
                for event in line.media.receive(kind, data, source, now=arrival):
                    if isinstance(event, rtp.TelephoneEventStarted):
                        self._key(event.digit or str(event.event), rtp.KeyWay.RTP, arrival)
        return self.take_events()

    def tick(self, now: float) -> list[Outgoing]:
        """Audio of 20 ms, and the last packets of a call that is over."""
        out, self._last_packets = self._last_packets, []
        line = self._line
        if line is not None and line.media is not None:
            line.media.handle_timeout(now=now)
            out += [(line.leg, *packet) for packet in line.media.data_to_send()]
        return out

    def next_tick(self) -> float | None:
        """When ``tick`` is due; at once when the last packets of a call wait."""
        if self._last_packets:
            return 0.0
        line = self._line
        return None if line is None or line.media is None else line.media.next_timeout()


def _may_speak(line: _Line) -> bool:
    """Whether packets of the other side are to be expected: nobody holds the call."""
    agreed = line.media.agreement if line.media is not None else None
    return agreed is not None and agreed.direction is rtp.Direction.SENDRECV and not agreed.held


def _offer_of(call: sip.Call) -> rtp.SessionDescription | None:
    """The offer in the INVITE, None when there is none. Raises RtpError."""
    assert call.invite is not None
    body = sip.body_of(call.invite, SDP)
    return rtp.SessionDescription.parse(body) if body else None
