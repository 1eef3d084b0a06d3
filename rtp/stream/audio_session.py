"""The sound of one call: its descriptions, its packets, and a frame of 20 ms in each direction at a time."""

from __future__ import annotations

from typing import Final, Protocol

from rtp.entropy import Entropy, octets_of
from rtp.errors import LocalProtocolError
from rtp.events import MediaEvent
from rtp.packets.dtmf_info import DTMF_TYPES, DtmfInfo
from rtp.sdp.agreement import Agreement, MediaAgreement
from rtp.sdp.capabilities import Capabilities
from rtp.sdp.direction import Direction
from rtp.sdp.offer_answer_session import OfferAnswerSession
from rtp.sdp.session_description import SessionDescription
from rtp.stream.counters import MediaCounters
from rtp.stream.media_stream import MediaStream
from rtp.stream.media_stream_config import MediaStreamConfig
from rtp.stream.outgoing import Outgoing

FRAME: Final = 0.02  #: seconds
SILENCE: Final = bytes(320)  #: a frame of it: 160 samples of 16 bits
#: Frames that a late timer makes up for; what is older is lost, as in a sound card.
MAX_CATCH_UP: Final = 5

#: What a plain phone writes: no label, no word of encryption, no bandwidth.
PLAIN_PHONE: Final = Capabilities(label=None, announce_encryption=False, bandwidth=None)


class AudioSource(Protocol):
    """Something that sounds."""

    def next_frame(self) -> bytes | None:
        """The next 20 ms: 160 samples of 16 bits, little-endian; None for nothing to say, and nothing is sent."""
        ...


class AudioSink(Protocol):
    """Something that listens."""

    def write(self, frame: bytes) -> None:
        """Take 20 ms."""
        ...


