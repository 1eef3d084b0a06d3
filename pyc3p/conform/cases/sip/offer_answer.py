"""Offer and answer: RFC 3264, RFC 3261 section 13.2.1."""

from __future__ import annotations

from typing import Final

import rtp
from pyc3p.conform.bench import Bench
from pyc3p.conform.call import Call, place_call
from pyc3p.conform.case import Trait, case
from pyc3p.conform.peer import Peer
from rtp import Direction, SessionDescription
from sip import Response, body_of
from sip.testing import Force

CALLEE: Final = (Trait.USER_AGENT,)
SDP: Final = "application/sdp"


def described(bench: Bench, response: Response) -> SessionDescription:
    """The session description of a response; blames what cannot be read."""
    body = body_of(response, SDP)
    if not body:
        bench.blame(f"{response.status} without a session description")
    try:
        return SessionDescription.parse(body)
    except rtp.RtpError as error:
        bench.blame(f"a session description that cannot be read: {error}")


def _answer_to(bench: Bench, offer: bytes) -> tuple[SessionDescription, SessionDescription]:
    """An offer and its answer; ends the case where the call is refused, which every callee may."""
    call = place_call(bench.peer(), offer=offer)
    return SessionDescription.parse(offer), described(bench, call.response)


def _lines(offer: bytes, *more: str) -> bytes:
    return offer + "".join(f"{line}\r\n" for line in more).encode()


@case("RFC 3264 section 6", Force.MUST, applies=CALLEE)
def answer(bench: Bench) -> None:
    """An answer has as many streams as the offer, of the same kinds in the same order, and the same time."""
    offered, answered = _answer_to(bench, bench.offer(bench.peer()))
    _mirrors(bench, offered, answered)


def _mirrors(bench: Bench, offered: SessionDescription, answered: SessionDescription) -> None:
    theirs, ours = [each.kind for each in answered.media], [each.kind for each in offered.media]
    if theirs != ours:
        bench.blame(f"m= lines {', '.join(theirs) or 'none'}, of {', '.join(ours)}")
    if answered.timing[:1] != offered.timing[:1]:
        bench.blame(f"{' '.join(answered.timing)}, of {' '.join(offered.timing)}")


@case("RFC 3264 section 6", Force.MUST, applies=CALLEE)
def second_stream(bench: Bench) -> None:
    """A stream that is not wanted is refused by port 0 in its place, not left out."""
    offer = _lines(bench.offer(bench.peer()), "m=application 49180 x-nobody-knows 1")
    offered, answered = _answer_to(bench, offer)
    _mirrors(bench, offered, answered)
    if not answered.media[1].rejected:
        bench.blame("a protocol that nobody knows is taken")


@case("RFC 3264 section 6", Force.MUST, applies=CALLEE)
def first_stream_unknown(bench: Bench) -> None:
    """A stream that nobody knows may be the first one."""
    plain = bench.offer(bench.peer())
    head, _, audio = plain.partition(b"m=audio")
    offer = head + b"m=application 49180 x-nobody-knows 1\r\nm=audio" + audio
    offered, answered = _answer_to(bench, offer)
    _mirrors(bench, offered, answered)


@case("RFC 3264 section 8.2", Force.MUST, applies=CALLEE)
def port_zero(bench: Bench) -> None:
    """A stream that is offered with port 0 has port 0 in the answer."""
    offer = _lines(bench.offer(bench.peer()), "m=audio 0 RTP/AVP 0")
    offered, answered = _answer_to(bench, offer)
    _mirrors(bench, offered, answered)
    if not answered.media[1].rejected:
        bench.blame(f"port {answered.media[1].port}")


def _direction(bench: Bench, word: str, allowed: tuple[Direction, ...]) -> None:
    offer = bench.offer(bench.peer()).replace(b"a=sendrecv", f"a={word}".encode())
    _, answered = _answer_to(bench, offer)
    found = answered.direction_of(answered.media[0])
    if found not in allowed and not answered.media[0].rejected:
        bench.blame(f"a={found}")


@case("RFC 3264 section 6.1", Force.MUST, applies=CALLEE)
def sendonly(bench: Bench) -> None:
    """To sendonly recvonly or inactive is answered."""
    _direction(bench, "sendonly", (Direction.RECVONLY, Direction.INACTIVE))


@case("RFC 3264 section 6.1", Force.MUST, applies=CALLEE)
def recvonly(bench: Bench) -> None:
    """To recvonly sendonly or inactive is answered."""
    _direction(bench, "recvonly", (Direction.SENDONLY, Direction.INACTIVE))


@case("RFC 3264 section 6.1", Force.MUST, applies=CALLEE)
def inactive(bench: Bench) -> None:
    """To inactive inactive is answered."""
    _direction(bench, "inactive", (Direction.INACTIVE,))


@case("RFC 3264 section 6.1", Force.MUST, applies=CALLEE)
def common_format(bench: Bench) -> None:
    """A stream that is taken has at least one of the formats that were offered."""
    offered, answered = _answer_to(bench, bench.offer(bench.peer()))
    if not answered.media[0].rejected and not set(answered.media[0].formats) & set(offered.media[0].formats):
        bench.blame(f"formats {' '.join(answered.media[0].formats)}, of {' '.join(offered.media[0].formats)}")


