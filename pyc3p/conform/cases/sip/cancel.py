"""CANCEL: RFC 3261 section 9."""

from __future__ import annotations

from typing import Final

from pyc3p.conform.bench import Bench
from pyc3p.conform.call import place_call
from pyc3p.conform.case import Trait, case
from pyc3p.conform.peer import Peer, cancel_of, told
from sip import Request
from sip.testing import Force

CALLEE: Final = (Trait.USER_AGENT,)
RINGING: Final = (Trait.USER_AGENT, Trait.RINGS)


def _ringing(bench: Bench) -> tuple[Peer, Request]:
    """An INVITE that was answered provisionally."""
    peer = bench.peer()
    request = peer.request("INVITE", bench.target.uri, body=bench.offer(peer))
    peer.send(request)
    response = peer.response(request)
    while response is not None and response.status == 100:
        response = peer.response(request)
    if response is None or response.status >= 200:
        bench.skip(f"it does not ring: {told(response)}")
    return peer, request


@case("RFC 3261 section 9.2", Force.SHOULD, applies=RINGING)
def pending_call(bench: Bench) -> None:
    """CANCEL of a call that rings is 200, and the INVITE ends with 487."""
    peer, request = _ringing(bench)
    answer = peer.ask(cancel_of(request), credentials=False)
    if answer.status != 200:
        bench.blame(f"CANCEL is answered {answer.told}")
    final = peer.response(request, final=True)
    if final is None or final.status != 487:
        bench.blame(f"INVITE ends with {told(final)}")


@case("RFC 3261 section 9.2", Force.SHOULD, applies=RINGING)
def same_tag(bench: Bench) -> None:
    """The responses to CANCEL and to the INVITE have the same To tag."""
    peer, request = _ringing(bench)
    answer = peer.ask(cancel_of(request), credentials=False)
    final = peer.response(request, final=True)
    if final is None:
        bench.skip("INVITE has no final response")
    if answer.final.to.tag != final.to.tag:
        bench.blame(f"{answer.final.to.tag} and {final.to.tag}")


@case("RFC 3261 section 9.2", Force.SHOULD, applies=RINGING)
def other_branch(bench: Bench) -> None:
    """CANCEL with another branch matches nothing: 481, and the call goes on ringing."""
    peer, request = _ringing(bench)
    other = request.evolve(set={"Via": peer.via(peer.branch())})
    answer = peer.ask(cancel_of(other), credentials=False)
    if answer.status != 481:
        bench.blame(f"CANCEL is answered {answer.told}")


@case("RFC 3261 section 9.2", Force.SHOULD, applies=CALLEE)
def nothing_to_cancel(bench: Bench) -> None:
    """CANCEL of nothing is 481."""
    peer = bench.peer()
    answer = peer.ask(cancel_of(peer.request("INVITE", bench.target.uri)), credentials=False)
    if answer.status != 481:
        bench.blame(answer.told)


@case("RFC 3261 section 9.2", Force.MUST, applies=CALLEE)
def late_cancel(bench: Bench) -> None:
    """CANCEL after the final response changes nothing: the call goes on."""
    call = place_call(bench.peer())
    call.peer.ask(cancel_of(call.invite), credentials=False)
    bench.quiet(0.5)
    if call.peer.hung_up(call.call_id):
        bench.blame("it hangs up")
    answer = call.hang_up()
    if answer.status != 200:
        bench.blame(f"BYE is answered {answer.told}")
