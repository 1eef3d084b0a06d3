"""Digest authentication: RFC 3261 section 22, RFC 7616, RFC 8760. Tried at the registrar."""

from __future__ import annotations

import re
from typing import Final

from pyc3p.conform.bench import Bench
from pyc3p.conform.case import Trait, case
from pyc3p.conform.peer import Exchange, Peer, told
from sip import Challenge, Credentials, DigestClient, Request, Response, SipError
from sip.testing import Force

CHALLENGES: Final = (Trait.REGISTRAR, Trait.CHALLENGES)


def challenged(bench: Bench, peer: Peer) -> Exchange:
    """A REGISTER without credentials, and the 401."""
    exchange = peer.ask(bench.registration(peer), credentials=False)
    if exchange.status != 401:
        bench.skip(f"REGISTER is answered {exchange.told}")
    return exchange


def _challenges(response: Response) -> list[Challenge]:
    found = []
    for line in response.headers.get_all("WWW-Authenticate"):
        try:
            found.append(Challenge.parse(line))
        except SipError:
            continue
    return found


def _answered(bench: Bench, peer: Peer, exchange: Exchange, *changes: tuple[str, str]) -> Request:
    """The same request with credentials, of which some parts are changed (a pattern, and what stands there then)."""
    lines = []
    for name, value in bench.credentials_for(exchange.final, exchange.request):
        for pattern, new in changes:
            value = re.sub(pattern, new, value)
        lines.append((name, value))
    if not lines:
        bench.skip("the challenge cannot be answered")
    return peer.with_credentials(exchange.request, lines)


def _refused(bench: Bench, peer: Peer, request: Request) -> Response:
    answer = peer.ask(request, credentials=False)
    if answer.status < 300:
        bench.blame(answer.told)
    return answer.final


@case("RFC 3261 section 22.1", Force.MUST, applies=CHALLENGES)
def challenge(bench: Bench) -> None:
    """A 401 has a challenge with realm and nonce that can be read."""
    response = challenged(bench, bench.peer("bob")).final
    found = _challenges(response)
    if not any(each.realm and (each.params.get("nonce") or each.scheme.lower() != "digest") for each in found):
        bench.blame("; ".join(response.headers.get_all("WWW-Authenticate")) or "no WWW-Authenticate")


@case("RFC 8760 section 2.6", Force.MUST, applies=CHALLENGES)
def qop(bench: Bench) -> None:
    """A Digest challenge offers qop."""
    for each in _challenges(challenged(bench, bench.peer("bob")).final):
        if each.scheme.lower() == "digest" and not each.params.get("qop"):
            bench.blame(str(each))


@case("RFC 8760 section 2.3", Force.MUST, applies=CHALLENGES)
def no_two_of_one_algorithm(bench: Bench) -> None:
    """Of several challenges for one realm each has another algorithm."""
    found = _challenges(challenged(bench, bench.peer("bob")).final)
    seen = [(each.realm, each.params.get("algorithm", "MD5").upper()) for each in found]
    if len(seen) != len(set(seen)):
        bench.blame(", ".join(f"{algorithm} for {realm}" for realm, algorithm in seen))


@case("RFC 3261 section 22.2", Force.MUST, applies=CHALLENGES)
def right_password(bench: Bench) -> None:
    """The right password is taken."""
    peer = bench.peer("bob")
    answer = peer.ask(_answered(bench, peer, challenged(bench, peer)), credentials=False)
    if answer.status != 200:
        bench.blame(answer.told)


@case("RFC 3261 section 22.1", Force.MUST, applies=CHALLENGES)
def wrong_password(bench: Bench) -> None:
    """A wrong password is not taken."""
    peer = bench.peer("bob")
    exchange = challenged(bench, peer)
    wrong = DigestClient(lambda realm: Credentials(peer.user, bench.token()), entropy=bench.entropy)
    lines = wrong.answer(exchange.final, exchange.request)
    if not lines:
        bench.skip("the challenge cannot be answered")
    _refused(bench, peer, peer.with_credentials(exchange.request, lines))


