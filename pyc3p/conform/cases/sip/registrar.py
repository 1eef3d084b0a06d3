"""Registrations: RFC 3261 section 10.3."""

from __future__ import annotations

from typing import Final

from pyc3p.conform.bench import Bench
from pyc3p.conform.case import Trait, case
from pyc3p.conform.peer import Exchange, Peer
from sip import NameAddr, Response, SipError, Uri
from sip.testing import Force

REGISTRAR: Final = (Trait.REGISTRAR,)


def contacts(response: Response) -> list[NameAddr]:
    """The bindings that a 200 names."""
    try:
        return [each for each in response.contact if isinstance(each, NameAddr)]
    except SipError:
        return []


def taken(bench: Bench, exchange: Exchange) -> Response:
    """The 200 of a registration; ends the case where there is none."""
    if exchange.status != 200:
        bench.skip(f"the registration is not taken: {exchange.told}")
    return exchange.final


def bindings(bench: Bench, peer: Peer, **given: object) -> list[NameAddr]:
    """What is registered, by a REGISTER without Contact."""
    return contacts(taken(bench, peer.ask(bench.registration(peer, contacts=[], expires=None, **given))))


def _has(found: list[NameAddr], uri: Uri | str) -> bool:
    wanted = Uri.parse(uri) if isinstance(uri, str) else uri
    return any(each.uri.equivalent(wanted) for each in found)


def _shown(found: list[NameAddr]) -> str:
    return ", ".join(map(str, found)) or "no Contact"


@case("RFC 3261 section 10.3", Force.MUST, applies=REGISTRAR)
def bindings_in_200(bench: Bench) -> None:
    """The 200 names all current bindings, each with expires."""
    peer = bench.peer("bob")
    found = contacts(taken(bench, peer.ask(bench.registration(peer))))
    if not _has(found, peer.contact_uri):
        bench.blame(_shown(found))
    if any(each.expires is None for each in found):
        bench.blame(f"without expires: {_shown(found)}")


@case("RFC 3261 section 10.3", Force.MUST, applies=REGISTRAR)
def query(bench: Bench) -> None:
    """A REGISTER without Contact tells the bindings and changes none."""
    peer = bench.registered()
    for _ in range(2):
        found = bindings(bench, peer)
        if not _has(found, peer.contact_uri):
            bench.blame(_shown(found))


@case("RFC 3261 section 10.3", Force.MUST, applies=REGISTRAR)
def expires_parameter(bench: Bench) -> None:
    """The expires of a Contact goes before Expires of the request."""
    peer = bench.peer("bob")
    request = bench.registration(peer, contacts=[f"<{peer.contact_uri}>;expires=700"], expires=1400)
    found = contacts(taken(bench, peer.ask(request)))
    mine = next((each for each in found if each.uri.equivalent(peer.contact_uri)), None)
    if mine is None or mine.expires is None:
        bench.blame(_shown(found))
    if mine.expires > 700:
        bench.blame(f"{mine.expires} s")


@case("RFC 3261 section 10.3", Force.MUST, applies=REGISTRAR)
def removal(bench: Bench) -> None:
    """Expires 0 takes a binding away, and that alone."""
    peer = bench.peer("bob")
    other = "sip:other@192.0.2.1:5060"
    taken(bench, peer.ask(bench.registration(peer, contacts=[f"<{peer.contact_uri}>", f"<{other}>"])))
    found = bindings(bench, peer)
    if not _has(found, other):
        bench.skip(f"it does not keep two bindings of one user: {_shown(found)}")
    found = contacts(taken(bench, peer.ask(bench.registration(peer, expires=0))))
    if _has(found, peer.contact_uri) or not _has(found, other):
        bench.blame(_shown(found))


@case("RFC 3261 section 10.3", Force.MUST, applies=REGISTRAR)
def removal_of_all(bench: Bench) -> None:
    """``Contact: *`` with Expires 0 takes all bindings away."""
    peer = bench.registered()
    found = contacts(taken(bench, peer.ask(bench.registration(peer, contacts=["*"], expires=0))))
    found += bindings(bench, peer)
    if found:
        bench.blame(_shown(found))


@case("RFC 3261 section 10.3", Force.MUST, applies=REGISTRAR)
def star_with_time(bench: Bench) -> None:
    """``Contact: *`` with any other time than 0 is 400, and takes nothing away."""
    _refused_star(bench, ["*"], 3600)


@case("RFC 3261 section 10.3", Force.MUST, applies=REGISTRAR)
def star_with_others(bench: Bench) -> None:
    """``Contact: *`` with another Contact is 400, and takes nothing away."""
    peer = bench.peer("bob")
    _refused_star(bench, [f"<{peer.contact_uri}>", "*"], 0)


def _refused_star(bench: Bench, lines: list[str], expires: int) -> None:
    peer = bench.registered()
    exchange = peer.ask(bench.registration(peer, contacts=lines, expires=expires))
    if exchange.status != 400:
        bench.blame(exchange.told)
    found = bindings(bench, peer)
    if not _has(found, peer.contact_uri):
        bench.blame(f"400, and then {_shown(found)}")


