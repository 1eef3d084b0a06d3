"""The odd messages of the corpus, each a case (RFC 4475, RFC 5118)."""

from __future__ import annotations

from typing import Final

from pyc3p.conform.bench import Bench
from pyc3p.conform.case import Trait, add_case
from pyc3p.conform.corpus import CORPUS
from pyc3p.conform.corpus.odd import Odd
from pyc3p.conform.peer import Peer, told
from sip import Request, Response
from sip.testing import Force

_TRAITS: Final = {"": Trait.ELEMENT, "registrar": Trait.REGISTRAR, "callee": Trait.USER_AGENT}


def send_odd(bench: Bench, peer: Peer, odd: Odd) -> str:
    """Send one; the branch by which its answer is known."""
    branch = f"z9hG4bK{bench.token()}"
    via = peer.via(branch)
    values = {
        "uri": str(bench.target.uri),
        "domain": bench.target.authority,
        "via": via,
        "rest": via.removeprefix("SIP/2.0/"),
        "via2543": via.replace("z9hG4bK", ""),
        "contact": str(peer.contact_uri),
        "me": str(peer.aor),
        "bob": str(peer.aor),
        "tag": bench.token(),
        "call": f"{bench.token()}@odd.invalid",
    }
    peer.send(odd.octets(values))
    return branch.removeprefix("z9hG4bK")


def _answer(peer: Peer, branch: str, within: float) -> Response | None:
    """The final response whose topmost Via has that branch, wherever it can be found."""

    def is_answer(message: Request | Response | None) -> bool:
        if not isinstance(message, Response) or message.status < 200:
            return False
        return branch in (message.headers.get("Via") or "")

    arrival = peer.take(lambda each: is_answer(each.message), within=within)
    return arrival.message if arrival is not None and isinstance(arrival.message, Response) else None


def _plain(bench: Bench, peer: Peer, odd: Odd) -> int:
    if odd.method == "REGISTER":
        return peer.ask(bench.registration(peer), credentials=False).status
    return peer.ask(peer.request("OPTIONS"), credentials=False).status


def _try(bench: Bench, odd: Odd) -> None:
    peer = bench.peer("bob" if odd.only == "registrar" else "alice")
    right = set(odd.statuses)
    if odd.plain or not odd.statuses:
        right.add(_plain(bench, peer, odd))
    branch = send_odd(bench, peer, odd)
    response = _answer(peer, branch, min(1.0, bench.patience / 4) if odd.silence else bench.patience)
    if response is None:
        if odd.silence:
            return
        bench.blame("nothing")
    if response.status in (401, 407):
        bench.skip(f"it asks for a password first: {told(response)}")
    if response.status not in right:
        wanted = " or ".join(map(str, sorted(right)))
        bench.blame(f"{told(response)}, in place of {wanted}")


def _made(odd: Odd) -> None:
    def run(bench: Bench) -> None:
        _try(bench, odd)

    run.__module__ = __name__
    add_case(run, odd.name, odd.text, odd.source, Force.SHOULD, applies=(_TRAITS[odd.only],), hard=odd.broken)


for _odd in CORPUS:
    _made(_odd)