@case("RFC 7616 section 3.4.6", Force.MUST, applies=CHALLENGES)
def empty_response(bench: Bench) -> None:
    """Credentials with an empty response are not taken."""
    peer = bench.peer("bob")
    _refused(bench, peer, _answered(bench, peer, challenged(bench, peer), (r'response="[^"]*"', 'response=""')))


@case("RFC 7616 section 3.4", Force.MUST, applies=CHALLENGES)
def other_nonce(bench: Bench) -> None:
    """Credentials for a nonce that the server never gave are not taken."""
    peer = bench.peer("bob")
    exchange = challenged(bench, peer)
    made_up = [
        ("WWW-Authenticate", re.sub(r'nonce="[^"]*"', f'nonce="{bench.token()}"', line))
        for line in exchange.final.headers.get_all("WWW-Authenticate")
    ]
    pretended = exchange.final.evolve(set={"WWW-Authenticate": [line for _, line in made_up]})
    lines = bench.credentials_for(pretended, exchange.request)
    if not lines:
        bench.skip("the challenge cannot be answered")
    _refused(bench, peer, peer.with_credentials(exchange.request, lines))


@case("RFC 8760 section 2.6", Force.MUST, applies=CHALLENGES)
def other_uri(bench: Bench) -> None:
    """Credentials whose uri names something that the server does not serve are not taken."""
    peer = bench.peer("bob")
    exchange = challenged(bench, peer)
    other = exchange.request.evolve(uri=f"sip:{bench.token()}.invalid")
    lines = bench.credentials_for(exchange.final, other)
    if not lines:
        bench.skip("the challenge cannot be answered")
    _refused(bench, peer, peer.with_credentials(exchange.request, lines))


@case("RFC 7616 section 3.4", Force.MUST, applies=CHALLENGES)
def other_method(bench: Bench) -> None:
    """Credentials that were made for another method are not taken."""
    peer = bench.peer("bob")
    exchange = challenged(bench, peer)
    other = exchange.request.evolve(method="PUBLISH", set={"CSeq": f"{exchange.request.cseq.number} PUBLISH"})
    lines = bench.credentials_for(exchange.final, other)
    if not lines:
        bench.skip("the challenge cannot be answered")
    _refused(bench, peer, peer.with_credentials(exchange.request, lines))


@case("RFC 4475 section 3.3.7", Force.SHOULD, applies=CHALLENGES)
def unknown_scheme(bench: Bench) -> None:
    """Credentials of a scheme that nobody knows are as none: the server asks again."""
    peer = bench.peer("bob")
    request = bench.registration(peer, headers=[("Authorization", "NoOneKnowsThisScheme opaque-data=here")])
    response = _refused(bench, peer, request)
    if response.status != 401:
        bench.blame(told(response))


@case("RFC 3261 section 22.3", Force.MUST, applies=CHALLENGES)
def broken_credentials(bench: Bench) -> None:
    """Credentials that cannot be read are never taken, and stop nothing."""
    peer = bench.peer("bob")
    for line in ("Digest", "Digest ,,,", 'Digest username="', "Digest response=, nonce=", "\\"):
        request = bench.registration(peer, headers=[("Authorization", line)])
        _refused(bench, peer, request)


@case("RFC 3261 section 22.1", Force.MUST, applies=(Trait.PROXY, Trait.CHALLENGES))
def ack_is_never_challenged(bench: Bench) -> None:
    """ACK and CANCEL are never asked for a password."""
    peer = bench.peer()
    request = peer.request("INVITE", bench.target.aor("somebody"), body=bench.offer(peer))
    peer.ask(request, credentials=False, within=bench.ring_patience)
    bench.quiet(0.5)
    for other, arrival in bench.arrivals:
        message = arrival.message
        if other == peer.name and isinstance(message, Response) and message.cseq.method in ("ACK", "CANCEL"):
            bench.blame(told(message))
