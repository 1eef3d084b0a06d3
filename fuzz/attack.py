"""What strangers send to a running server: altered SIP, C3P over HTTP, RTP and RTCP, from several addresses at once.

Everything is made of a seed and a number, so that a run can be had again.
"""

from __future__ import annotations

import contextlib
import random
import re
import selectors
import socket
from collections import Counter
from collections.abc import Sequence
from typing import Final

import attrs

from fuzz.running import Conferencing, Phones
from pyc3p.simnet import BodyAlteration, BodyHow
from rtp import Goodbye, ReceiverReport, RtcpPacket, RtpPacket, SenderReport, build_compound
from sip.testing import JUNK, Seeded, alteration, with_length

HOST: Final = "127.0.0.1"
SOURCES: Final = tuple(f"127.0.0.{number}" for number in range(2, 10))  #: so that limits for a source do not end it
MOST_STREAMS: Final = 24  #: connections open at a time
#: What is sent of a hundred: an even mixture of what a server listens to.
MIXTURE: Final = ("sip",) * 45 + ("stream",) * 8 + ("http",) * 12 + ("rtp",) * 25 + ("rtcp",) * 10
PATHS: Final = ("Focus", "FocusFactory", "MCUFactory", "audio-video", "nothing")


@attrs.frozen(kw_only=True)
class Target:
    """A server and the call that goes on there."""

    sip_ports: tuple[int, ...]
    http_ports: tuple[int, ...]
    secrets: tuple[str, ...]  #: bearer secrets that it takes; half of the documents come with one
    media: tuple[tuple[int, int], ...]  #: RTP port of each leg, and the SSRC of its phone


def first_messages() -> tuple[list[bytes], list[bytes]]:
    """SIP messages and C3P documents of whole conversations, as if they had been with a server here."""
    messages: list[bytes] = []
    documents: list[bytes] = []
    for element in (Phones("proxy"), Phones("registrar"), Conferencing("focus"), Conferencing("mcu")):
        for each in element.first_inputs():
            kind, data = each[:1], re.sub(rb"192\.0\.2\.\d+|198\.51\.100\.\d+|example\.com", HOST.encode(), each[1:])
            (documents if kind in b"\3\4" else messages).append(data)
    return sorted(set(messages)), sorted(set(documents))


