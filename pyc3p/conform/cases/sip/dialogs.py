"""Requests in a dialog: RFC 3261 sections 12, 14 and 15."""

from __future__ import annotations

from typing import Final

from pyc3p.conform.bench import Bench
from pyc3p.conform.call import Call, place_call
from pyc3p.conform.case import Trait, case
from pyc3p.conform.peer import told
from sip.testing import Force

CALLEE: Final = (Trait.USER_AGENT,)
#: What cases that end a call need, and those that change one.
BYE: Final = ("user-agent.call",)
REINVITE: Final = ("dialogs.reinvite", *BYE)


def _goes_on(bench: Bench, call: Call) -> None:
    """The call is still there: BYE belongs to it."""
    answer = call.hang_up()
    if answer.status != 200:
        bench.blame(f"after that BYE is answered {answer.told}")


@case("RFC 3261 section 11", Force.MUST, applies=(Trait.ELEMENT, Trait.USER_AGENT))
def options(bench: Bench) -> None:
    """OPTIONS in a dialog is answered as it is outside of one (RFC 3261 section 12.2.2)."""
    place_call(bench.peer()).ask("OPTIONS")


@case(
    "RFC 3261 section 12.2.2",
    Force.MUST,
    applies=(Trait.ELEMENT, Trait.USER_AGENT),
    needs=("dialogs.options", *BYE),
)
def lower_cseq(bench: Bench) -> None:
    """A request whose CSeq is lower than that of the one before is 500, and the dialog goes on."""
    call = place_call(bench.peer())
    call.cseq += 50
    if call.ask("OPTIONS").status == 481:
        bench.skip("it knows no OPTIONS in a dialog")
    answer = call.peer.ask(call.request("OPTIONS", cseq=call.cseq - 40))
    if answer.status != 500:
        bench.blame(answer.told)
    _goes_on(bench, call)


@case("RFC 3261 section 12.2.2", Force.SHOULD, applies=CALLEE, needs=BYE)
def gap_in_cseq(bench: Bench) -> None:
    """A CSeq may be higher by more than one."""
    call = place_call(bench.peer())
    call.cseq += 1000
    _goes_on(bench, call)


@case("RFC 3261 section 15.1.2", Force.SHOULD, applies=CALLEE, needs=BYE)
def other_tag(bench: Bench) -> None:
    """A BYE with another tag of ours belongs to no dialog: 481, and the call goes on."""
    call = place_call(bench.peer())
    bye = call.request("BYE").evolve(set={"From": call.local.with_tag(bench.token())})
    answer = call.peer.ask(bye)
    if answer.status < 300:
        bench.blame(answer.told)
    _goes_on(bench, call)


@case("RFC 3261 section 8.2.1", Force.MUST, applies=CALLEE, needs=BYE)
def unknown_method(bench: Bench) -> None:
    """A method that is not supported is refused, and the dialog goes on."""
    call = place_call(bench.peer())
    answer = call.ask("NEWMETHOD")
    if answer.status < 300:
        bench.blame(answer.told)
    _goes_on(bench, call)


@case("RFC 3261 section 15.1.2", Force.SHOULD, applies=CALLEE, needs=BYE)
def bye_twice(bench: Bench) -> None:
    """After BYE there is no dialog: a second BYE is 481."""
    call = place_call(bench.peer())
    if call.hang_up().status != 200:
        bench.skip("BYE is not answered 200")
    answer = call.hang_up()
    if answer.status != 481:
        bench.blame(answer.told)


@case("RFC 3261 section 17.2.2", Force.MUST, applies=CALLEE, needs=BYE, over=("UDP",))
def bye_repeated(bench: Bench) -> None:
    """A BYE that is sent again gets the same response again, not 481."""
    call = place_call(bench.peer())
    first = call.hang_up()
    call.peer.send(first.request)
    again = call.peer.response(first.request, final=True)
    if again is None or again.status != first.status:
        bench.blame(f"{first.told}, and then {told(again)}")


@case("RFC 3261 section 14.2", Force.MUST, applies=CALLEE, needs=BYE)
def reinvite(bench: Bench) -> None:
    """A re-INVITE with the same offer is answered, keeps the tags of the dialog, and the call goes on."""
    call = place_call(bench.peer())
    answer = call.ask("INVITE", body=call.invite.body)
    if answer.final.to.tag != call.remote.tag:
        bench.blame(f"To: {answer.final.to}")
    _goes_on(bench, call)


@case("RFC 3261 section 14.2", Force.MUST, applies=CALLEE, needs=REINVITE)
def refused_reinvite(bench: Bench) -> None:
    """A re-INVITE that is refused ends no call."""
    call = place_call(bench.peer())
    answer = call.ask("INVITE", body=b"nothing at all", content_type="application/x-nobody-knows")
    if answer.status < 300:
        bench.blame(answer.told)
    _goes_on(bench, call)


@case("RFC 3261 section 20, table 2", Force.MUST, applies=CALLEE, needs=REINVITE)
def contact_again(bench: Bench) -> None:
    """The 2xx to a re-INVITE has a Contact."""
    call = place_call(bench.peer())
    answer = call.ask("INVITE", body=call.invite.body)
    if answer.status >= 300:
        bench.skip(f"a re-INVITE is answered {answer.told}")
    if "Contact" not in answer.final.headers:
        bench.blame("the 2xx has no Contact")


@case("RFC 3261 section 8.2.2.3", Force.MUST, applies=CALLEE, needs=REINVITE)
def unknown_extension(bench: Bench) -> None:
    """An unknown option-tag in Require is 420 in a dialog too, and the dialog goes on."""
    call = place_call(bench.peer())
    answer = call.ask("INVITE", headers=[("Require", "x-nobody-knows")], body=call.invite.body)
    if answer.status != 420:
        bench.blame(answer.told)
    _goes_on(bench, call)


@case("RFC 3311 section 5.2", Force.MUST, applies=CALLEE, needs=BYE)
def update(bench: Bench) -> None:
    """UPDATE is answered 2xx where Allow names it, and is refused where it does not."""
    call = place_call(bench.peer())
    lines = call.response.headers.get_all("Allow")
    allowed = "UPDATE" in [word.strip() for line in lines for word in line.split(",")]
    answer = call.ask("UPDATE")
    if not lines:
        bench.skip("its answer has no Allow")
    if allowed and answer.status in (405, 501):
        bench.blame(f"Allow: {', '.join(lines)}, and UPDATE is answered {answer.told}")
    _goes_on(bench, call)
