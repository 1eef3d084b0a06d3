"""What a target is: found out by asking it, so that only cases are tried that apply."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from pyc3p.conform.bench import Bench, Facts
from pyc3p.conform.call import Call
from pyc3p.conform.case import Blame, NotApplicable, Trait
from pyc3p.conform.peer import Exchange, Peer
from pyc3p.conform.tidying import tidy
from sip import Response, SipError

#: Seconds in which a callee must not have answered to count as ringing: long enough for CANCEL to come first.
RINGING: Final = 1.0
#: OPTIONS that are sent to see how long a round trip takes.
_ROUND_TRIPS: Final = 3
_INFO_PACKAGES: Final = ("presence", "dialog", "message-summary", "reg", "conference")


def probe(make: Callable[[], Bench], facts: Facts) -> None:
    """Fill in ``facts``. Raises Blame when nothing answers at all."""
    silent: Blame | None = None
    try:
        _on(make, lambda bench: _options(bench, facts))
    except Blame as wrong:  # there are elements that take calls and nothing else
        silent, facts.lacks[Trait.ELEMENT] = wrong, wrong.seen
    for trait, look in (
        (Trait.REGISTRAR, _registrar),
        (Trait.PROXY, _proxy),
        (Trait.USER_AGENT, _user_agent),
        (Trait.NOTIFIER, _notifier),
    ):
        try:
            _on(make, lambda bench, look=look: look(bench, facts))  # type: ignore[misc]
        except Blame as wrong:
            facts.lacks[trait] = wrong.seen
        except NotApplicable as why:
            facts.lacks[trait] = str(why)
        else:
            facts.traits.add(trait)
    if silent is not None and not facts.traits:
        raise silent


def _on(make: Callable[[], Bench], look: Callable[[Bench], None]) -> None:
    bench = make()
    try:
        look(bench)
    finally:
        tidy(bench)


def _options(bench: Bench, facts: Facts) -> None:
    peer = bench.peer()
    for _ in range(_ROUND_TRIPS):
        exchange = peer.ask(peer.request("OPTIONS"), credentials=False)
        facts.round_trip = max(facts.round_trip, exchange.first_at - exchange.sent_at)
    facts.traits.add(Trait.ELEMENT)
    response = exchange.final
    facts.server = response.headers.get("Server") or response.headers.get("User-Agent") or ""
    _learn(response, facts)


def _learn(response: Response, facts: Facts) -> None:
    allow = [word.strip() for line in response.headers.get_all("Allow") for word in line.split(",")]
    events = [word.strip() for line in response.headers.get_all("Allow-Events") for word in line.split(",")]
    facts.allow = tuple(dict.fromkeys((*facts.allow, *filter(None, allow))))
    facts.events = tuple(dict.fromkeys((*facts.events, *filter(None, events))))


def _registrar(bench: Bench, facts: Facts) -> None:
    peer = bench.peer("bob")
    exchange = peer.ask(bench.registration(peer), credentials=False)
    if exchange.status == 401:
        facts.traits.add(Trait.CHALLENGES)
        if not bench.has_password:
            bench.skip("it asks for a password, and none was given")
        exchange = peer.ask(bench.registration(peer))
    if exchange.status != 200:
        bench.skip(f"REGISTER is answered {exchange.told}")


def _proxy(bench: Bench, facts: Facts) -> None:
    if Trait.REGISTRAR not in facts.traits:
        bench.skip("nobody can be registered there")
    bob = bench.registered()
    alice = bench.peer()
    request = alice.request("OPTIONS", bob.aor)
    alice.send(request)
    arrival = bob.received("OPTIONS", within=min(bench.patience, 2.0))
    if arrival is None:  # perhaps it asks for a password first
        response = alice.response(request, final=True, within=0.0)
        lines = () if response is None else bench.credentials_for(response, request)
        if not lines:
            bench.skip(f"OPTIONS for a user who is registered is answered {_word(response)}")
        request = alice.with_credentials(request, lines)
        alice.send(request)
        arrival = bob.received("OPTIONS")
    if arrival is None:
        bench.skip("a request for a user who is registered does not arrive there")
    bob.answer(arrival, 200)


def _user_agent(bench: Bench, facts: Facts) -> None:
    peer = bench.peer()
    request = peer.request(
        "INVITE",
        bench.target.uri,
        headers=[("Supported", "timer"), ("Session-Expires", "1800")],
        body=bench.offer(peer),
    )
    exchange = peer.ask(request, within=bench.ring_patience)
    if not 200 <= exchange.status < 300:
        bench.skip(f"a call to {bench.target.uri} is answered {exchange.told}")
    _learn(exchange.final, facts)
    _rings(exchange, facts)
    call = Call.of_caller(peer, exchange.request, exchange.final)
    call.acknowledge()
    if "Session-Expires" in exchange.final.headers:
        facts.traits.add(Trait.SESSION_TIMER)
    else:
        facts.lacks[Trait.SESSION_TIMER] = "its answer to a call has no Session-Expires"
    call.hang_up()


def _rings(exchange: Exchange, facts: Facts) -> None:
    rang = any(each.status > 100 for each in exchange.provisional)
    if rang and time.monotonic() - exchange.sent_at >= RINGING:
        facts.traits.add(Trait.RINGS)
    else:
        facts.lacks[Trait.RINGS] = "it takes a call at once"


def _notifier(bench: Bench, facts: Facts) -> None:
    peer = bench.peer()
    packages = [bench.settings.event] if bench.settings.event else [*facts.events, *_INFO_PACKAGES]
    seen = "nothing"
    for package in dict.fromkeys(each for each in packages if each):
        exchange = subscribe(bench, peer, package, 600)
        seen = exchange.told
        if exchange.status in (200, 202):
            facts.events = (package, *(each for each in facts.events if each != package))
            call = Call.of_caller(peer, exchange.request, exchange.final)
            if peer.received("NOTIFY") is not None:
                call.ask("SUBSCRIBE", headers=[("Event", package), ("Expires", "0")])
            return
        if exchange.status not in (489, 480, 404):
            break
    bench.skip(f"SUBSCRIBE is answered {seen}")


def subscribe(bench: Bench, peer: Peer, package: str, expires: int) -> Exchange:
    """SUBSCRIBE to the callee, or to ourselves where nobody was named."""
    uri = bench.target.uri if bench.target.user else peer.aor
    request = peer.request("SUBSCRIBE", uri, headers=[("Event", package), ("Expires", str(expires))])
    return peer.ask(request)


def _word(response: Response | None) -> str:
    if response is None:
        return "nothing"
    try:
        return f"{response.status} {response.reason}"
    except SipError:
        return "something that cannot be read"
