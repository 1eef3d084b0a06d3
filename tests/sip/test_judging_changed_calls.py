"""One thing changed in a call that was right: the judges find it, by its clause."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Final

import attrs
import pytest

from sip import EndpointConfig, Request, Response
from sip.testing import Act, Network, Passage, Side, Step, check_traffic, perform

Change = Callable[[list[Passage]], list[Passage]]
Which = Callable[[Passage], bool]

CALLER, CALLEE = Side.CALLER, Side.CALLEE
TALK: Final = (
    Step(0.02, CALLEE, Act.RING),
    Step(1.0, CALLEE, Act.PROGRESS),
    Step(1.0, CALLEE, Act.ANSWER),
    Step(1.0, CALLER, Act.REINVITE),
    Step(1.0, CALLER, Act.UPDATE),
    Step(1.0, CALLEE, Act.INFO),
    Step(1.0, CALLER, Act.INFO),
    Step(1.0, CALLER, Act.BYE),
)
REFUSED: Final = (Step(1.0, CALLEE, Act.RING), Step(1.0, CALLEE, Act.REJECT))
CANCELLED: Final = (Step(1.0, CALLEE, Act.RING), Step(1.0, CALLER, Act.CANCEL))
HUNG_UP: Final = (Step(0.02, CALLEE, Act.RING), Step(1.0, CALLEE, Act.ANSWER), Step(1.0, CALLEE, Act.BYE))


@cache
def call(script: tuple[Step, ...], transport: str = "udp") -> tuple[Passage, ...]:
    net = Network(seed=1)
    alice, bob = net.agent("alice", EndpointConfig(reliable_provisionals=True)), net.agent("bob")
    perform(script, caller=alice, callee=bob, transport=transport)
    return tuple(net.passages())


def asks(method: str) -> Which:
    return lambda each: isinstance(each.message, Request) and each.message.method == method


def answers(status: int, method: str) -> Which:
    return lambda each: (
        isinstance(each.message, Response) and each.message.status == status and each.message.cseq.method == method
    )


def change(which: Which, nth: int = 0, **fields: str) -> Change:
    """Set header fields of the nth message that is meant."""
    named = {name.replace("_", "-"): value for name, value in fields.items()}
    return rewrite(which, lambda message: message.evolve(set=named), nth)


def strip(which: Which, *names: str) -> Change:
    return rewrite(which, lambda message: message.evolve(remove=names))


def rewrite(which: Which, how: Callable[[Request | Response], Request | Response], nth: int = 0) -> Change:
    def changed(passages: list[Passage]) -> list[Passage]:
        place = [number for number, each in enumerate(passages) if which(each)][nth]
        passages[place] = attrs.evolve(passages[place], message=how(passages[place].message))
        return passages

    return changed


def drop(which: Which) -> Change:
    return lambda passages: [each for each in passages if not which(each)]


def move(which: Which, at: float) -> Change:
    def moved(passages: list[Passage]) -> list[Passage]:
        place = next(number for number, each in enumerate(passages) if which(each))
        passages[place] = attrs.evolve(passages[place], at=at)
        return passages

    return moved


def repeat(which: Which, *after: float, **fields: str) -> Change:
    """Send the first message that is meant again."""

    def repeated(passages: list[Passage]) -> list[Passage]:
        first = next(each for each in passages if which(each))
        message = first.message.evolve(set={name.replace("_", "-"): value for name, value in fields.items()})
        return [*passages, *(attrs.evolve(first, at=first.at + wait, message=message) for wait in after)]

    return repeated


def again(which: Which, *, Via: str, method: str | None = None) -> Change:
    """Send the first message that is meant again, as if it were the answer to something else."""

    def repeated(passages: list[Passage]) -> list[Passage]:
        first = next(each for each in passages if which(each))
        lines = {"Via": Via}
        if method is not None:
            lines["CSeq"] = f"{first.message.cseq.number} {method}"
        return [*passages, attrs.evolve(first, at=first.at + 0.3, message=first.message.evolve(set=lines))]

    return repeated


def both(*changes: Change) -> Change:
    def changed(passages: list[Passage]) -> list[Passage]:
        for each in changes:
            passages = each(passages)
        return passages

    return changed


def without_body(message: Request | Response) -> Request | Response:
    return message.evolve(body=b"", remove=["Content-Type"])


def readdressed(message: Request | Response) -> Request | Response:
    assert isinstance(message, Request)
    return message.evolve(uri="sip:elsewhere@192.0.2.77")


def renamed(message: Request | Response) -> Request | Response:
    return message.evolve(set={"From": str(message.from_).replace("alice", "alicia")})


def forked(passages: list[Passage]) -> list[Passage]:
    """The answer to UPDATE comes again, with another tag."""
    other = {"To": "<sip:callee@example.com>;tag=other"}
    answer = next(each for each in passages if answers(200, "UPDATE")(each))
    return [*passages, attrs.evolve(answer, at=answer.at + 0.5, message=answer.message.evolve(set=other))]


def tried(passages: list[Passage]) -> list[Passage]:
    """INFO is answered 100 at once."""
    asked = next(each for each in passages if asks("INFO")(each))
    assert isinstance(asked.message, Request)
    answer = asked.message.response(100)
    ends = {"sender": asked.receiver, "receiver": asked.sender}
    return [*passages, attrs.evolve(asked, at=asked.at + 0.001, message=answer, **ends)]


def is_progress(each: Passage) -> bool:
    return isinstance(each.message, Response) and each.message.status < 200


TENTHS: Final = tuple(number / 10 for number in range(1, 9))
VIA: Final = "SIP/2.0/UDP 192.0.2.1:5060;branch="
CHANGES: Final[Sequence[tuple[str, tuple[Step, ...], Change, str, str]]] = (
    # A request by itself
    ("no Max-Forwards", TALK, strip(asks("INFO"), "Max-Forwards"), "8.1.1", "every request has Max-Forwards"),
    ("no tag in From", TALK, change(asks("INVITE"), From="<sip:a@example.com>"), "8.1.1.3", "From has a tag"),
    ("method in CSeq", TALK, change(asks("INFO"), CSeq="7 BYE"), "8.1.1.5", "the method in CSeq"),
    ("no cookie", TALK, change(asks("BYE"), Via=VIA + "1"), "8.1.1.7", "the branch begins"),
    ("no Contact", TALK, strip(asks("INVITE"), "Contact"), "8.1.1.8", "INVITE has exactly one Contact"),
    ("no RAck", TALK, strip(asks("PRACK"), "RAck"), "RFC 3262 section 7", "PRACK has RAck"),
    ("two From", TALK, rewrite(asks("INFO"), lambda m: m.evolve(add=[("From", "<sip:x@y>;tag=1")])), "7.3.1", "From"),
    ("Via of TCP", TALK, change(asks("BYE"), Via="SIP/2.0/TCP 192.0.2.1;branch=z9hG4bKx"), "18.1.1", "Via names"),
    ("BYE outside", TALK, change(asks("BYE"), To="<sip:callee@example.com>"), "section 15", "BYE is sent within"),
    # A transaction
    ("altered copy", TALK, repeat(asks("INVITE"), 0.5, Subject="x"), "17.1.1.2", "a request is repeated as it was"),
    ("rapid copies", TALK, repeat(asks("INFO"), *TENTHS), "17.1.2.2", "intervals between copies double"),
    ("even intervals", TALK, repeat(asks("INFO"), 0.5, 1.0, 1.5), "17.1.2.2", "intervals between copies double"),
    ("first copy too soon", TALK, repeat(asks("INFO"), 0.2), "17.1.2.2", "the first copy comes after T1"),
    ("copies after the answer", TALK, repeat(asks("INFO"), 3.0), "17.1.2.2", "repeated until the final response"),
    ("copies after 180", TALK, repeat(asks("INVITE"), 0.9), "17.1.1.2", "INVITE is repeated until anything"),
    ("copy without answer", TALK, repeat(asks("INFO"), 0.5), "17.2.2", "a copy of the request is answered"),
    ("branch used again", TALK, both(
        repeat(asks("INFO"), 5.0, CSeq="9 INFO")), "8.1.1.7", "a branch is used for one request"),
    ("two final answers", TALK, both(repeat(asks("UPDATE"), 0.5), forked), "17.2.2", "a request has one final"),
    ("late 180", TALK, repeat(answers(180, "INVITE"), 9.0, Reason="x"), "17.2.1", "no provisional response follows"),
    ("silence", REFUSED, drop(is_progress), "17.2.1", "100 is sent at once"),
    ("100 to INFO", TALK, tried, "RFC 4320", "no 100 over an unreliable transport"),
    # ACK and CANCEL
    ("no ACK to 486", REFUSED, drop(asks("ACK")), "17.1.1.2", "a final response that is no 2xx is acknowledged"),
    ("ACK without tag", REFUSED, change(asks("ACK"), To="<sip:callee@example.com>"), "17.1.1.3", "To of ACK"),
    ("ACK with another Call-ID", REFUSED, change(asks("ACK"), Call_ID="x"), "17.1.1.3", "Call-ID of ACK"),
    ("ACK elsewhere", REFUSED, rewrite(asks("ACK"), readdressed), "17.1.1.3", "the Request-URI of ACK"),
    ("ACK with a Route", REFUSED, change(asks("ACK"), Route="<sip:p.example.com;lr>"), "17.1.1.3", "Route of ACK"),
    ("ACK with another number", REFUSED, change(asks("ACK"), CSeq="99 ACK"), "17.1.1.3", "the number in CSeq of ACK"),
    ("CANCEL at once", CANCELLED, move(asks("CANCEL"), 0.0), "9.1", "CANCEL waits for a provisional response"),
    ("CANCEL with another tag", CANCELLED, change(asks("CANCEL"), From="<sip:alice@example.com>;tag=x"), "9.1", "From"),
    ("CANCEL requires", CANCELLED, change(asks("CANCEL"), Require="x"), "9.1", "CANCEL has no Require"),
    ("CANCEL elsewhere", CANCELLED, rewrite(asks("CANCEL"), readdressed), "9.1", "the Request-URI of CANCEL"),
    ("cancelled without end", CANCELLED, both(drop(answers(487, "INVITE")), drop(asks("ACK"))), "9.2", "487"),
    ("ACK with another branch", REFUSED, change(asks("ACK"), Via=VIA + "z9hG4bKo"), "17.1.1.3", "the single Via of"),
    ("CANCEL with another branch", CANCELLED, change(asks("CANCEL"), Via=VIA + "z9hG4bKo"), "9.1", "the single Via"),
    # An answer
    ("200 with another method", HUNG_UP, change(answers(200, "INVITE"), CSeq="1 OPTIONS"), "8.2.6.2", "CSeq equals"),
    # A dialog
    ("CSeq steps back", TALK, change(asks("BYE"), CSeq="1 BYE"), "12.2.1.1", "CSeq increases with each"),
    ("CSeq leaps", TALK, change(asks("BYE"), CSeq="999 BYE"), "12.2.1.1", "CSeq increases by one"),
    ("BYE elsewhere", TALK, rewrite(asks("BYE"), readdressed), "12.2.1.1", "the Request-URI is the remote target"),
    ("a Route of nobody", TALK, change(asks("BYE"), Route="<sip:p.example.com;lr>"), "12.2.1.1", "Route is the route"),
    ("another From", TALK, rewrite(asks("UPDATE"), renamed), "12.2.1.1", "the URI in From"),
    ("no ACK to 200", TALK, drop(asks("ACK")), "13.2.2.4", "each 2xx to INVITE is acknowledged"),
    ("number of an ACK", TALK, change(asks("ACK"), CSeq="77 ACK"), "13.2.2.4", "CSeq of an ACK"),
    ("BYE before ACK", HUNG_UP, drop(asks("ACK")), "section 15", "the callee sends no BYE before the ACK"),
    ("BYE before 200", HUNG_UP, move(asks("BYE"), 0.5), "section 15", "the callee sends no BYE on an early"),
    ("INFO after BYE", TALK, repeat(asks("INFO"), 60.0, Via=VIA + "z9hG4bKn"), "15.1.2", "a session is over"),
    # Reliable responses
    ("RSeq that nobody sent", TALK, change(asks("PRACK"), RAck="1 1 INVITE"), "RFC 3262 section 7.2", "RAck"),
    ("no PRACK", TALK, drop(asks("PRACK")), "RFC 3262 section 4", "a reliable response is acknowledged"),
    ("no 100rel in Require", TALK, strip(answers(183, "INVITE"), "Require"), "RFC 3262 section 3", "Require"),
    ("reliable to nobody's wish", TALK, strip(asks("INVITE"), "Supported"), "RFC 3262 section 3", "without 100rel"),
    # Offers and answers
    ("UPDATE without answer", TALK, rewrite(answers(200, "UPDATE"), without_body), "RFC 3311", "the 2xx to UPDATE"),
    ("200 without answer", HUNG_UP, rewrite(answers(200, "INVITE"), without_body), "13.3.1.4", "has the answer"),
    ("another answer", TALK, rewrite(answers(200, "INVITE"), lambda m: m.evolve(
        body=b"v=0\r\ns=2\r\n", set={"Content-Type": "application/sdp"})), "13.2.1", "no other description"),
    # What belongs to nothing
    ("another branch", HUNG_UP, again(answers(200, "INVITE"), Via=VIA + "z9hG4bKother"), "8.2.6.2", "Via of a"),
    ("a 200 to no INVITE", TALK, again(answers(200, "UPDATE"), Via=VIA + "z9hG4bKother", method="INVITE"),
     "8.2.6.2", "CSeq of a"),
    ("BYE to nobody", HUNG_UP, change(asks("BYE"), To="<sip:alice@example.com>;tag=x"), "12.2.1.1", "the tag in To"),
    ("BYE of a caller to nobody", TALK, change(asks("BYE"), To="<sip:b@example.com>;tag=x"), "12.2.1.1", "tag in To"),
    ("offer over offer", TALK, both(move(asks("UPDATE"), 0.5)), "RFC 3311 section 5.1", "nobody offers while"),
)  # fmt: skip


@pytest.mark.parametrize(
    ("script", "changed", "source", "clause"), [each[1:] for each in CHANGES], ids=[each[0] for each in CHANGES]
)
def test_what_was_changed_is_found_by_its_clause(
    script: tuple[Step, ...], changed: Change, source: str, clause: str
) -> None:
    right = list(call(script))
    assert check_traffic(right) == [] == check_traffic(right, until=600.0)
    found = check_traffic(changed(right), until=600.0)
    assert any(source in each.source and clause in each.clause for each in found), [str(each) for each in found]


def test_an_ack_and_a_cancel_that_may_be_of_another_invite_are_not_blamed() -> None:
    """Without the INVITE, without the refusal, or where the right one is there as well, nobody knows what was meant."""
    other = change(asks("ACK"), Via=VIA + "z9hG4bKo")
    known = list(call(REFUSED))
    assert not _astray(drop(answers(486, "INVITE"))(other(known.copy())))
    assert not _astray(drop(asks("INVITE"))(other(known.copy())))
    assert not _astray(repeat(asks("ACK"), 0.1, Via=VIA + "z9hG4bKo")(known.copy()))
    cancelled = change(asks("CANCEL"), Via=VIA + "z9hG4bKo")(list(call(CANCELLED)))
    assert not _astray(drop(asks("INVITE"))(cancelled))
    passed_on = change(asks("ACK"), Via=VIA + "z9hG4bKo, SIP/2.0/UDP 192.0.2.9;branch=z9hG4bKp")(known.copy())
    assert not _astray(passed_on)


def _astray(passages: list[Passage]) -> list[str]:
    return [each.clause for each in check_traffic(passages, until=600.0) if "the single Via" in each.clause]


def test_what_may_belong_to_something_that_was_not_seen_is_not_blamed() -> None:
    """A request that was not captured, a fork whose tag was heard of, a dialog that began before."""
    other = again(answers(200, "INVITE"), Via=VIA + "z9hG4bKother")
    assert not _strayed(drop(asks("INVITE"))(other(list(call(HUNG_UP)))))
    bye = change(asks("BYE"), To="<sip:alice@example.com>;tag=nobody")
    assert not _strayed(drop(answers(200, "INVITE"))(bye(list(call(TALK)))))
    forked = both(bye, again_with_tag("nobody"))
    assert not _strayed(forked(list(call(TALK))))


def again_with_tag(tag: str) -> Change:
    """Another callee takes the call as well."""

    def repeated(passages: list[Passage]) -> list[Passage]:
        first = next(each for each in passages if answers(200, "INVITE")(each))
        other = first.message.evolve(set={"To": f"<sip:callee@example.com>;tag={tag}"})
        return [*passages, attrs.evolve(first, at=first.at + 0.01, message=other)]

    return repeated


def _strayed(passages: list[Passage]) -> list[str]:
    words = ("Via of a response", "CSeq of a response", "the tag in To")
    return [each.clause for each in check_traffic(passages, until=600.0) if each.clause.startswith(words)]


def test_what_only_one_side_said_is_not_held_against_it() -> None:
    for script in (TALK, REFUSED, CANCELLED, HUNG_UP):
        for side in ("alice", "bob"):
            assert check_traffic([each for each in call(script) if each.sender == side]) == []


@pytest.mark.parametrize("script", [TALK, REFUSED, CANCELLED, HUNG_UP])
def test_on_a_stream_a_copy_is_found(script: tuple[Step, ...]) -> None:
    found = check_traffic(repeat(asks("INVITE"), 0.5)(list(call(script, "tcp"))))
    assert any("reliable transport" in each.clause for each in found)
