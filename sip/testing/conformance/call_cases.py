"""Cases inside of calls, at their end, and with messages that belong to nothing."""

from __future__ import annotations

from typing import Final

from hypothesis import strategies as st

from sip.message.response import Response
from sip.testing.conformance.asked import Asked, Call
from sip.testing.conformance.case import Case, case
from sip.testing.conformance.serving_cases import expect_status
from sip.testing.conformance.tester import SDP, Tester
from sip.testing.judges.finding import Force

_NO_DIALOG: Final = "RFC 3261 section 12.2.2"


def _expect_no_dialog(tester: Tester, asked: Asked, clause: str) -> None:
    """RFC 3261 sections 12.2.2 and 15.1.2: 481 is what a BYE SHOULD get, and a MUST for who refuses anything else.

    A session that is asked for may be taken, as if the element had forgotten it.
    """
    statuses: tuple[int, ...]
    match asked.request.method:
        case "BYE":
            source, statuses, force = "RFC 3261 section 15.1.2", (481,), Force.SHOULD
        case "INVITE":
            source, statuses, force = _NO_DIALOG, (481, 200, 202), Force.MUST
        case _:
            source, statuses, force = _NO_DIALOG, (481, 405), Force.MUST
    expect_status(tester, asked, statuses, source, clause, force=force)


def _can_talk(tester: Tester) -> bool:
    return bool(tester.open_calls())


@case("RFC 3261 section 15.1.2", "a BYE gets 2xx, and the session is over", ready=_can_talk)
def hangs_up(tester: Tester) -> None:
    """Afterwards the element sends nothing in it."""
    asked = tester.ask("BYE", "", "hangs up", call=tester.open_calls()[0])
    expect_status(tester, asked, (200,), "RFC 3261 section 15.1.2", "a BYE in a session gets 2xx")


@case(
    "RFC 3261 section 12.2.2",
    "a request in a dialog that is over gets 481",
    ready=lambda tester: bool(_ended(tester)),
    method=st.sampled_from(("BYE", "INFO", "INVITE")),
)
def goes_on_after_the_end(tester: Tester, method: str) -> None:
    """Else the dialog has been kept."""
    body = SDP if method == "INVITE" else b""
    asked = tester.ask(method, "", "goes on as if the call were not over", call=_ended(tester)[0], body=body)
    _expect_no_dialog(tester, asked, "a request for a dialog that does not exist gets 481")


def _ended(tester: Tester) -> list[Call]:
    """Calls that are over for both, the newest first: where the element said BYE, its transaction may still live."""
    return [
        each
        for each in reversed(tester.calls)
        if each.ended_at is not None and tester.now > each.ended_at + (0.0 if each.bye_at is not None else 40.0)
    ]


@case(
    "RFC 3261 section 12.2.2",
    "a request for a dialog that never was gets 481",
    method=st.sampled_from(("BYE", "INVITE")),
)
def talks_in_no_call(tester: Tester, method: str) -> None:
    """The element has been restarted, say, and the other side has to learn it."""
    call = tester.new_call(tester.targets.answers)
    call.remote += ";tag=never"
    asked = tester.ask(method, "", "talks in a call that never was", call=call, body=SDP if method == "INVITE" else b"")
    _expect_no_dialog(tester, asked, "a request for a dialog that does not exist gets 481")


@case(
    "RFC 3261 section 12.2.2",
    "a tag that is wrong belongs to no dialog",
    ready=_can_talk,
    ours=st.booleans(),
)
def hangs_up_with_a_wrong_tag(tester: Tester, ours: bool) -> None:
    """Who knows the Call-ID alone does not end a call."""
    right = tester.open_calls()[0]
    wrong = tester.new_call(right.target)
    wrong.call_id = right.call_id
    wrong.local = right.local + "x" if ours else right.local
    wrong.remote = right.remote if ours else right.remote + "x"
    wrong.target, wrong.route, wrong.local_seq = right.target, right.route, right.local_seq + 5
    asked = tester.ask("BYE", "", "hangs up with a wrong tag", call=wrong)
    _expect_no_dialog(tester, asked, "a request whose tags are those of no dialog gets 481")
    tester.calls.remove(wrong)


@case("RFC 3261 section 12.2.2", "a request whose CSeq is lower than one before gets 500", ready=_can_talk)
def asks_out_of_order(tester: Tester) -> None:
    """What was overtaken is not done any more."""
    call = tester.open_calls()[0]
    tester.ask("OPTIONS", "", "asks in the call", call=call)
    tester.encounter.wait(0.05)
    if not call.open:
        return  # the element has hung up meanwhile
    asked = tester.ask("INFO", "", "asks with a CSeq from before", call=call, cseq=call.local_seq - 1)
    expect_status(tester, asked, (500,), "RFC 3261 section 12.2.2", "a lower CSeq than before gets 500")


