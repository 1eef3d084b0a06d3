"""What a proxy does with requests for a user who is registered: RFC 3261 section 16."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Final

from pyc3p.conform.bench import Bench
from pyc3p.conform.call import Call
from pyc3p.conform.case import Trait, case
from pyc3p.conform.peer import Exchange, Peer, ack_of, cancel_of, told
from pyc3p.conform.wire import Arrival
from sip import Request, Response
from sip.testing import Force

PROXY: Final = (Trait.PROXY,)


def passed(
    bench: Bench,
    method: str = "MESSAGE",
    *,
    headers: Iterable[tuple[str, object]] = (),
    body: bytes = b"",
    content_type: str | None = None,
) -> tuple[Peer, Request, Peer, Request, Arrival]:
    """A request of alice for bob, who is registered: who sent what, and what arrived. Without that the case ends."""
    bob, alice = bench.registered(), bench.peer()
    body = body or (bench.offer(alice) if method == "INVITE" else b"")
    made = alice.request(method, bob.aor, headers=headers, body=body, content_type=content_type)
    request, arrival = deliver(bench, alice, bob, made)
    if arrival is None:
        seen = alice.response(request, final=True, within=0.0)
        bench.skip(f"{method} does not arrive; its sender gets {told(seen)}")
    assert isinstance(arrival.message, Request)
    return alice, request, bob, arrival.message, arrival


def deliver(bench: Bench, alice: Peer, bob: Peer, request: Request) -> tuple[Request, Arrival | None]:
    """Send a request, with a password where one is asked for; what was sent last, and what arrived."""
    alice.send(request)
    until = time.monotonic() + bench.patience
    while time.monotonic() < until:
        arrival = bob.received(request.method, within=0.02)
        if arrival is not None:
            return request, arrival
        refused = alice.response(request, final=True, within=0.02)
        lines = () if refused is None else bench.credentials_for(refused, request)
        if refused is not None and not lines:
            alice.inbox.append(alice.last_arrival(refused))
            return request, None
        if lines:
            request = alice.with_credentials(request, lines)
            alice.send(request)
    return request, None


@case("RFC 3261 section 16.6", Force.MUST, applies=PROXY)
def request_uri(bench: Bench) -> None:
    """The Request-URI becomes the Contact that is registered."""
    _, _, bob, got, arrival = passed(bench)
    bob.answer(arrival, 200)
    if not got.uri.equivalent(bob.contact_uri):
        bench.blame(str(got.uri))


@case("RFC 3261 section 16.6", Force.MUST, applies=PROXY)
def via_on_top(bench: Bench) -> None:
    """A proxy puts its Via before those that were there, with a branch of its own that begins with z9hG4bK."""
    _, request, bob, got, arrival = passed(bench)
    bob.answer(arrival, 200)
    if len(got.via) < 2 or got.via[-1].branch != request.via[0].branch:
        bench.blame("; ".join(map(str, got.via)))
    branch = got.via[0].branch or ""
    if not branch.startswith("z9hG4bK") or branch == request.via[0].branch:
        bench.blame(f"Via: {got.via[0]}")


@case("RFC 3261 section 16.6", Force.MUST, applies=PROXY)
def max_forwards(bench: Bench) -> None:
    """Max-Forwards gets lower."""
    _, request, bob, got, arrival = passed(bench)
    bob.answer(arrival, 200)
    if got.max_forwards is None or got.max_forwards >= (request.max_forwards or 0):
        bench.blame(f"Max-Forwards: {got.max_forwards}, sent with {request.max_forwards}")


@case("RFC 3261 section 16.6", Force.MUST, applies=PROXY)
def max_forwards_added(bench: Bench) -> None:
    """A request without Max-Forwards gets one."""
    bob, alice = bench.registered(), bench.peer()
    request = alice.request("MESSAGE", bob.aor).evolve(remove=["Max-Forwards"])
    _, arrival = deliver(bench, alice, bob, request)
    if arrival is None:
        bench.blame("the request does not arrive")
    bob.answer(arrival, 200)
    assert isinstance(arrival.message, Request)
    if arrival.message.max_forwards is None:
        bench.blame("no Max-Forwards")


@case("RFC 3261 section 16.3", Force.MUST, applies=PROXY)
def no_hops_left(bench: Bench) -> None:
    """With Max-Forwards 0 a request is not passed on, and is answered 483."""
    bob, alice = bench.registered(), bench.peer()
    final = _kept_back(bench, alice, bob, alice.request("MESSAGE", bob.aor).evolve(set={"Max-Forwards": "0"}))
    if final.status != 483:
        bench.blame(told(final))


def _kept_back(bench: Bench, alice: Peer, bob: Peer, request: Request) -> Response:
    """The final response to a request that must not arrive."""
    request, arrival = deliver(bench, alice, bob, request)
    if arrival is not None:
        bench.blame("it arrives")
    final = alice.response(request, final=True, within=0.0)
    if final is None:
        bench.blame("nothing")
    if bob.received("MESSAGE", within=0.2) is not None:
        bench.blame(f"it arrives after {told(final)}")
    return final


@case("RFC 3261 section 16.3", Force.MUST, applies=PROXY)
def unknown_method(bench: Bench) -> None:
    """A method that a proxy does not know is passed on."""
    _arrives(bench, "NEWMETHOD", [])


@case("RFC 3261 section 16.3", Force.MUST, applies=PROXY)
def unknown_header(bench: Bench) -> None:
    """A header field that a proxy does not know is passed on as it came."""
    got = _arrives(bench, "MESSAGE", [("X-Unknown", 'one;two=,"three'), ("X-Unknown", "four")])
    if got.headers.get_all("X-Unknown") != ('one;two=,"three', "four"):
        bench.blame("; ".join(got.headers.get_all("X-Unknown")) or "no X-Unknown")


@case("RFC 3261 section 16.3", Force.SHOULD, applies=PROXY, hard=True)
def malformed_elsewhere(bench: Bench) -> None:
    """What a proxy does not need may be malformed, and is passed on unchanged."""
    got = _arrives(bench, "MESSAGE", [("Date", "yesterday at noon"), ("Subject", '"')])
    if got.headers.get("Date") != "yesterday at noon":
        bench.blame(f"Date: {got.headers.get('Date')}")


def _arrives(bench: Bench, method: str, headers: list[tuple[str, object]]) -> Request:
    bob, alice = bench.registered(), bench.peer()
    request, arrival = deliver(bench, alice, bob, alice.request(method, bob.aor, headers=headers))
    if arrival is None:
        bench.blame(f"it does not arrive; its sender gets {told(alice.response(request, final=True, within=0.0))}")
    bob.answer(arrival, 200)
    assert isinstance(arrival.message, Request)
    return arrival.message


@case("RFC 3261 section 16.6", Force.MUST, applies=PROXY)
def body_unchanged(bench: Bench) -> None:
    """A body is passed on octet by octet."""
    body = bytes(range(256)) + b"\r\n\r\nSIP/2.0 200 OK\r\n\r\n"
    _, _, bob, got, arrival = passed(bench, body=body, content_type="application/octet-stream")
    bob.answer(arrival, 200)
    if got.body != body:
        bench.blame(f"{len(got.body)} octets, of {len(body)}")


@case("RFC 3261 section 16.6", Force.MUST, applies=PROXY)
def dialog_fields_unchanged(bench: Bench) -> None:
    """From, To, Call-ID and CSeq are passed on as they are."""
    _, request, bob, got, arrival = passed(bench)
    bob.answer(arrival, 200)
    for name in ("From", "To", "Call-ID", "CSeq"):
        if got.headers.get_all(name) != request.headers.get_all(name):
            bench.blame(f"{name}: {got.headers.get(name)}, sent as {request.headers.get(name)}")


@case("RFC 3261 section 16.3", Force.MUST, applies=PROXY)
def unknown_extension(bench: Bench) -> None:
    """An option-tag in Proxy-Require that a proxy does not know gets 420, and Unsupported names it."""
    bob, alice = bench.registered(), bench.peer()
    request = alice.request("MESSAGE", bob.aor, headers=[("Proxy-Require", "x-nobody-knows")])
    final = _kept_back(bench, alice, bob, request)
    if final.status != 420:
        bench.blame(told(final))
    if "x-nobody-knows" not in (final.headers.get("Unsupported") or "").lower():
        bench.blame(f"Unsupported: {final.headers.get('Unsupported')}")


@case("RFC 3261 section 16.7", Force.MUST, applies=PROXY)
def response_passed(bench: Bench) -> None:
    """A response goes back without the Via of the proxy, and otherwise as it is."""
    alice, request, bob, _, arrival = passed(bench, "OPTIONS")
    bob.answer(arrival, 200, "Fine", tag="bobs", headers=[("X-Unknown", "kept")])
    response = alice.response(request, final=True)
    if response is None:
        bench.blame("it does not arrive")
    if len(response.via) != 1:
        bench.blame("; ".join(map(str, response.via)))
    if (response.to.tag, response.headers.get("X-Unknown")) != ("bobs", "kept"):
        bench.blame(f"To: {response.to}, X-Unknown: {response.headers.get('X-Unknown')}")


@case("RFC 3261 section 18.1.2", Force.MUST, applies=PROXY)
def foreign_response(bench: Bench) -> None:
    """A response whose topmost Via is not of the proxy is dropped, not passed on to whom the next Via names."""
    bob, alice = bench.registered(), bench.peer()
    request = bob.request("OPTIONS")
    response = request.response(200, to_tag=bench.token())
    vias = [f"SIP/2.0/{bench.target.transport} elsewhere.invalid;branch={alice.branch()}", str(request.via[0])]
    alice.send(response.evolve(set={"Via": vias}))
    arrival = bob.take(lambda each: isinstance(each.message, Response), within=1.0)
    if arrival is not None:
        bench.blame(f"{told(arrival.message)} arrives")


@case("RFC 3261 section 16.7", Force.MUST, applies=PROXY)
def trying_stays(bench: Bench) -> None:
    """100 of the next element is not passed on."""
    alice, request, bob, _, arrival = passed(bench, "INVITE")
    bob.answer(arrival, 100, headers=[("X-Of", "bob")])
    bob.answer(arrival, 180, tag="bobs")
    rang = False
    while (response := alice.response(request, within=1.0)) is not None:
        if "X-Of" in response.headers:
            bench.blame(told(response))
        rang = rang or response.status == 180
    if not rang:
        bench.blame("180 does not arrive")


@case("RFC 3261 section 16.7", Force.MUST, applies=PROXY)
def ringing_passed(bench: Bench) -> None:
    """A provisional response but 100 is passed on at once."""
    alice, _, bob, _, arrival = passed(bench, "INVITE")
    bob.answer(arrival, 183, tag="bobs")
    if alice.take(lambda each: isinstance(each.message, Response) and each.message.status == 183) is None:
        bench.blame("183 does not arrive")


@case("RFC 3261 section 16.10", Force.SHOULD, applies=PROXY)
def cancel_passed(bench: Bench) -> None:
    """CANCEL is answered by the proxy, and cancels what is pending: by a CANCEL with the branch of its INVITE."""
    alice, request, bob, got, arrival = passed(bench, "INVITE")
    bob.answer(arrival, 180, tag="bobs")
    if alice.take(lambda each: isinstance(each.message, Response) and each.message.status == 180) is None:
        bench.skip("180 does not arrive")
    answer = alice.ask(cancel_of(request), credentials=False)
    if answer.status != 200:
        bench.blame(f"CANCEL is answered {answer.told}")
    cancel = bob.received("CANCEL")
    if cancel is None:
        bench.blame("no CANCEL arrives at the callee")
    assert isinstance(cancel.message, Request)
    if cancel.message.via[0].branch != got.via[0].branch:
        bench.blame(f"CANCEL with branch {cancel.message.via[0].branch}, INVITE with {got.via[0].branch}")
    bob.answer(cancel, 200, tag="bobs")
    bob.answer(arrival, 487, tag="bobs")
    final = alice.response(request, final=True)
    if final is None or final.status != 487:
        bench.blame(f"INVITE ends with {told(final)}")


def _refused_by_callee(bench: Bench, status: int) -> tuple[Peer, Request, Peer, Response | None]:
    alice, request, bob, _, arrival = passed(bench, "INVITE")
    alice.acks = False
    bob.answer(arrival, status, tag="bobs")
    return alice, request, bob, alice.response(request, final=True)


@case("RFC 3261 section 17.1.1.3", Force.MUST, applies=PROXY)
def ack_by_hop(bench: Bench) -> None:
    """A refusal is acknowledged by the proxy itself, and passed on."""
    alice, request, bob, final = _refused_by_callee(bench, 486)
    if bob.received("ACK") is None:
        bench.blame("no ACK arrives at the callee")
    if final is None or final.status != 486:
        bench.blame(f"the caller gets {told(final)}")
    alice.send(ack_of(request, final))


@case("RFC 3261 section 17.2.1", Force.MUST, applies=PROXY)
def ack_stays(bench: Bench) -> None:
    """The ACK of a refusal ends at the proxy."""
    alice, request, bob, final = _refused_by_callee(bench, 486)
    if final is None or bob.received("ACK") is None:
        bench.skip("the refusal is not passed on and acknowledged")
    ack = ack_of(request, final).evolve(add=[("X-Of", "alice")])
    alice.send(ack)
    second = bob.received("ACK", within=1.0)
    if second is not None and second.message is not None and "X-Of" in second.message.headers:
        bench.blame("it arrives at the callee")


@case("RFC 3261 section 16.7", Force.MUST, applies=PROXY)
def answered_again(bench: Bench) -> None:
    """A 2xx that the callee repeats is passed on each time."""
    alice, request, bob, _, arrival = passed(bench, "INVITE")
    response = bob.answer(arrival, 200, tag="bobs", body=bench.offer(bob))
    if alice.response(request, final=True) is None:
        bench.blame("200 does not arrive")
    bob.send(response, arrival=arrival)
    if alice.response(request, final=True) is None:
        bench.blame("the second 200 does not arrive")
    Call.of_caller(alice, request, response).acknowledge()


@case("RFC 3261 section 16.6", Force.MUST, applies=PROXY)
def record_route(bench: Bench) -> None:
    """A Record-Route of the proxy is a SIP URI with lr, and leads back: a BYE along it arrives, without its Route."""
    alice, request, bob, got, arrival = passed(bench, "INVITE")
    routes = got.record_route
    if not routes:
        bob.answer(arrival, 486, tag="bobs")
        bench.skip("it does not record itself")
    wrong = [each for each in routes if each.uri.scheme not in ("sip", "sips") or "lr" not in each.uri.params]
    bob.answer(arrival, 200, tag="bobs", body=bench.offer(bob))
    answered = alice.response(request, final=True)
    if wrong:
        bench.blame(f"Record-Route: {wrong[0]}")
    if answered is None:
        bench.blame("200 does not arrive")
    call = Call.of_caller(alice, request, answered)
    call.acknowledge()
    if bob.received("ACK") is None:
        bench.blame("ACK does not arrive")
    bye = call.request("BYE")
    alice.send(bye)
    hung_up = bob.received("BYE")
    if hung_up is None:
        bench.blame(f"BYE does not arrive; its sender gets {told(alice.response(bye, final=True, within=0.0))}")
    bob.answer(hung_up, 200)
    assert isinstance(hung_up.message, Request)
    if hung_up.message.route:
        bench.blame(f"it arrives with Route: {hung_up.message.headers.get('Route')}")


@case("RFC 3261 section 16.4", Force.MUST, applies=PROXY)
def own_route(bench: Bench) -> None:
    """A Route that names the proxy is taken off."""
    host = f"[{bench.target.host}]" if ":" in bench.target.host else bench.target.host
    kind = "" if bench.target.transport == "UDP" else f";transport={bench.target.transport.lower()}"
    got = _arrives(bench, "MESSAGE", [("Route", f"<sip:{host}:{bench.target.port};lr{kind}>")])
    if got.route:
        bench.blame(f"Route: {got.headers.get('Route')}")


@case("RFC 3261 section 16.3", Force.MUST, applies=PROXY)
def loop_ends(bench: Bench) -> None:
    """A request for a user whose Contact is the user again comes to an end: by 482, or 483 at the latest. A proxy that
    forks has to see the loop (RFC 5393 section 4.2)."""
    bob, alice = bench.peer("bob"), bench.peer()
    loop = f"<{bob.aor}>" if bench.target.domain != bench.target.host else f"<{_at_target(bench, bob)}>"
    if bob.ask(bench.registration(bob, contacts=[loop])).status != 200:
        bench.skip("such a Contact is not taken")
    exchange: Exchange = alice.ask(alice.request("MESSAGE", bob.aor), within=4 * bench.patience)
    if exchange.status < 300:
        bench.blame(exchange.told)


def _at_target(bench: Bench, bob: Peer) -> str:
    uri = bench.target.uri
    return str(uri).replace("sip:", f"sip:{bob.user}@", 1)


@case("RFC 3261 section 16.7", Force.MUST, applies=PROXY)
def forked(bench: Bench) -> None:
    """Of two Contacts of a user one that answers is enough, though the other refuses."""
    alice, bob, other = bench.peer(), bench.peer("bob"), bench.peer("second")
    lines = [f"<{bob.contact_uri}>;q=1.0", f"<{other.contact_uri}>;q=0.5"]
    if bob.ask(bench.registration(bob, contacts=lines)).status != 200:
        bench.skip("two Contacts are not taken")
    request, first = deliver(bench, alice, bob, alice.request("MESSAGE", bob.aor))
    if first is None:
        bench.skip("nothing arrives at the first Contact")
    bob.answer(first, 480)
    second = other.received("MESSAGE")
    if second is None:
        bench.skip("it does not try the second Contact")
    other.answer(second, 200)
    final = alice.response(request, final=True)
    if final is None or final.status != 200:
        bench.blame(told(final))