class AudioSession:
    """The media of one call: it fits a ``sip.Call``, and any other carrier of offers and answers.

    ``capabilities`` are those of a plain phone unless given. ``address`` and ``port`` are where our packets arrive, as
    the other side is told; ``rtcp_port`` is the next one unless it is given. While both sides have agreed, a frame of
    ``source`` is sent every 20 ms and one that was heard goes to ``sink``. After every call drain ``data_to_send`` and
    read ``next_timeout`` again; ``events`` are returned by ``receive`` and ``handle_timeout``.

    A description of the other side that cannot be used raises RemoteProtocolError, whose ``status_hint`` says how to
    refuse it; an offer while another one of ours is open raises LocalProtocolError. Nothing has changed then.
    """

    def __init__(
        self,
        capabilities: Capabilities | None = None,
        *,
        address: str,
        port: int,
        rtcp_port: int | None = None,
        source: AudioSource | None = None,
        sink: AudioSink | None = None,
        entropy: Entropy,
        wall_clock: float = 0.0,
        config: MediaStreamConfig | None = None,
    ) -> None:
        self.source, self.sink = source, sink
        self.stream: MediaStream | None = None  #: since both descriptions are known
        self._entropy = entropy
        self._wall_clock, self._config = wall_clock, config
        self._described = OfferAnswerSession(
            (capabilities or PLAIN_PHONE).with_fresh_keys(self._octets),
            octets=self._octets,
            address=address,
            port=port,
            rtcp_port=rtcp_port,
            session_id=entropy.integer(31),
        )
        self._frame_at: float | None = None  # when the next frame is due; None before there is a stream, and after it
        self._out: list[Outgoing] = []

    def _octets(self, size: int) -> bytes:
        return octets_of(self._entropy, size)

    # What there is to know -------------------------------------------------------------------------------------------

    @property
    def agreement(self) -> MediaAgreement | None:
        """What both sides agreed on for sound; None before that, and while it is switched off."""
        agreed = self._described.agreement
        return None if agreed is None else agreed.audio

    @property
    def held(self) -> bool:
        """Whether the other side does not want to hear us at the moment."""
        return self.agreement is not None and self.agreement.held

    @property
    def counters(self) -> MediaCounters | None:
        """Packets and losses so far; None before there is a stream."""
        return None if self.stream is None else self.stream.counters()

    # Descriptions ----------------------------------------------------------------------------------------------------

    def make_offer(self, *, held: bool | None = None, now: float) -> bytes:
        """Our offer; ``held`` asks the other side to be silent, or to speak again. Raises LocalProtocolError."""
        wish = None if held is None else Direction.SENDONLY if held else Direction.SENDRECV
        return bytes(self._described.make_offer(direction=wish))

    def receive_offer(self, offer: bytes | SessionDescription, *, now: float) -> bytes:
        """Our answer to an offer, read already or not. Raises RemoteProtocolError, LocalProtocolError."""
        read = offer if isinstance(offer, SessionDescription) else SessionDescription.parse(offer)
        description, agreed = self._described.receive_offer(read)
        self._agree(agreed, now)
        return bytes(description)

    def receive_answer(self, answer: bytes, *, now: float) -> None:
        """The answer to our offer. Raises RemoteProtocolError, LocalProtocolError."""
        self._agree(self._described.receive_answer(SessionDescription.parse(answer)), now)

    def roll_back(self) -> None:
        """Our offer was refused: all stays as it was. Raises LocalProtocolError when none is open."""
        self._described.roll_back()

    def _agree(self, agreed: Agreement, now: float) -> None:
        audio = agreed.audio
        if audio is None:
            if self.stream is not None:  # the line was ended; a later offer may bring it back
                self.stream.switch_off(now=now)
        elif self.stream is not None:
            self.stream.update(audio, now=now)
        else:
            self.stream = MediaStream(
                audio, entropy=self._entropy, wall_clock=self._wall_clock, config=self._config, now=now
            )
            self._frame_at = now

    # Keys ------------------------------------------------------------------------------------------------------------

    key_types: Final = DTMF_TYPES  #: of bodies of INFO with a key in them

    def read_key(self, body: bytes) -> str:
        """The key in the body of an INFO: ``0``-``9``, ``*``, ``#``, ``A``-``D``, or ``16``. Raises MalformedPacket."""
        key = DtmfInfo.parse(body)
        return key.digit or str(key.event)

    def send_keys(self, digits: str, *, duration: float = 0.1, pause: float = 0.06) -> None:
        """Press keys, in the frames to come; seconds each. Raises LocalProtocolError when nobody takes them."""
        if self.stream is None:
            raise LocalProtocolError("there is no sound yet to send keys in")
        self.stream.send_dtmf(digits, duration=duration, pause=pause)

    # Packets and frames ----------------------------------------------------------------------------------------------

    def receive(self, kind: str, data: bytes, source: tuple[str, int], *, now: float) -> list[MediaEvent]:
        """A datagram that came to our RTP (``kind`` ``"rtp"``) or RTCP (``"rtcp"``) port; keys are events."""
        return [] if self.stream is None else self.stream.receive(kind, data, source, now=now)

    def next_timeout(self) -> float | None:
        """When the next frame, or a report, is due; at once when packets wait to be sent after the end."""
        if self.stream is None or self._frame_at is None:
            return None
        due = self.stream.next_timeout()
        return self._frame_at if due is None else min(self._frame_at, due)

    def handle_timeout(self, *, now: float) -> list[MediaEvent]:
        """Send and hear the frames that are due, and reports. Then drain ``data_to_send``."""
        stream = self.stream
        if stream is None or self._frame_at is None:
            return []
        for _ in range(MAX_CATCH_UP):
            if self._frame_at > now:
                break
            self._frame_at += FRAME
            heard = stream.pop_frame(now=now)
            if self.sink is not None:
                self.sink.write(heard or SILENCE)
            said = None if self.source is None else self.source.next_frame()
            self._out += stream.send_frame(said, now=now)
        self._frame_at = max(self._frame_at, now - FRAME)
        due = stream.next_timeout()
        return stream.handle_timeout(now=now) if due is not None and due <= now else []

    def data_to_send(self) -> list[Outgoing]:
        """What is to be sent from our ports; drained by the call."""
        out, self._out = self._out, []
        return out if self.stream is None else out + self.stream.data_to_send()

    def end(self, *, now: float) -> None:
        """The call is over: a last packet says so, and nothing else is sent any more."""
        if self.stream is not None and self._frame_at is not None:
            self._frame_at = None
            self.stream.bye(now=now)