class Attack:
    """Sends one thing after the other. ``sent`` counts by kind."""

    def __init__(self, target: Target, seed: int) -> None:
        self._target, self._seed = target, seed
        self._messages, self._documents = first_messages()
        self._number = 0
        self.sent: Counter[str] = Counter()
        self._datagrams = []
        for source in SOURCES:
            each = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            each.bind((source, 0))
            each.setblocking(False)
            self._datagrams.append(each)
        self._streams: list[socket.socket] = []
        self._answers = selectors.DefaultSelector()
        for each in self._datagrams:
            self._answers.register(each, selectors.EVENT_READ)

    def one(self) -> None:
        """One more."""
        self._number += 1
        choose = Seeded(self._seed, self._number)
        dice = random.Random((self._seed << 32) + self._number)
        kind = MIXTURE[choose.index(len(MIXTURE))]
        self.sent[kind] += 1
        with contextlib.suppress(OSError):  # a connection that was refused, a buffer that is full
            match kind:
                case "sip":
                    self._datagram(dice, dice.choice(self._target.sip_ports), self._message(choose, dice))
                case "stream":
                    self._stream(dice, dice.choice(self._target.sip_ports), self._message(choose, dice))
                case "http":
                    self._stream(dice, dice.choice(self._target.http_ports), self._request(choose, dice))
                case _:
                    port, ssrc = dice.choice(self._target.media)
                    data = _rtp(dice, ssrc) if kind == "rtp" else _rtcp(dice, ssrc)
                    self._datagram(dice, port + (kind == "rtcp"), data)
        self._read()

    def _datagram(self, dice: random.Random, port: int, data: bytes) -> None:
        dice.choice(self._datagrams).sendto(data[:60_000], (HOST, port))

    def _stream(self, dice: random.Random, port: int, data: bytes) -> None:
        if len(self._streams) >= MOST_STREAMS:
            self._streams.pop(dice.randrange(len(self._streams))).close()
        stream = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self._streams.append(stream)
        stream.bind((dice.choice(SOURCES), 0))
        stream.settimeout(1.0)
        stream.connect((HOST, port))
        stream.setblocking(False)
        stream.send(data[: dice.choice((len(data), len(data), len(data) // 2))])

    def _read(self) -> None:
        """Take answers in, so that the server does not wait for us."""
        for key, _ in self._answers.select(0):
            with contextlib.suppress(OSError):
                key.fileobj.recv(65_535)  # type: ignore[union-attr]

    def _message(self, choose: Seeded, dice: random.Random) -> bytes:
        data = dice.choice(self._messages)
        fresh = b"%d." % self._number
        data = data.replace(b"branch=z9hG4bK", b"branch=z9hG4bK" + fresh)
        if dice.random() < 0.7:
            data = re.sub(rb"(?im)^(call-id:[ \t]*)", rb"\g<1>" + fresh, data)
        for _ in range(dice.choice((0, 1, 1, 2))):
            data = attrs.evolve(alteration(choose, 1), message=0).apply(data)
        head, separator, body = data.partition(b"\r\n\r\n")
        if body and dice.random() < 0.4:
            data = with_length(head + separator, self._altered(dice, body))
        return _flipped(dice, data) if dice.random() < 0.2 else data

    def _altered(self, dice: random.Random, body: bytes) -> bytes:
        how = dice.choice(list(BodyHow))
        return BodyAlteration(0, dice.randrange(1000), how, dice.choice(JUNK)).apply(body)

    def _request(self, choose: Seeded, dice: random.Random) -> bytes:
        body = dice.choice(self._documents)
        if dice.random() < 0.8:
            body = self._altered(dice, body)
        secret = dice.choice((*self._target.secrets, *["wrong"] * len(self._target.secrets)))
        head = (
            f"POST /LiveServer/{dice.choice(PATHS)} HTTP/1.1\r\nHost: {HOST}\r\nAuthorization: Bearer {secret}\r\n"
            f"Content-Type: application/cccp+xml\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        data = alteration(choose, 1).apply(head.encode()) if dice.random() < 0.3 else head.encode()
        return data + body

    def close(self) -> None:
        """Leave nothing open."""
        self._answers.close()
        for each in (*self._datagrams, *self._streams):
            each.close()
        self._streams.clear()


def _flipped(dice: random.Random, data: bytes) -> bytes:
    changed = bytearray(data)
    for _ in range(dice.choice((1, 3, 10))):
        if changed:
            changed[dice.randrange(len(changed))] = dice.randrange(256)
    return bytes(changed)


def _rtp(dice: random.Random, ssrc: int) -> bytes:
    """Sound of a stranger, who knows the source or not."""
    number, time = dice.getrandbits(16), dice.getrandbits(32)
    source = dice.choice((ssrc, ssrc, dice.getrandbits(32)))
    payload = dice.randbytes(dice.choice((160, 160, 0, 1, 4, 1400)))
    data = bytes(RtpPacket(dice.choice((0, 8, 13, 101, dice.randrange(128))), number, time, source, payload))
    return _flipped(dice, data) if dice.random() < 0.3 else data


def _rtcp(dice: random.Random, ssrc: int) -> bytes:
    source = dice.choice((ssrc, dice.getrandbits(32)))
    reports: Sequence[RtcpPacket] = (
        ReceiverReport(source, ()),
        SenderReport(source, dice.getrandbits(64), dice.getrandbits(32), 1, 160, ()),
    )
    data = build_compound([dice.choice(reports), Goodbye((ssrc,))])
    return _flipped(dice, data) if dice.random() < 0.3 else data
