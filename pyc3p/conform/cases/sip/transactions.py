"""Transactions and where responses go: RFC 3261 sections 17 and 18, RFC 3581."""

from __future__ import annotations

import contextlib
import time

from pyc3p.conform.bench import Bench
from pyc3p.conform.case import Silent, Trait, case
from pyc3p.conform.peer import T1, Peer, ack_of, told
from sip import Request, Response
from sip.testing import Force

#: Seconds beyond what a clause grants, for the network and a busy machine.
GRACE = 0.5
#: RFC 3261 section 17.2.1: milliseconds after which 100 is owed.
TRYING = 0.2


@case("RFC 3261 section 11.2", Force.SHOULD)
def options(bench: Bench) -> None:
    """OPTIONS gets a final response."""
    peer = bench.peer()
    peer.ask(peer.request("OPTIONS"))


@case("RFC 3261 section 17.2.2", Force.MUST, over=("UDP",))
def repeated_request(bench: Bench) -> None:
    """A request that is sent again gets the same response again. An element without transactions has to answer a
    repeated request as it did before, with the same tag (RFC 3261 section 8.2.7)."""
    peer = bench.peer()
    request = peer.request("OPTIONS")
    first = peer.ask(request, credentials=False).final
    peer.send(request)
    second = peer.response(request, final=True)
    _same(bench, first, second)


@case("RFC 3261 section 17.2.2", Force.MUST, over=("UDP",), applies=(Trait.REGISTRAR,))
def repeated_register(bench: Bench) -> None:
    """A REGISTER that is sent again gets the same response again, not one that its CSeq is old."""
    peer = bench.peer("bob")
    exchange = peer.ask(bench.registration(peer))
    peer.send(exchange.request)
    again = peer.response(exchange.request, final=True)
    _same(bench, exchange.final, again)


def _same(bench: Bench, first: Response, second: Response | None) -> None:
    if second is None:
        bench.blame("nothing the second time")
    if (first.status, first.to.tag) != (second.status, second.to.tag):
        bench.blame(f"{told(first)} with To tag {first.to.tag}, and then {told(second)} with To tag {second.to.tag}")


@case("RFC 3261 section 8.1.1.7", Force.MUST)
def other_branch(bench: Bench) -> None:
    """A request with another branch, Call-ID and CSeq is another one, and is answered for itself."""
    peer = bench.peer()
    one, two = peer.request("OPTIONS"), peer.request("OPTIONS")
    peer.send(one)
    peer.send(two)
    for each in (one, two):
        if peer.response(each, final=True) is None:
            bench.blame(f"nothing to the request with CSeq {each.cseq}")


@case("RFC 3261 section 18.2.2", Force.MUST, over=("UDP",))
def sent_by_port(bench: Bench) -> None:
    """Without rport a response goes to the port in the topmost Via, wherever the request came from."""
    here, there = bench.peer(), bench.peer("other")
    request = here.request("OPTIONS")
    via = str(request.via[0]).replace(";rport", "").replace(f":{here.address.port};", f":{there.address.port};")
    request = request.evolve(set={"Via": via})
    there.remember(request)
    here.send(request)
    if there.response(request, final=True) is None:
        wrong = here.response(request, within=0.0)
        bench.blame("nothing there" + (f", but {told(wrong)} where it came from" if wrong else ""))


@case("RFC 3581 section 4", Force.SHOULD, over=("UDP",))
def rport(bench: Bench) -> None:
    """With rport a response goes to where the request came from, and says where that was."""
    here, there = bench.peer(), bench.peer("other")
    request = here.request("OPTIONS")
    via = str(request.via[0]).replace(f":{here.address.port};", f":{there.address.port};")
    request = request.evolve(set={"Via": via})
    here.send(request)
    response = here.response(request, final=True)
    if response is None:
        wrong = there.response(request, within=0.0)
        bench.blame("nothing there" + (f", but {told(wrong)} at the port in Via" if wrong else ""))
    if response.via[0].params.get("rport") != str(here.address.port):
        bench.blame(f"Via: {response.via[0]}")


@case("RFC 3261 section 18.2.1", Force.MUST)
def received(bench: Bench) -> None:
    """Where the host in the topmost Via is a name, the response says from which address the request came."""
    peer = bench.peer()
    request = peer.request("OPTIONS")
    port = peer.address.port
    via = f"SIP/2.0/{bench.target.transport} host.invalid:{port};branch={request.via[0].branch}"
    if bench.target.transport == "UDP":
        via += ";rport"
    request = request.evolve(set={"Via": via})
    peer.send(request)
    response = peer.response(request, final=True)
    if response is None:
        bench.blame("nothing")
    if response.via[0].received != peer.address.host:
        bench.blame(f"Via: {response.via[0]}")