@case("RFC 3264 section 6.1", Force.MUST, applies=CALLEE)
def no_common_format(bench: Bench) -> None:
    """Without a format in common a stream is refused, by port 0 or with the whole call."""
    peer = bench.peer()
    offer = bench.offer(peer).replace(b"RTP/AVP 0 8", b"RTP/AVP 121")
    lines = [line for line in offer.split(b"\r\n") if not line.startswith(b"a=rtpmap")]
    offer = b"\r\n".join([*lines[:-1], b"a=rtpmap:121 x-nobody-knows/8000", b""])
    exchange = peer.ask(peer.request("INVITE", bench.target.uri, body=offer), within=bench.ring_patience)
    if exchange.status < 300 and not described(bench, exchange.final).media[0].rejected:
        bench.blame("it is taken")


@case("RFC 3264 section 6.1", Force.MUST, applies=CALLEE)
def dynamic_payload_types(bench: Bench) -> None:
    """A dynamic payload type in an answer has its rtpmap."""
    plain = bench.offer(bench.peer())
    offer = _lines(plain.replace(b"RTP/AVP 0 8", b"RTP/AVP 0 8 101"), "a=rtpmap:101 telephone-event/8000")
    _, answered = _answer_to(bench, offer)
    first = answered.media[0]
    mapped = {value.partition(" ")[0] for value in first.attributes_named("rtpmap")}
    bare = [each for each in first.formats if each.isdigit() and int(each) >= 96 and each not in mapped]
    if bare and not first.rejected:
        bench.blame(f"no rtpmap for {', '.join(bare)}")


@case("RFC 3261 section 13.2.1", Force.MUST, applies=CALLEE, needs=("user-agent.call",))
def invite_without_offer(bench: Bench) -> None:
    """An INVITE without an offer is answered with one."""
    peer = bench.peer()
    exchange = peer.call(offer=b"")
    call = Call.of_caller(peer, exchange.request, exchange.final)
    made = described(bench, exchange.final)
    call.acknowledge(body=_answer(peer, made))
    if not made.media:
        bench.blame("its offer has no stream")
    if call.hang_up().status != 200:
        bench.blame("after the answer in ACK BYE is not answered 200")


def _answer(peer: Peer, offered: SessionDescription) -> bytes:
    """An answer that takes all audio and refuses everything else."""
    host = peer.address.host
    kind = "IP6" if ":" in host else "IP4"
    lines = ["v=0", f"o=- 1 1 IN {kind} {host}", "s=-", f"c=IN {kind} {host}", "t=0 0"]
    for media in offered.media:
        port = 49170 if media.kind == "audio" and media.proto == "RTP/AVP" else 0
        lines.append(f"m={media.kind} {port} {media.proto} {media.formats[0]}")
    return ("\r\n".join(lines) + "\r\n").encode()


@case("RFC 3264 section 8", Force.MUST, applies=CALLEE, needs=("dialogs.reinvite",))
def version(bench: Bench) -> None:
    """The answer to a re-INVITE has the origin of the first one, and a version that is the same or one higher."""
    call = place_call(bench.peer())
    first = described(bench, call.response).origin
    offer = call.invite.body.replace(b" 1 IN ", b" 2 IN ", 1).replace(b"a=sendrecv", b"a=sendonly")
    answered = call.ask("INVITE", body=offer)
    if answered.status >= 300:
        bench.skip(f"hold is answered {answered.told}")
    second = described(bench, answered.final).origin
    same = (first.username, first.session_id, first.address) == (second.username, second.session_id, second.address)
    if not same or second.session_version - first.session_version not in (0, 1):
        bench.blame(f"o={first}, and then o={second}")


@case("RFC 3264 section 6.1", Force.MUST, applies=CALLEE, needs=("dialogs.reinvite",))
def hold(bench: Bench) -> None:
    """A re-INVITE with sendonly, as on hold, is answered recvonly or inactive, and one with sendrecv ends that."""
    call = place_call(bench.peer())
    held = call.ask("INVITE", body=call.invite.body.replace(b" 1 IN ", b" 2 IN ", 1).replace(b"sendrecv", b"sendonly"))
    if held.status >= 300:
        bench.skip(f"hold is answered {held.told}")
    description = described(bench, held.final)
    found = description.direction_of(description.media[0])
    if found not in (Direction.RECVONLY, Direction.INACTIVE):
        bench.blame(f"a={found}")
    again = call.ask("INVITE", body=call.invite.body.replace(b" 1 IN ", b" 3 IN ", 1))
    if again.status >= 300:
        bench.blame(f"sendrecv again is answered {again.told}")


@case("RFC 3261 section 13.3.1.3", Force.SHOULD, applies=CALLEE)
def unreadable_description(bench: Bench) -> None:
    """A session description that nobody can read is refused: nothing is made up."""
    peer = bench.peer()
    request = peer.request("INVITE", bench.target.uri, body=b"v=0\r\nthis is none\r\n")
    exchange = peer.ask(request, within=bench.ring_patience)
    if exchange.status < 300:
        bench.blame(exchange.told)