@case(
    "RFC 3261 section 14.2",
    "a re-INVITE gets a final answer, and a refusal leaves the session as it was",
    ready=_can_talk,
)
def changes_the_session(tester: Tester) -> None:
    """Hold, say."""
    call = tester.open_calls()[0]
    if not tester.find(lambda each: each.call is call and each.request.method == "INVITE" and not _over(each)):
        tester.ask("INVITE", "", "offers a change", call=call, body=SDP, final_within=60.0)


def _over(asked: Asked) -> bool:
    return asked.final is not None and asked.acked_at is not None


@case("RFC 3261 section 11", "OPTIONS in a call is answered and changes nothing", ready=_can_talk)
def asks_in_a_call(tester: Tester) -> None:
    """Phones look in this way whether the other side is there."""
    tester.ask("OPTIONS", "", "asks in the call", call=tester.open_calls()[0])


@case("RFC 3261 section 17.2.1", "nothing is answered to an ACK, whatever it belongs to")
def acknowledges_nothing(tester: Tester) -> None:
    """Two elements that answer such things never stop."""
    call = tester.new_call(tester.targets.answers)
    call.remote += ";tag=never"
    asked = tester.unsent("ACK", call)
    tester.encounter.send(bytes(asked.request), "acknowledges what was never said")


@case(
    "RFC 3261 section 17.1.3",
    "an answer that matches no request is dropped",
    status=st.sampled_from((100, 180, 200, 487)),
)
def answers_nothing(tester: Tester, status: int) -> None:
    """Anybody can send one."""
    asked = tester.unsent("INVITE", tester.new_call(tester.targets.answers))
    seen = len(tester.encounter.log)
    response = asked.request.response(status, to_tag="never", headers=[("Contact", "<sip:never@192.0.2.99>")])
    tester.encounter.send(bytes(response), "answers what was never asked")
    tester.encounter.wait(0.1)
    theirs = [each for each in tester.encounter.log[seen:] if not each.by_tester and _about(each.message, response)]
    if theirs:
        clause = "nothing is sent because of an answer to nothing"
        tester.encounter.blame("RFC 3261 section 17.1.3", Force.MUST, clause, str(theirs[0]), response)


def _about(message: object, response: Response) -> bool:
    return getattr(message, "headers", {}).get("Call-ID") == response.call_id


#: What is no SIP message, or none that can be answered.
BROKEN: Final = (
    b"",
    b"\r\n\r\n",
    b"\0" * 30,
    b"INVITE",
    b"INVITE sip:a@192.0.2.1 SIP/2.0\r\n\r\n",
    b"SIP/2.0 200 OK\r\n\r\n",
    b"OPTIONS sip:a@192.0.2.1 SIP/3.0\r\nVia: SIP/3.0/UDP 192.0.2.99;branch=z9hG4bKv\r\n\r\n",
    b'OPTIONS sip:a@192.0.2.1 SIP/2.0\r\nVia: \xff\xfe\r\nFrom: <\r\nTo: "\r\nCall-ID:\r\nCSeq: -1\r\n\r\n',
    b"OPTIONS sip:a@192.0.2.1 SIP/2.0\r\nContent-Length: 99999999999\r\n\r\n",
)


@case(
    "RFC 3261 section 18.3",
    "whatever arrives, the element goes on",
    data=st.sampled_from(BROKEN) | st.binary(max_size=40),
)
def sends_rubbish(tester: Tester, data: bytes) -> None:
    """One datagram of a stranger must not end anybody's call."""
    tester.send_rubbish(data)


@case("RFC 3261 section 17", "timers do what they are for", seconds=st.sampled_from((0.05, 0.3, 1.0, 6.0, 40.0, 200.0)))
def waits(tester: Tester, seconds: float) -> None:
    """Most of what is wrong with an element shows when nothing happens."""
    tester.encounter.wait(seconds)


CASES: Final[tuple[Case, ...]] = (
    hangs_up,
    goes_on_after_the_end,
    talks_in_no_call,
    hangs_up_with_a_wrong_tag,
    asks_out_of_order,
    changes_the_session,
    asks_in_a_call,
    acknowledges_nothing,
    answers_nothing,
    sends_rubbish,
    waits,
)
