"""The media ports of a call: altered RTP and RTCP, while the call goes on."""

from __future__ import annotations

import contextlib
import random
import socket
import time
from collections.abc import Callable, Sequence

import attrs

from pyc3p.conform.case import blame
from pyc3p.fuzz.sip_attack import SipAttack
from pyc3p.fuzz.sip_inputs import flipped
from pyc3p.trace.trace import Record
from rtp import (
    Goodbye,
    ReceiverReport,
    RtcpPacket,
    RtpError,
    RtpPacket,
    SenderReport,
    SessionDescription,
    build_compound,
)
from sip import body_of


@attrs.define(eq=False)
class RtpInputs:
    """Altered packets by number. The first octet is 0 for the RTP port, 1 for that of RTCP."""

    seed: int

    def __getitem__(self, number: int) -> bytes:
        dice = random.Random((self.seed << 32) + number)
        rtcp = dice.random() < 0.3
        data = _rtcp(dice) if rtcp else _rtp(dice)
        if dice.random() < 0.5:
            data = flipped(dice, data)
        if dice.random() < 0.2:
            data = data[: dice.randrange(len(data) + 1)]
        return bytes((rtcp,)) + data


def _rtp(dice: random.Random) -> bytes:
    payload = dice.randbytes(dice.choice((160, 160, 0, 1, 4, 1400)))
    kind = dice.choice((0, 8, 13, 101, dice.randrange(128)))
    return bytes(
        RtpPacket(kind, dice.getrandbits(16), dice.getrandbits(32), dice.choice((1, dice.getrandbits(32))), payload)
    )


def _rtcp(dice: random.Random) -> bytes:
    source = dice.choice((1, dice.getrandbits(32)))
    reports: Sequence[RtcpPacket] = (
        ReceiverReport(source, ()),
        SenderReport(source, dice.getrandbits(64), dice.getrandbits(32), 1, 160, ()),
    )
    return build_compound([dice.choice(reports), Goodbye((source,))])


class RtpAttack:
    """A call, and packets for its ports from an address that is not that of the call's other side."""

    def __init__(self, signalling: SipAttack, turn: Callable[[], None]) -> None:
        """``turn`` waits until one more may be sent."""
        self._signalling, self._turn = signalling, turn
        self._port: tuple[str, int] | None = None
        self._records: list[Record] = []

    def begin(self) -> str:
        """Call, and learn where its media goes. Raises Blame, or NotApplicable, when there is no call."""
        told = self._signalling.begin()
        response = self._signalling.answer
        try:
            description = SessionDescription.parse(
                body_of(response, "application/sdp") if response is not None else b""
            )
        except RtpError as error:
            blame(f"the call has no session description that can be read: {error}")
        media = next((each for each in description.media if each.kind == "audio" and each.port), None)
        connection = None if media is None else description.connection_of(media)
        if media is None or connection is None:
            blame("the call has no audio")
        self._port = (connection.address, media.port)
        return told

    def send(self, inputs: Sequence[bytes]) -> None:
        """Each to the port that it says."""
        if self._port is None:
            return
        host, port = self._port
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        with socket.socket(family, socket.SOCK_DGRAM) as stranger:
            stranger.setblocking(False)
            stranger.connect((host, port))
            here = stranger.getsockname()[:2]
        with socket.socket(family, socket.SOCK_DGRAM) as stranger:
            stranger.bind((here[0], 0))
            here = stranger.getsockname()[:2]
            for data in inputs:
                if not data:
                    continue
                self._turn()
                rtcp = data[0] & 1
                layer = "rtcp" if rtcp else "rtp"
                there = (host, port + rtcp)
                if len(data) > 12:
                    self._records.append(
                        Record(
                            at=time.monotonic(),
                            layer=layer,
                            transport="UDP",
                            source=(here[0], here[1]),
                            destination=there,
                            data=data[1:],
                        )
                    )
                with contextlib.suppress(OSError):
                    stranger.sendto(data[1:], there)
        del self._records[:-1000]

    def complaint(self) -> str:
        """What is wrong with the call."""
        return self._signalling.complaint()

    def revive(self) -> bool:
        """Call again."""
        self._records, self._port = [], None
        if not self._signalling.revive():
            return False
        self._signalling.silence()
        self.begin()
        return True

    def records(self) -> Sequence[Record]:
        """What crossed the wire, packets and messages."""
        return sorted([*self._signalling.records(), *self._records], key=lambda each: each.at)

    def names(self) -> dict[tuple[str, int], str]:
        """Who speaks at which address."""
        return self._signalling.names()

    def close(self) -> None:
        """Hang up."""
        self._signalling.close()
