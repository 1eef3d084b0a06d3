"""Call somebody, play a tone for some seconds, keep what was heard in a WAV file; or wait for such a call.

Run: python examples/call_with_audio.py answer 127.0.0.1:5090 heard_by_callee.wav
     python examples/call_with_audio.py call sip:bob@127.0.0.1:5090 heard_by_caller.wav [seconds] [hertz]
"""

from __future__ import annotations

import array
import asyncio
import math
import sys
import wave

from rtp import Capabilities, MediaStream, Role, RtpError, SessionDescription, answer, negotiate, offer
from rtp.aio import Arrival, MediaPorts
from sip import (
    Claim,
    Endpoint,
    EndpointConfig,
    Event,
    InviteReceived,
    Listen,
    Pump,
    SessionAnswered,
    SessionEnded,
    SessionFailed,
    SessionId,
)
from sip.aio import SipTransport, live_entropy

FRAME = 0.02  # seconds: 160 samples
SILENCE = bytes(320)
SDP = "application/sdp"


class Audio:
    """A tone out, a WAV file in, every 20 ms."""

    def __init__(self, path: str, hertz: float) -> None:
        self._ports = MediaPorts(self._arrived)
        self._opened = self._ports.open("call")
        self.port = self._opened.rtp[1]
        self._file = wave.open(path, "wb")  # noqa: SIM115 (open as long as the call)
        self._file.setparams((1, 2, 8000, 0, "NONE", "not compressed"))
        self._hertz, self._sample = hertz, 0
        self._stream: MediaStream | None = None

    def _arrived(self, batch: list[Arrival]) -> None:
        for each in batch:
            if self._stream is not None:
                self._stream.receive(each.kind, each.data, each.source, now=each.arrival)

    def _tone(self) -> bytes:
        first, self._sample = self._sample, self._sample + 160
        step = 2 * math.pi * self._hertz / 8000
        return array.array("h", (int(8000 * math.sin(step * n)) for n in range(first, self._sample))).tobytes()

    async def run(self, offered: SessionDescription, answered: SessionDescription, role: Role) -> None:
        """Play and listen until cancelled. Raises RtpError when offer and answer do not fit."""
        agreement = negotiate(offered, answered, role).audio
        if agreement is None:
            raise RtpError("no audio was agreed on")
        loop, entropy = asyncio.get_running_loop(), live_entropy()
        now = loop.time()
        self._stream = stream = MediaStream(
            agreement,
            ssrc=entropy.integer(32),
            sequence_number=entropy.integer(16),
            timestamp=entropy.integer(32),
            cname=entropy.token(6),
            uniform=entropy.uniform,
            now=now,
        )
        while True:
            self._file.writeframes(stream.pop_frame(now=now) or SILENCE)
            stream.handle_timeout(now=now)
            out = [*stream.send_frame(self._tone(), now=now), *stream.data_to_send()]
            self._ports.send(("call", each.kind, each.data, each.destination) for each in out)
            now += FRAME
            await asyncio.sleep(max(0.0, now - loop.time()))

    def close(self) -> None:
        self._ports.close_all()
        self._file.close()


class Caller:
    """One call, made or answered."""

    owner = "phone"

    def __init__(self, endpoint: Endpoint, audio: Audio) -> None:
        self._endpoint, self._audio = endpoint, audio
        self._offer = offer(Capabilities(), "127.0.0.1", audio.port)
        self._playing: asyncio.Task[None] | None = None
        self.session: SessionId | None = None
        self.answered, self.over = asyncio.Event(), asyncio.Event()
        endpoint.add_core(self.owner, lambda request, flow: True, claim=Claim.ELEMENT, methods=("INVITE",))

    def call(self, target: str, *, now: float) -> None:
        me, body = "<sip:caller@example.com>", bytes(self._offer)
        self.session = self._endpoint.invite(
            self.owner, target, from_=me, to=f"<{target}>", body=body, content_type=SDP, now=now
        )

    def handle_event(self, event: Event, *, now: float) -> list[Event]:
        if isinstance(event, InviteReceived):
            self._answer(event, now)
        elif isinstance(event, SessionAnswered):
            print(f"answered: {event.response.status} {event.response.reason}", flush=True)
            self._play(self._offer, SessionDescription.parse(event.response.body), Role.OFFERER)
        elif isinstance(event, SessionFailed | SessionEnded):
            print(f"over: {event.cause.value}", flush=True)
            self.over.set()
        return []

    def _answer(self, event: InviteReceived, now: float) -> None:
        try:
            offered = SessionDescription.parse(event.request.body)
            answered = answer(offered, Capabilities(), "127.0.0.1", self._audio.port)
        except RtpError:
            self._endpoint.reject(event.session, 488, now=now)
            return
        self._endpoint.progress(event.session, 180, now=now)
        self._endpoint.accept(event.session, body=bytes(answered), content_type=SDP, now=now)
        self._play(offered, answered, Role.ANSWERER)

    def _play(self, offered: SessionDescription, answered: SessionDescription, role: Role) -> None:
        if self._playing is None:
            self._playing = asyncio.create_task(self._audio.run(offered, answered, role))
            self._playing.add_done_callback(lambda task: self.over.set())
        self.answered.set()

    async def stop(self) -> None:
        if self._playing is not None:
            self._playing.cancel()
            await asyncio.gather(self._playing, return_exceptions=True)

    def next_timeout(self) -> float | None:
        return None

    def handle_timeout(self, *, now: float) -> list[Event]:
        return []

    def take_events(self) -> list[Event]:
        return []


async def main(what: str, where: str, path: str, seconds: str = "5", hertz: str = "440") -> None:
    host, _, port = where.rpartition(":")
    listen = Listen("UDP", host, int(port)) if what == "answer" else Listen("UDP", "127.0.0.1", 0)
    endpoint = Endpoint(EndpointConfig(listen=(listen,)), entropy=live_entropy())
    audio = Audio(path, float(hertz))
    caller = Caller(endpoint, audio)
    transport = SipTransport(Pump(endpoint, [caller]))
    await transport.start()
    print(f"{what} {where}", flush=True)
    if what == "call":
        caller.call(where, now=transport.now)
        transport.kick()
        waiting = [asyncio.create_task(each.wait()) for each in (caller.answered, caller.over)]
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        if caller.session is not None and not caller.over.is_set():
            await asyncio.sleep(float(seconds))
            endpoint.bye(caller.session, now=transport.now)
            transport.kick()
    await caller.over.wait()
    await caller.stop()
    audio.close()
    await transport.stop()


if __name__ == "__main__":
    try:
        asyncio.run(main(*sys.argv[1:6]))
    except KeyboardInterrupt:
        print("stopped")
