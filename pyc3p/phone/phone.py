"""The phone itself: a core on an endpoint and a media machine, without I/O."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import attrs

import sip
from mcu import LegId, MediaPortReleased, MediaPortWanted
from pyc3p.element import Address, Outgoing, Packet
from pyc3p.phone.audio import AudioSink, AudioSource, PhoneAudio
from pyc3p.phone.call import Call, CallInput, CallState
from pyc3p.phone.config import PhoneConfig
from pyc3p.phone.events import CallEnd, PhoneAnswered, PhoneHeld, PhoneKey, PhoneReleased, PhoneRinging, Reaction
from pyc3p.phone.registration import Registration
from pyc3p.phone.tone import SilenceSource
from pyc3p.phone.wav import Recorder
from rtp import (
    DTMF_TYPES,
    Agreement,
    DtmfInfo,
    Encryption,
    LocalRtpError,
    MediaCounters,
    OfferAnswerSession,
    RtpError,
    SessionDescription,
)
from sip import Event

SDP: Final = "application/sdp"
METHODS: Final = ("INVITE", "ACK", "CANCEL", "BYE", "UPDATE", "INFO", "NOTIFY", "MESSAGE")  #: OPTIONS: the endpoint

#: An answer that no mixer can use: the address is none, the port is 0 (seen from real clients).
UNUSABLE_SDP: Final = b"v=0\r\no=- 0 0 IN IP4 0.0.0.0\r\ns=-\r\nc=IN IP4 (null)\r\nt=0 0\r\nm=audio 0 TCP/RTP/AVP 0\r\n"


class Phone:
    """One phone with one line; ``recorder`` has what it heard."""

    def __init__(
        self,
        endpoint: sip.Endpoint,
        config: PhoneConfig,
        *,
        entropy: sip.Entropy,
        source: AudioSource | None = None,
        recorder: AudioSink | None = None,
    ) -> None:
        self.config = config
        self.reaction = config.reaction  #: to the next call
        self.source: AudioSource = source or SilenceSource()
        self.recorder: AudioSink = recorder or Recorder()
        self._endpoint = endpoint
        self._entropy = entropy
        self._registration = Registration(endpoint, config, entropy=entropy)
        self.untaken: list[Event] = []  #: what `take_events` gives; always the same list
        self._call: Call | None = None
        self._legs = 0
        self._last_packets: list[Outgoing] = []  #: of the call that has just ended
        own = sip.aor_key(sip.Uri.parse(config.aor))
        endpoint.add_core(
            config.owner,
            lambda request, flow: sip.aor_key(request.uri) == own or request.uri.user == config.contact.user,
            claim=sip.Claim.ELEMENT,
            methods=METHODS,
            supported=("timer",),
            media_types=(SDP,),
        )

    @property
    def owner(self) -> str:
        """Name of this core."""
        return self.config.owner

    @property
    def state(self) -> CallState | None:
        """Of the present call; None when there is none."""
        return self._call.state if self._call else None

    @property
    def may_hold(self) -> bool:
        """Whether there is a call that could be held, or taken back, now."""
        call = self._call
        return call is not None and call.state is CallState.TALKING and call.hold_request is None

    @property
    def counters(self) -> MediaCounters | None:
        """Of the audio of the present call; None when there is none."""
        return self._call.audio.stream.counters() if self._call is not None and self._call.audio is not None else None

    # Commands --------------------------------------------------------------------------------------------------------

    def register(self, *, now: float) -> None:
        """Register, and go on doing so; PhoneRegistered or PhoneNotRegistered follows each time."""
        self._registration.register(now=now)

    def unregister(self, *, now: float) -> None:
        """Take the registration back."""
        self._registration.unregister(now=now)

    def answer(self, *, now: float) -> None:
        """Take the call that rings now, whatever the reaction; nothing happens when none does."""
        if self._call is not None and self._call.state is CallState.RINGING:
            self._call.answer_at = now
            self._answer_when_due(self._call, now)

    def hang_up(self, *, now: float) -> None:
        """End the present call, or decline it while it rings; nothing happens when there is none."""
        call = self._call
        if call is None:
            return
        if call.state is CallState.RINGING:
            self._endpoint.reject(call.session, 603, now=now)
        else:
            self._endpoint.bye(call.session, now=now)
        self._release(call, CallEnd.HUNG_UP_HERE, now)

    def hold(self, held: bool, *, now: float) -> None:
        """Hold the call, or take it back; PhoneHeld follows when that is agreed. Raises when there is no call."""
        call = self._call
        if call is None or not self.may_hold:
            raise sip.LocalProtocolError("there is no call that could be held now")
        body = call.hold_offer(held)
        call.hold_request = self._endpoint.reinvite(call.session, body=body, content_type=SDP, now=now)

    # Core ------------------------------------------------------------------------------------------------------------

    def handle_event(self, event: Event, *, now: float) -> list[Event]:
        """Act on an event of the endpoint."""
        match event:
            case sip.InviteReceived():
                self._invited(event, now)
            case sip.SessionConfirmed():
                self._confirmed(event, now)
            case sip.SessionCancelled():
                self._ended(event.session, CallEnd.CANCELLED, now)
            case sip.SessionEnded():
                there = event.cause is sip.EndCause.BYE_RECEIVED
                self._ended(event.session, CallEnd.HUNG_UP_THERE if there else CallEnd.FAILED, now)
            case sip.ReinviteReceived() | sip.UpdateReceived():
                self._reoffered(event, now)
            case sip.RequestReceived(transaction=transaction) if transaction is not None:
                self._informed(event, transaction, now)
            case sip.ResponseReceived():
                self._answered(event.request_id, event.response, now)
            case sip.RequestFailed():
                self._answered(event.request_id, None, now)
            case _:
                pass
        return self.take_events()

    def next_timeout(self) -> float | None:
        """When ``handle_timeout`` is due."""
        call = self._call
        if call is None:
            return self._registration.refresh_at
        # Ringing may be over before the ports are open: then the ports are waited for.
        answer_at = call.answer_at if call.media is not None else None
        due = [at for at in (self._registration.refresh_at, answer_at, call.hang_up_at) if at is not None]
        return min(due, default=None)

    def handle_timeout(self, *, now: float) -> list[Event]:
        """Answer, hang up, register again."""
        self._registration.handle_timeout(now=now)
        if self._call is not None:
            self._answer_when_due(self._call, now)
        if self._call is not None and self._call.hang_up_at is not None and self._call.hang_up_at <= now:
            self.hang_up(now=now)
        return self.take_events()

    def take_events(self) -> list[Event]:
        """Events that commands caused."""
        taken = self.untaken[:]
        self.untaken.clear()
        return taken

    def _answered(self, request_id: sip.RequestId, response: sip.Response | None, now: float) -> None:
        if self._call is not None and request_id == self._call.hold_request:
            self._hold_answered(self._call, response, now)
        else:
            self.untaken += self._registration.answered(request_id, response, now=now)

    # Calls -----------------------------------------------------------------------------------------------------------

    def _invited(self, event: sip.InviteReceived, now: float) -> None:
        refused, offer = self._judge(event.request)
        if refused is not None:
            self._endpoint.reject(event.session, refused.status, headers=refused.headers, now=now)
            self.untaken.append(PhoneReleased(owner=self.owner, end=CallEnd.REFUSED, talked_for=0.0))
            return
        self._legs += 1
        caller = event.request.from_
        self._call = Call(
            session=event.session,
            leg=LegId(self._legs),
            caller=caller,
            offer=offer,
            answer_at=None if self.reaction is Reaction.IGNORE else now + self.config.ring_time,
            signalling_encrypted=event.flow.transport == "TLS",
        )
        self._endpoint.progress(event.session, 180, now=now)
        self.untaken.append(PhoneRinging(owner=self.owner, caller=str(caller.uri), caller_name=caller.display_name))
        self.untaken.append(MediaPortWanted(owner=self.owner, leg=self._call.leg))

    def _judge(self, request: sip.Request) -> tuple[sip.BodyRefusal | None, SessionDescription | None]:
        """How a call is refused at once, None when it rings; and its offer, if it has one."""
        if self._call is not None or self.reaction is Reaction.BUSY:
            return sip.BodyRefusal(486), None
        if self.reaction is Reaction.DECLINE:
            return sip.BodyRefusal(603), None
        if self.reaction is Reaction.REDIRECT:
            target = self.config.forward_to
            if target is None:
                return sip.BodyRefusal(480), None
            return sip.BodyRefusal(302, (("Contact", str(sip.NameAddr(target))),)), None
        refused, offer = sip.refusal_of_body(request, (SDP,)), sip.body_of(request, SDP)
        if refused is not None or not offer:
            return refused, None
        try:
            return None, SessionDescription.parse(offer)
        except RtpError:
            return sip.BodyRefusal(400), None

    def _answer_when_due(self, call: Call, now: float) -> None:
        if call.answer_at is None or call.answer_at > now or call.media is None:
            return
        call.answer_at = None
        try:
            description, agreement = call.description()
        except RtpError:
            self._endpoint.reject(call.session, 488, now=now)
            self._release(call, CallEnd.FAILED, now)
            return
        body = UNUSABLE_SDP if self.reaction is Reaction.UNUSABLE_MEDIA else bytes(description)
        contact = sip.NameAddr(self.config.contact)
        self._endpoint.accept(call.session, body=body, content_type=SDP, contact=contact, now=now)
        call.move(CallInput.ANSWER)
        call.answered_at = now
        call.hang_up_at = None if self.config.hang_up_after is None else now + self.config.hang_up_after
        self._agree(call, agreement, now)
        self.untaken.append(PhoneAnswered(owner=self.owner, caller=str(call.caller.uri)))

    def _confirmed(self, event: sip.SessionConfirmed, now: float) -> None:
        call = self._call
        if call is None or call.session != event.session or not call.move(CallInput.CONFIRM) or call.offer is not None:
            return
        try:
            self._agree(call, call.answered(sip.body_of(event.request, SDP)), now)
        except RtpError:
            self._endpoint.bye(call.session, now=now)
            self._release(call, CallEnd.FAILED, now)

    def _reoffered(self, event: sip.ReinviteReceived | sip.UpdateReceived, now: float) -> None:
        call = self._call
        if call is None or call.session != event.session:
            self._endpoint.respond(event.transaction, 481, now=now)
            return
        refused = sip.refusal_of_body(event.request, (SDP,))
        if refused is not None:
            self._endpoint.respond(event.transaction, refused.status, headers=refused.headers, now=now)
            return
        try:
            description, agreement = call.reoffered(sip.body_of(event.request, SDP))
        except LocalRtpError:  # an offer of ours is open (RFC 3261 section 14.2)
            self._endpoint.respond(event.transaction, 491, now=now)
        except RtpError:
            self._endpoint.respond(event.transaction, 488, now=now)
        else:
            self._agree(call, agreement, now)
            contact = [("Contact", sip.NameAddr(self.config.contact))]
            self._endpoint.respond(
                event.transaction, 200, headers=contact, body=bytes(description), content_type=SDP, now=now
            )

    def _hold_answered(self, call: Call, response: sip.Response | None, now: float) -> None:
        if response is None or response.status >= 300:
            call.refused()
            return
        call.hold_request = None
        try:
            self._agree(call, call.answered(sip.body_of(response, SDP)), now)
        except RtpError:
            return
        self.untaken.append(PhoneHeld(owner=self.owner, held=call.hold_wanted))

    def _ended(self, session: sip.SessionId, end: CallEnd, now: float) -> None:
        if self._call is not None and self._call.session == session:
            self._release(self._call, end, now)

    def _release(self, call: Call, end: CallEnd, now: float) -> None:
        call.move(CallInput.END)
        self._call = None
        if call.audio is not None:
            self._last_packets = [(call.leg, *packet) for packet in call.audio.bye(now=now)]
        talked = 0.0 if call.answered_at is None else now - call.answered_at
        self.untaken.append(PhoneReleased(owner=self.owner, end=end, talked_for=talked))
        self.untaken.append(MediaPortReleased(owner=self.owner, leg=call.leg))

    # Media -----------------------------------------------------------------------------------------------------------

    def _agree(self, call: Call, agreement: Agreement | None, now: float) -> None:
        """Start the audio, or change it as a new description says."""
        audio = agreement.audio if agreement is not None else None
        if agreement is None or (audio is None and call.audio is None):
            return
        if audio is None:
            assert call.audio is not None
            call.audio.switch_off(now=now)
        elif call.audio is None:
            call.audio = PhoneAudio(audio, source=self.source, sink=self.recorder, entropy=self._entropy, now=now)
        else:
            call.audio.change(audio, now=now)

    def media_opened(self, leg: LegId, *, rtp: Address, rtcp: Address, advertised: str, now: float) -> list[Event]:
        """The ports of the call are open."""
        call = self._call
        if call is not None and call.leg == leg:
            level = self.config.capabilities.encryption
            if call.offer is None and not call.signalling_encrypted and level is not Encryption.REJECTED:
                # We would have to offer keys where others can read them.
                if level is Encryption.REQUIRED:
                    self._endpoint.reject(call.session, 488, now=now)
                    self._release(call, CallEnd.FAILED, now)
                    return self.take_events()
                level = Encryption.REJECTED
            call.media = OfferAnswerSession(
                attrs.evolve(self.config.capabilities, encryption=level).with_fresh_keys(self._octets),
                octets=self._octets,
                address=advertised,
                port=rtp[1],
                rtcp_port=rtcp[1],
                session_id=self._entropy.integer(31),
            )
            self._answer_when_due(call, now)
        return self.take_events()

    def _octets(self, size: int) -> bytes:
        return bytes.fromhex(self._entropy.token(size))

    def media_failed(self, leg: LegId, reason: str, *, now: float) -> list[Event]:
        """There are no ports for the call: it is refused."""
        call = self._call
        if call is not None and call.leg == leg:
            self._endpoint.reject(call.session, 500, now=now)
            self._release(call, CallEnd.FAILED, now)
        return self.take_events()

    def receive_media(self, batch: Sequence[Packet]) -> list[Event]:
        """Packets that arrived."""
        call = self._call
        for leg, kind, data, source, arrival in batch:
            if call is not None and call.leg == leg and call.audio is not None:
                self._pressed(call.audio.receive(kind, data, source, now=arrival))
        return self.take_events()

    def _pressed(self, keys: Sequence[str]) -> None:
        self.untaken += [PhoneKey(owner=self.owner, digit=digit) for digit in keys]

    def _informed(self, event: sip.RequestReceived, transaction: sip.TransactionId, now: float) -> None:
        """A request that asks for nothing but an answer; an INFO may have a key in it."""
        request, status = event.request, 200
        call = self._call
        if request.method == "INFO" and (body := sip.body_of(request, *DTMF_TYPES)):
            try:
                key = DtmfInfo.parse(body)
            except RtpError:
                status = 400
            else:
                if call is not None and call.session == event.session:
                    self._pressed([key.digit or str(key.event)])
        self._endpoint.respond(transaction, status, now=now)

    def tick(self, now: float) -> list[Outgoing]:
        """Audio of 20 ms, and the last packets of a call that is over."""
        out, self._last_packets = self._last_packets, []
        call = self._call
        if call is not None and call.audio is not None:
            out += [(call.leg, kind, data, destination) for kind, data, destination in call.audio.tick(now)]
        return out

    def next_tick(self) -> float | None:
        """When ``tick`` is due; at once when the last packets of a call wait."""
        if self._last_packets:
            return 0.0
        return self._call.audio.next_tick() if self._call is not None and self._call.audio is not None else None