@case("RFC 3261 section 10.3", Force.MUST, applies=REGISTRAR)
def old_cseq(bench: Bench) -> None:
    """With the Call-ID of a binding, a CSeq that is not higher changes nothing."""
    peer = bench.peer("bob")
    call_id = f"{bench.token()}@{peer.address.host}"
    taken(bench, peer.ask(bench.registration(peer, call_id=call_id, cseq=5000)))
    exchange = peer.ask(bench.registration(peer, call_id=call_id, cseq=4000, expires=0))
    found = bindings(bench, peer)
    if not _has(found, peer.contact_uri):
        bench.blame(f"{exchange.told}, and then {_shown(found)}")
    if exchange.status < 300:
        bench.blame(exchange.told)


@case("RFC 3261 section 10.3", Force.MUST, applies=REGISTRAR)
def other_call_id(bench: Bench) -> None:
    """With another Call-ID the CSeq may be lower: a phone that was started anew is heard."""
    peer = bench.peer("bob")
    taken(bench, peer.ask(bench.registration(peer, cseq=5000)))
    exchange = peer.ask(bench.registration(peer, cseq=10, expires=0))
    found = bindings(bench, peer)
    if exchange.status != 200 or _has(found, peer.contact_uri):
        bench.blame(f"{exchange.told}, and then {_shown(found)}")


@case("RFC 3261 section 10.3", Force.MUST, applies=REGISTRAR)
def canonical_address(bench: Bench) -> None:
    """Escapes and parameters of the address in To make no other user."""
    peer = bench.registered()
    user = f"%{ord(peer.user[0]):02X}" + peer.user[1:]
    domain = bench.target.authority
    for to in (f"sip:{user}@{domain}", f"sip:{peer.user}@{domain};user=ip"):
        found = bindings(bench, peer, to=to)
        if not _has(found, peer.contact_uri):
            bench.blame(f"To: <{to}> has {_shown(found)}")


@case("RFC 3261 section 10.3", Force.MUST, applies=REGISTRAR)
def unknown_extension(bench: Bench) -> None:
    """A REGISTER with an unknown option-tag in Require is 420, and binds nothing."""
    peer = bench.peer("bob")
    exchange = peer.ask(bench.registration(peer, headers=[("Require", "x-nobody-knows")]))
    if exchange.status != 420:
        bench.blame(exchange.told)
    found = bindings(bench, peer)
    if _has(found, peer.contact_uri):
        bench.blame(f"420, and then {_shown(found)}")


@case("RFC 3261 section 10.3", Force.MUST, applies=REGISTRAR)
def all_or_nothing(bench: Bench) -> None:
    """A REGISTER of which one Contact cannot be taken binds none of them."""
    peer = bench.peer("bob")
    lines = [f"<{peer.contact_uri}>", "<sip:user@192.0.2.1:99999999>"]
    exchange = peer.ask(bench.registration(peer, contacts=lines))
    if exchange.status < 300:
        bench.skip(f"it takes a port that there is not: {exchange.told}")
    found = bindings(bench, peer)
    if _has(found, peer.contact_uri):
        bench.blame(f"{exchange.told}, and then {_shown(found)}")


@case("RFC 3261 section 10.3", Force.MUST, applies=REGISTRAR)
def no_record_route(bench: Bench) -> None:
    """Record-Route in a REGISTER is ignored, and does not come back."""
    peer = bench.peer("bob")
    lines = [("Record-Route", "<sip:proxy.invalid;lr>")]
    response = taken(bench, peer.ask(bench.registration(peer, headers=lines)))
    if "Record-Route" in response.headers:
        bench.blame(f"Record-Route: {response.headers.get('Record-Route')}")


@case("RFC 3261 section 10.3", Force.MUST, applies=REGISTRAR)
def never_6xx(bench: Bench) -> None:
    """A registrar never answers 6xx: not for a user of another domain either."""
    peer = bench.peer("bob")
    exchange = peer.ask(bench.registration(peer, to="sip:user@elsewhere.invalid"))
    if exchange.status >= 600:
        bench.blame(exchange.told)


@case("RFC 3261 section 10.3", Force.MUST, applies=REGISTRAR)
def other_domain(bench: Bench) -> None:
    """An address of record of another domain is not registered here."""
    peer = bench.peer("bob")
    exchange = peer.ask(bench.registration(peer, to="sip:user@elsewhere.invalid"))
    if exchange.status < 300:
        bench.blame(exchange.told)


@case("RFC 3261 section 10.3", Force.SHOULD, applies=REGISTRAR)
def date(bench: Bench) -> None:
    """The 200 to REGISTER has Date."""
    peer = bench.peer("bob")
    if "Date" not in taken(bench, peer.ask(bench.registration(peer))).headers:
        bench.blame("no Date")
