"""Call somebody, play a tone or a WAV file, record what is heard; or wait for a call.

Run: .venv/bin/python examples/call_with_audio.py "sip:bob@192.0.2.10;transport=tcp" \\
         --host 192.0.2.20 --record a.wav
     .venv/bin/python examples/call_with_audio.py --answer --host 192.0.2.20 --port 5060
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import math
import struct
import wave
from collections.abc import Iterable, Iterator

from rtp import (
    Agreement,
    Capabilities,
    MediaStream,
    OfferAnswerSession,
    Outgoing,
    RtpError,
    SessionDescription,
)
from rtp.aio import Arrival, MediaPorts, MediaPortsConfig
from sip import (
    Claim,
    Endpoint,
    EndpointConfig,
    Event,
    InviteReceived,
    Listen,
    Pump,
    ReinviteReceived,
    SessionAnswered,
    SessionCancelled,
    SessionConfirmed,
    SessionEnded,
    SessionFailed,
    SessionId,
    SessionProgressed,
    SessionRedirected,
    UpdateReceived,
    body_of,
)
from sip.aio import SipTransport, live_entropy

SDP = "application/sdp"
SILENCE = bytes(320)  # 20 ms at 8 kHz, 16 bits


def tone(frequency: float) -> Iterator[bytes]:
    """A sine without end, in frames of 20 ms."""
    for start in itertools.count(0, 160):
        phases = (2 * math.pi * frequency * n / 8000 for n in range(start, start + 160))
        yield struct.pack("<160h", *(round(8000 * math.sin(phase)) for phase in phases))


def recording(path: str) -> Iterator[bytes]:
    """A WAV file in frames of 20 ms."""
    with wave.open(path) as file:
        if (file.getframerate(), file.getnchannels(), file.getsampwidth()) != (
            8000,
            1,
            2,
        ):
            raise SystemExit(f"{path} must be 8 kHz, mono, 16 bits")
        while frame := file.readframes(160):
            yield frame.ljust(320, b"\0")


class Phone:
    """One call: its signalling is a core of the endpoint, its sound has own ports."""

    owner = "phone"

    def __init__(
        self,
        endpoint: Endpoint,
        ports: MediaPorts,
        host: str,
        frames: Iterator[bytes],
        answers: bool,
    ) -> None:
        self.heard = bytearray()
        self.answered, self.over = asyncio.Event(), asyncio.Event()
        self._endpoint, self._ports, self._frames, self._answers = (
            endpoint,
            ports,
            frames,
            answers,
        )
        self._media = OfferAnswerSession(
            Capabilities(), address=host, port=ports.open(self.owner).rtp[1]
        )
        self._session: SessionId | None = None
        self._stream: MediaStream | None = None
        endpoint.add_core(
            self.owner,
            lambda request, flow: True,
            claim=Claim.ELEMENT,
            methods=("INVITE", "UPDATE"),
        )

    # Commands

    def call(self, target: str, *, now: float) -> None:
        offer = bytes(self._media.make_offer())
        me, them = "<sip:phone@example.com>", f"<{target}>"
        self._session = self._endpoint.invite(
            self.owner, target, from_=me, to=them, body=offer, content_type=SDP, now=now
        )

    def hang_up(self, *, now: float) -> None:
        """Give the call up, or end it; SessionFailed or SessionEnded follows."""
        if self._session is not None and self.answered.is_set():
            self._endpoint.bye(self._session, now=now)
        elif self._session is not None:
            self._endpoint.cancel(self._session, now=now)

    # Signalling

    def handle_event(self, event: Event, *, now: float) -> list[Event]:
        match event:
            case InviteReceived():
                self._invited(event, now)
            case SessionProgressed():
                print(f"{event.response.status} {event.response.reason}", flush=True)
            case SessionAnswered():
                self._agreed(body_of(event.response, SDP), now)
            case SessionConfirmed():
                self._agreed(body_of(event.request, SDP), now)
            case ReinviteReceived() | UpdateReceived():
                self._offered_again(event, now)
            case SessionRedirected():
                self._endpoint.redirect(event.session, event.targets[0], now=now)
            case SessionFailed():
                self._end(
                    f"{event.status} {event.response.reason}"
                    if event.response
                    else event.cause.value,
                    now,
                )
            case SessionCancelled() if event.session == self._session:
                self._end("cancelled", now)
            case SessionEnded() if event.session == self._session:
                self._end(event.cause.value, now)
        return []

    def _invited(self, event: InviteReceived, now: float) -> None:
        if not self._answers or self._session is not None:
            self._endpoint.reject(event.session, 486, now=now)
            return
        try:
            description = self._describe(body_of(event.request, SDP))
        except RtpError:
            self._endpoint.reject(event.session, 488, now=now)
            return
        print(f"called by {event.request.from_.uri}", flush=True)
        self._session = event.session
        self._endpoint.progress(event.session, 180, now=now)
        self._endpoint.accept(
            event.session, body=description, content_type=SDP, now=now
        )

    def _describe(self, offer: bytes) -> bytes:
        """Our answer to an offer; an offer without one: the ACK has the answer."""
        if not offer:
            return bytes(self._media.make_offer())
        return bytes(self._media.receive_offer(SessionDescription.parse(offer))[0])

    def _agreed(self, answer: bytes, now: float) -> None:
        """Both descriptions are known: talk."""
        try:
            if answer:
                self._media.receive_answer(SessionDescription.parse(answer))
        except RtpError as error:
            print(f"no common media: {error}", flush=True)
        self.answered.set()
        self._talk(self._media.agreement, now)

    def _offered_again(
        self, event: ReinviteReceived | UpdateReceived, now: float
    ) -> None:
        """Hold, another address, another codec."""
        try:
            description = self._describe(body_of(event.request, SDP))
        except RtpError:
            self._endpoint.respond(event.transaction, 488, now=now)
            return
        self._endpoint.respond(
            event.transaction, 200, body=description, content_type=SDP, now=now
        )
        self._talk(self._media.agreement, now)

    def _end(self, why: str, now: float) -> None:
        print(f"over: {why}", flush=True)
        if self._stream is not None:
            self._stream.bye(now=now)
            self._send(self._stream.data_to_send())
            self._stream = None
        self.over.set()

    # Sound

    def _talk(self, agreement: Agreement | None, now: float) -> None:
        audio = None if agreement is None else agreement.audio
        if audio is None:
            self.hang_up(now=now)
        elif self._stream is not None:
            self._stream.update(audio, now=now)
        else:
            self._stream = MediaStream(audio, entropy=live_entropy(), now=now)
            print(f"talking {audio.codec.encoding}", flush=True)

    def hear(self, batch: list[Arrival]) -> None:
        for _, kind, data, source, arrival in batch:
            if self._stream is not None:
                self._stream.receive(kind, data, source, now=arrival)

    def tick(self, now: float) -> None:
        """20 ms of sound in both directions."""
        if self._stream is not None:
            self.heard += self._stream.pop_frame(now=now) or SILENCE
            self._send(self._stream.send_frame(next(self._frames, None), now=now))
            self._stream.handle_timeout(now=now)
            self._send(self._stream.data_to_send())

    def _send(self, packets: Iterable[Outgoing]) -> None:
        self._ports.send((self.owner, *packet) for packet in packets)

    # The phone itself waits for nothing

    def next_timeout(self) -> float | None:
        return None

    def handle_timeout(self, *, now: float) -> list[Event]:
        return []

    def take_events(self) -> list[Event]:
        return []


async def keep_time(phone: Phone) -> None:
    """A tick every 20 ms, without drift."""
    loop = asyncio.get_running_loop()
    at = loop.time()
    while True:
        phone.tick(loop.time())
        at += 0.02
        await asyncio.sleep(at - loop.time())


async def main(given: argparse.Namespace) -> None:
    frames = recording(given.play) if given.play else tone(given.tone)
    listen = (
        Listen("UDP", given.host, given.port),
        Listen("TCP", given.host, given.port),
    )
    endpoint = Endpoint(EndpointConfig(listen=listen), entropy=live_entropy())
    ports = MediaPorts(
        lambda batch: phone.hear(batch), config=MediaPortsConfig(host=given.host)
    )
    phone = Phone(endpoint, ports, given.host, frames, given.answer)
    transport = SipTransport(Pump(endpoint, [phone]))
    await transport.start()
    clock = asyncio.create_task(keep_time(phone))
    if given.answer:
        print(
            *(
                f"sip:{at.host}:{at.port};transport={at.transport.lower()}"
                for at in endpoint.listen
            ),
            flush=True,
        )
    else:
        phone.call(given.target, now=transport.now)
        transport.kick()
    try:
        await asyncio.wait_for(phone.over.wait(), given.seconds)
    except TimeoutError:
        phone.hang_up(now=transport.now)
        transport.kick()
        await phone.over.wait()
    clock.cancel()
    await transport.stop()
    ports.close_all()
    if given.record:
        with wave.open(given.record, "wb") as file:
            file.setparams((1, 2, 8000, 0, "NONE", ""))
            file.writeframes(phone.heard)
        print(f"heard {len(phone.heard) / 16000:.1f} s: {given.record}", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Call somebody with sound.")
    parser.add_argument("target", nargs="?", help="the SIP URI to call")
    parser.add_argument("--answer", action="store_true", help="wait for a call")
    parser.add_argument("--host", default="127.0.0.1", help="own address (127.0.0.1)")
    parser.add_argument("--port", type=int, default=0, help="own SIP port (any)")
    parser.add_argument(
        "--tone", type=float, default=440.0, help="hertz of the tone to play (440)"
    )
    parser.add_argument("--play", help="a WAV file to play: 8 kHz, mono, 16 bits")
    parser.add_argument("--record", help="a WAV file for what is heard")
    parser.add_argument("--seconds", type=float, help="hang up after this time")
    options = parser.parse_args()
    if bool(options.target) == options.answer:
        parser.error("give a target or --answer")
    asyncio.run(main(options))
