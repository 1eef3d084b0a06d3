"""What a packet costs: RTP parse and serialise, G.711, jitter buffer, a whole leg, SRTP.

Run ``python benchmarks/rtp_packets.py``. It prints one table; where a peer library is installed it is measured in the
same run. A leg of 20 ms packets has 50 a second in each direction.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from itertools import count

import rtp
from rtp.srtp.profile import PROFILES

PAYLOAD = bytes(range(160))
PCM = rtp.ulaw_decode(PAYLOAD)
REST = bytes(rtp.RtpPacket(0, 0, 160, 7, PAYLOAD))[4:]  #: of a packet, after its sequence number
Protect = Callable[[bytes], bytes]
ROUNDS = 40
LEG_RATE = 50  #: packets a second in one direction


def per_call(work: Callable[[], object], *, seconds: float) -> float:
    """Microseconds of CPU for one call, the best of many short rounds: others may be at work beside us."""
    calls, spent = 1, 0.0
    while spent < seconds / 10:
        calls *= 2
        spent = timed(work, calls)
    length = max(1, int(calls * seconds / ROUNDS / max(spent, 1e-9)))
    return min(timed(work, length) for _ in range(ROUNDS)) / length * 1e6


def timed(work: Callable[[], object], calls: int) -> float:
    begin = time.process_time()
    for _ in range(calls):
        work()
    return time.process_time() - begin


def packets() -> Iterator[tuple[str, Callable[[], object]]]:
    wire = bytes(rtp.RtpPacket(0, 1, 160, 7, PAYLOAD))
    rich = bytes(rtp.RtpPacket(0, 1, 160, 7, PAYLOAD, csrc=(1, 2, 3), extension_profile=0xBEDE, extension=bytes(4)))
    packet = rtp.RtpPacket.parse(wire)
    sender = rtp.RtpSender(ssrc=7, sequence_number=0, timestamp=0)
    report = bytes(rtp.SenderReport(1, 2, 3, 4, 5, (rtp.ReportBlock(6),)))
    yield "RTP parse", lambda: rtp.RtpPacket.parse(wire)
    yield "RTP parse, 3 CSRC and extension", lambda: rtp.RtpPacket.parse(rich)
    yield "RTP serialise", lambda: bytes(packet)
    yield "RTP next packet of a sender", lambda: sender.packet(PAYLOAD, 0, now=0.0)
    yield "RTCP parse, SR with one block", lambda: rtp.parse_rtcp(report)


def sound() -> Iterator[tuple[str, Callable[[], object]]]:
    yield "G.711 decode 20 ms", lambda: rtp.ulaw_decode(PAYLOAD)
    yield "G.711 encode 20 ms", lambda: rtp.ulaw_encode(PCM)
    buffer, clock = rtp.JitterBuffer(), iter(range(10**9))

    def through_buffer() -> None:
        index = next(clock)
        buffer.push(160 * index & 0xFFFF_FFFF, rtp.ulaw_decode(PAYLOAD), now=0.02 * index)
        buffer.pop(now=0.02 * index + 0.01)

    yield "jitter buffer and decode", through_buffer


def leg(capabilities: rtp.Capabilities) -> rtp.MediaStream:
    offered = rtp.offer(capabilities, "192.0.2.1", 4000)
    audio = rtp.negotiate(offered, rtp.answer(offered, capabilities, "192.0.2.2", 5000)).audio
    assert audio is not None
    return rtp.MediaStream(audio, ssrc=1, sequence_number=0, timestamp=0, cname="a", uniform=lambda: 0.5, now=0.0)


def legs() -> Iterator[tuple[str, Callable[[], object]]]:
    stream, clock = leg(rtp.Capabilities()), iter(range(10**9))
    peer = rtp.RtpSender(ssrc=9, sequence_number=0, timestamp=0)

    def receive() -> None:
        now = 0.02 * next(clock)
        data = peer.packet(PAYLOAD, 0, now=now)
        peer.advance(160)
        stream.receive("rtp", data, ("192.0.2.2", 5000), now=now)
        stream.pop_frame(now=now + 0.01)

    yield "leg: one packet in, one frame out", receive
    yield "leg: one encoded frame out", lambda: stream.send_frame(payload=PAYLOAD, csrc=(1, 2), now=0.0)
    yield "leg: one frame encoded and out", lambda: stream.send_frame(PCM, csrc=(1, 2), now=0.0)


def in_order() -> Iterator[bytes]:
    """Packets of one sender, whose sequence numbers wrap as they do."""
    for number in count():
        yield b"".join((b"\x80\0", (number & 0xFFFF).to_bytes(2, "big"), REST))


def both_ways(protect: Protect, unprotect: Protect) -> Callable[[], object]:
    """Protect the next packet and open it again."""
    following = in_order().__next__
    return lambda: unprotect(protect(following()))


def secure() -> Iterator[tuple[str, Callable[[], object]]]:
    yield "SRTP: nothing but the next packet", in_order().__next__
    for name, profile in PROFILES.items():
        key, salt = bytes(profile.key_length), bytes(profile.salt_length)
        here, there = rtp.SrtpContext(name, key, salt), rtp.SrtpContext(name, key, salt)
        yield f"SRTP both ways {name}", both_ways(here.protect, there.unprotect)
        theirs = libsrtp(name, key + salt)
        if theirs is not None:
            yield "  the same by pylibsrtp", both_ways(*theirs)


def libsrtp(name: str, key: bytes) -> tuple[Protect, Protect] | None:
    """libsrtp (C) with a binding for Python, where that is installed and has the profile: protect and unprotect."""
    try:
        from pylibsrtp import Policy, Session
    except ImportError:
        return None
    profile = {
        "AES_CM_128_HMAC_SHA1_80": Policy.SRTP_PROFILE_AES128_CM_SHA1_80,
        "AES_CM_128_HMAC_SHA1_32": Policy.SRTP_PROFILE_AES128_CM_SHA1_32,
        "AEAD_AES_128_GCM": Policy.SRTP_PROFILE_AEAD_AES_128_GCM,
        "AEAD_AES_256_GCM": Policy.SRTP_PROFILE_AEAD_AES_256_GCM,
    }.get(name)
    if profile is None:
        return None
    sending = Session(Policy(key=key, ssrc_type=Policy.SSRC_ANY_OUTBOUND, srtp_profile=profile))
    receiving = Session(Policy(key=key, ssrc_type=Policy.SSRC_ANY_INBOUND, srtp_profile=profile))
    return sending.protect, receiving.unprotect


def peers() -> Iterator[tuple[str, Callable[[], object]]]:
    """What aiortc, pure Python as well, takes for a packet, where it is installed."""
    try:
        from aiortc.rtp import RtpPacket
    except ImportError:
        return
    wire = bytes(rtp.RtpPacket(0, 1, 160, 7, PAYLOAD))
    packet = RtpPacket.parse(wire)
    yield "  RTP parse by aiortc", lambda: RtpPacket.parse(wire)
    yield "  RTP serialise by aiortc", packet.serialize


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=0.3, help="of measuring for each row")
    options = parser.parse_args()
    print(f"{'':44}{'us':>9}{'per second':>14}{'legs a core':>14}")
    for group in (packets, peers, sound, legs, secure):
        for name, work in group():
            cost = per_call(work, seconds=options.seconds)
            print(f"{name:44}{cost:9.2f}{1e6 / cost:14,.0f}{1e6 / cost / LEG_RATE:14,.0f}")


if __name__ == "__main__":
    main()