@case("RFC 3261 section 17", Force.MUST)
def stray_ack(bench: Bench) -> None:
    """An ACK that belongs to nothing is not answered."""
    peer = bench.peer()
    request = peer.request("ACK", bench.target.uri, to_tag=bench.token())
    peer.send(request)
    arrival = peer.take(lambda each: isinstance(each.message, Response), within=1.0)
    if arrival is not None:
        bench.blame(told(arrival.message))


@case("RFC 3261 section 17.1.3", Force.MUST)
def stray_response(bench: Bench) -> None:
    """A response to nothing that was asked does no harm."""
    peer = bench.peer()
    response = peer.request("OPTIONS").response(200, to_tag=bench.token())
    peer.send(response)
    bench.check_alive()


def refused_invite(bench: Bench, peer: Peer) -> Request:
    """An INVITE that is refused: to a user whom nobody knows. Its final response has been seen and not acknowledged."""
    request = peer.request("INVITE", bench.target.aor(f"nobody-{bench.token()}"), body=bench.offer(peer))
    peer.acks = False
    try:
        exchange = peer.ask(request, credentials=False, within=bench.ring_patience)
    except Silent as wrong:  # what comes of a refusal is not seen where there is none
        bench.skip(f"a call to nobody is not refused: {wrong.seen}")
    if exchange.status < 300:
        bench.skip(f"a call to nobody is taken: {exchange.told}")
    peer.inbox.append(peer.last_arrival(exchange.final))
    return request


@case("RFC 3261 section 17.2.1", Force.MUST, over=("UDP",))
def refusal_repeated(bench: Bench) -> None:
    """Over UDP a refusal of INVITE comes again until there is an ACK. Who keeps no transaction answers the INVITE that
    is sent again (RFC 3261 section 8.2.7), and is as right."""
    peer = bench.peer()
    request = refused_invite(bench, peer)
    first = peer.response(request, final=True)
    again = peer.response(request, final=True, within=2 * T1 + GRACE)
    if again is None:
        peer.send(request)
        again = peer.response(request, final=True)
    if again is None:
        bench.blame(f"{told(first)} once, and nothing more for the INVITE that was sent again")
    assert first is not None
    peer.send(ack_of(request, first))


@case("RFC 3261 section 17.2.1", Force.MUST, over=("UDP",))
def refusal_acknowledged(bench: Bench) -> None:
    """After the ACK a refusal of INVITE does not come any more."""
    peer = bench.peer()
    request = refused_invite(bench, peer)
    first = peer.response(request, final=True)
    assert first is not None
    peer.send(ack_of(request, first))
    bench.quiet(0.1)  # what was on its way
    while peer.response(request, within=0.0) is not None:
        pass
    late = peer.response(request, within=3 * T1)
    if late is not None:
        bench.blame(f"{told(late)} again")


@case("RFC 3261 section 17.2.1", Force.MUST)
def trying(bench: Bench) -> None:
    """INVITE has a response within 200 ms, 100 if there is no other yet."""
    peer = bench.peer()
    waits = []
    for _ in range(3):  # a machine may be busy once
        request = peer.request("INVITE", bench.target.uri, body=bench.offer(peer))
        begun = peer.send(request)
        if peer.response(request, within=TRYING + GRACE + bench.facts.round_trip) is not None:
            return
        peer.response(request)
        waits.append(time.monotonic() - begun)
    bench.blame(f"the first response after {min(waits):.1f} s")


@case("RFC 3261 section 8.2.6.1", Force.MUST)
def timestamp(bench: Bench) -> None:
    """100 has the Timestamp of the INVITE."""
    peer = bench.peer()
    request = peer.request("INVITE", bench.target.uri, headers=[("Timestamp", "54.25")], body=bench.offer(peer))
    with contextlib.suppress(Silent):  # that nothing final came is another matter
        peer.ask(request, within=bench.ring_patience, credentials=False)
    trying = [each for _, responses in peer.invites() for each in responses if each.status == 100]
    if not trying:
        bench.skip("there was no 100")
    lines = trying[0].headers.get_all("Timestamp")
    if not lines or not lines[0].startswith("54.25"):
        bench.blame(f"Timestamp: {lines[0]}" if lines else "no Timestamp")


@case("RFC 4320 section 4.1", Force.MUST)
def no_provisional(bench: Bench) -> None:
    """A request other than INVITE gets no provisional response but 100."""
    peer = bench.peer()
    exchange = peer.ask(peer.request("OPTIONS"))
    wrong = [each for each in exchange.provisional if each.status > 100]
    if wrong:
        bench.blame(told(wrong[0]))
