"""A user agent that is called: RFC 3261 sections 8.2 and 13.3."""

from __future__ import annotations

from typing import Final

from pyc3p.conform.bench import Bench
from pyc3p.conform.call import Call, place_call
from pyc3p.conform.case import Trait, case
from pyc3p.conform.peer import T1, told
from sip import Request
from sip.testing import Force

CALLEE: Final = (Trait.USER_AGENT,)
GRACE: Final = 0.5


@case("RFC 3261 section 13.3.1.4", Force.MUST, applies=CALLEE)
def call(bench: Bench) -> None:
    """A call is taken, acknowledged and hung up, and BYE is answered 200."""
    call = place_call(bench.peer())
    answer = call.hang_up()
    if answer.status != 200:
        bench.blame(f"BYE is answered {answer.told}")


@case("RFC 3261 section 13.3.1.4", Force.MUST, applies=CALLEE)
def answer_repeated(bench: Bench) -> None:
    """A 2xx comes again until there is an ACK, over any transport."""
    peer = bench.peer()
    exchange = peer.call()
    again = peer.response(exchange.request, final=True, within=2 * T1 + GRACE)
    Call.of_caller(peer, exchange.request, exchange.final).acknowledge()
    if again is None:
        bench.blame(f"once in {2 * T1 + GRACE:g} s")


@case("RFC 3261 section 13.3.1.4", Force.MUST, applies=CALLEE)
def answer_acknowledged(bench: Bench) -> None:
    """After the ACK a 2xx does not come any more."""
    peer = bench.peer()
    call = place_call(peer)
    bench.quiet(0.1)  # what was on its way
    while peer.response(call.invite, within=0.0) is not None:
        pass
    late = peer.response(call.invite, final=True, within=3 * T1)
    if late is not None:
        bench.blame(f"{told(late)} again")


@case("RFC 3261 section 17.2.1", Force.MUST, applies=CALLEE, over=("UDP",))
def repeated_invite(bench: Bench) -> None:
    """An INVITE that is sent again is the same call: no second one, and no other tag."""
    peer = bench.peer()
    request = peer.request("INVITE", bench.target.uri, body=bench.offer(peer))
    peer.send(request)
    peer.send(request)
    exchange = peer.ask(request, within=bench.ring_patience)
    bench.quiet(GRACE)
    tags = {response.to.tag for _, responses in peer.invites() for response in responses if response.status > 100}
    if len(tags) > 1:
        bench.blame(f"To tags {', '.join(map(str, tags))}")
    if exchange.status < 300:
        Call.of_caller(peer, exchange.request, exchange.final).acknowledge()


@case("RFC 3261 section 8.2.2.2", Force.SHOULD, applies=(Trait.USER_AGENT, Trait.RINGS))
def merged_request(bench: Bench) -> None:
    """An INVITE that comes a second time by another way is answered 482 while the first one is pending."""
    peer = bench.peer()
    first = peer.request("INVITE", bench.target.uri, body=bench.offer(peer))
    peer.send(first)
    if peer.response(first) is None:
        bench.skip("nothing to INVITE")
    second = first.evolve(set={"Via": peer.via(peer.branch())})
    peer.send(second)
    response = peer.response(second, final=True)
    if response is None or response.status != 482:
        bench.blame(told(response))


@case("RFC 3261 section 8.2.3", Force.MUST, applies=CALLEE)
def unknown_body(bench: Bench) -> None:
    """A body of a type that nobody knows is 415, and Accept says which are known."""
    peer = bench.peer()
    request = peer.request("INVITE", bench.target.uri, body=b"\x00\x01\x02", content_type="application/x-nobody-knows")
    exchange = peer.ask(request, within=bench.ring_patience)
    if exchange.status != 415:
        bench.blame(exchange.told)
    if "Accept" not in exchange.final.headers:
        bench.blame("415 without Accept")


@case("RFC 3204 section 6", Force.MUST, applies=CALLEE)
def optional_body(bench: Bench) -> None:
    """A body of a type that nobody knows is ignored where Content-Disposition says that it is optional."""
    peer = bench.peer()
    request = peer.request(
        "INVITE",
        bench.target.uri,
        headers=[("Content-Disposition", "x-nobody-knows;handling=optional")],
        body=b"some text",
        content_type="application/x-nobody-knows",
    )
    exchange = peer.ask(request, within=bench.ring_patience)
    if exchange.status == 415:
        bench.blame(exchange.told)


@case("RFC 3261 section 8.2.2.3", Force.MUST, applies=CALLEE)
def unknown_extension(bench: Bench) -> None:
    """An INVITE with an unknown option-tag in Require is 420."""
    peer = bench.peer()
    request = peer.request("INVITE", bench.target.uri, headers=[("Require", "x-nobody-knows")], body=bench.offer(peer))
    exchange = peer.ask(request, within=bench.ring_patience)
    if exchange.status != 420:
        bench.blame(exchange.told)


@case("RFC 3261 section 15.1.2", Force.SHOULD, applies=CALLEE)
def unknown_dialog(bench: Bench) -> None:
    """A BYE with a To tag that belongs to no dialog is 481."""
    peer = bench.peer()
    exchange = peer.ask(peer.request("BYE", bench.target.uri, to_tag=bench.token()))
    if exchange.status != 481:
        bench.blame(exchange.told)


@case("RFC 3261 section 15.1.2", Force.SHOULD, applies=CALLEE)
def bye_to_nothing(bench: Bench) -> None:
    """A BYE without a To tag belongs to no dialog, and is 481."""
    peer = bench.peer()
    exchange = peer.ask(peer.request("BYE", bench.target.uri))
    if exchange.status != 481:
        bench.blame(exchange.told)


@case("RFC 3261 section 8.2.1", Force.MUST, applies=CALLEE)
def unknown_method(bench: Bench) -> None:
    """A method that a user agent does not support is 405 with Allow, or 501 where nobody knows it."""
    peer = bench.peer()
    exchange = peer.ask(peer.request("NEWMETHOD", bench.target.uri))
    if exchange.status not in (405, 501):
        bench.blame(exchange.told)
    if exchange.status == 405 and "Allow" not in exchange.final.headers:
        bench.blame("405 without Allow")


@case("RFC 3261 section 12.1.1", Force.MUST, applies=CALLEE, needs=("user-agent.call",))
def contact_of_answer(bench: Bench) -> None:
    """The Contact of a 2xx is one SIP address, at which the next requests arrive."""
    peer = bench.peer()
    exchange = peer.call()
    lines = exchange.final.headers.get_all("Contact")
    found = Call.of_caller(peer, exchange.request, exchange.final)
    found.acknowledge()
    if len(lines) != 1 or found.target is exchange.request.uri or found.target.scheme not in ("sip", "sips"):
        bench.blame("; ".join(lines) or "no Contact")
    answer = found.hang_up()
    if answer.status == 481:
        bench.blame(f"BYE to {found.target} in the dialog is answered {answer.told}")


@case("RFC 3261 section 13.2.1", Force.SHOULD, applies=CALLEE)
def unusable_address_in_from(bench: Bench) -> None:
    """Whatever scheme the address in From has, a call is a call."""
    peer = bench.peer()
    request: Request = peer.request("INVITE", bench.target.uri, body=bench.offer(peer))
    request = request.evolve(set={"From": f"<tel:+15550100>;tag={bench.token()}"})
    exchange = peer.ask(request, within=bench.ring_patience)
    if exchange.status in (400, 416, 500):
        bench.blame(exchange.told)
