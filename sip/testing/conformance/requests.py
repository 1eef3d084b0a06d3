"""What is wrong with a request of the element: RFC 3261 sections 8.1.1, 9.1, 12.2.1.1, 13.2.2.4 and 17.1."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from sip.errors import RemoteProtocolError
from sip.message.request import Request
from sip.testing.conformance.answers import ENDLESS, GRACE, T1, T2
from sip.testing.conformance.asked import Call, Came
from sip.testing.conformance.encounter import LATENCY, Encounter
from sip.testing.judging import Force

#: What every request has (RFC 3261 section 8.1.1).
_NEEDED: Final = ("Via", "From", "To", "Call-ID", "CSeq", "Max-Forwards")


def judge_request(encounter: Encounter, request: Request) -> bool:
    """Look at a request by itself; False when it cannot be read as far as it has to be."""
    section = "RFC 3261 section 8.1.1"
    for name in _NEEDED:
        if name not in request.headers:
            encounter.blame(section, Force.MUST, f"a request has {name}", f"no {name}", request)
    try:
        request.check(all=True)
        branch, tag = request.via[0].branch, request.from_.tag
    except (RemoteProtocolError, IndexError) as error:
        encounter.blame(
            "RFC 3261 section 25", Force.MUST, "its header fields are as the grammar says", f"{error}", request
        )
        return False
    if branch is None or not branch.startswith("z9hG4bK"):
        clause = "the branch begins with z9hG4bK"
        encounter.blame("RFC 3261 section 8.1.1.7", Force.MUST, clause, f"branch {branch}", request)
    if not tag:
        encounter.blame(
            "RFC 3261 section 8.1.1.3", Force.MUST, "From has a tag", request.headers.get("From", ""), request
        )
    if request.method in ("INVITE", "SUBSCRIBE", "REFER") and len(request.contact) != 1:
        clause = "a request that makes a dialog has one Contact"
        encounter.blame("RFC 3261 section 8.1.1.8", Force.MUST, clause, f"{len(request.contact)}", request)
    return True


def judge_in_dialog(encounter: Encounter, request: Request, call: Call, sent_at: float, contact: str) -> None:
    """Look at a request in a dialog, which is not an ACK to a non-2xx and not a CANCEL."""
    section = "RFC 3261 section 12.2.1.1"
    if str(request.uri) != contact:
        clause = "its Request-URI is the remote target"
        encounter.blame(section, Force.MUST, clause, f"{request.uri} for {contact}", request)
    routes = tuple(str(each) for each in request.route)
    if routes != call.their_route:
        clause = "Route is the route set of the dialog"
        encounter.blame(section, Force.MUST, clause, f"{routes} for {call.their_route}", request)
    number = request.cseq.number
    if request.method == "ACK":
        return
    if call.remote_seq is not None and number != call.remote_seq + 1:
        clause = "CSeq is that of the request before and one more"
        encounter.blame(section, Force.MUST, clause, f"{number} after {call.remote_seq}", request)
    since = call.unacknowledged_since
    if request.method == "BYE" and since is not None and sent_at < since - LATENCY + ENDLESS - GRACE:
        clause = "a callee sends no BYE before it has the ACK, or has waited 64*T1 for it"
        encounter.blame("RFC 3261 section 15", Force.MUST, clause, f"{sent_at - since:.1f} s after its 2xx", request)
    if call.ended_at is not None and sent_at > call.ended_at + LATENCY:
        clause = "nothing is sent in a dialog that BYE has ended"
        encounter.blame(
            "RFC 3261 section 15",
            Force.MUST,
            clause,
            f"{request.method} {sent_at - call.ended_at:.2f} s later",
            request,
        )


def judge_repetition(encounter: Encounter, came: Came, request: Request, sent_at: float) -> None:
    """Look at one more copy of a request, before its time is added (section 17.1, timers A, B, E and F)."""
    invite = request.method == "INVITE"
    section = f"RFC 3261 section 17.1.{1 if invite else 2}.2"
    if bytes(request) != bytes(came.request):
        encounter.blame(section, Force.MUST, "a request is repeated as it was", "another one", came.request, request)
    stops = [at for at, each in came.responses if each.status >= 200 or invite]
    if stops and sent_at > stops[0] + GRACE:
        clause = "a request is not repeated after " + ("an answer" if invite else "the final answer")
        encounter.blame(section, Force.MUST, clause, f"again {sent_at - stops[0]:.2f} s after it", request)
    times = [*came.at, sent_at]
    if sent_at - came.at[0] > ENDLESS + GRACE:
        clause = "a request is repeated for 64*T1 at most"
        encounter.blame(section, Force.MUST, clause, f"again after {sent_at - came.at[0]:.1f} s", request)
    if len(times) >= 3:
        before, now = times[-2] - times[-3], times[-1] - times[-2]
        least = 2 * before if invite else min(2 * before, T2)
        if now < least - GRACE:
            clause = "intervals double" + ("" if invite else " up to T2")
            encounter.blame(section, Force.MUST, clause, f"{now:.2f} s after {before:.2f} s", request)
    elif times[-1] - times[0] < T1 - GRACE:
        clause = "the first repetition waits for T1"
        encounter.blame(section, Force.MUST, clause, f"{times[-1] - times[0]:.2f} s", request)


def owe_repetitions(encounter: Encounter, came: Came) -> None:
    """What the element owes over UDP for a request that the tester leaves unanswered."""
    invite = came.request.method == "INVITE"
    # 0, 0.5, 1.5, 3.5, 7.5, 15.5, 31.5; the others stop doubling at 4 s.
    wanted = ((2, T1), (3, 3 * T1), (5, 7.5)) + (((7, 31.5),) if invite else ((11, 31.5),))
    for copies, at in wanted:
        encounter.expect(
            at + GRACE + LATENCY,
            lambda copies=copies: len(came.at) >= copies or bool(came.responses) or came.cancelled,  # type: ignore[misc]
            f"RFC 3261 section 17.1.{1 if invite else 2}.2",
            Force.MUST,
            "over UDP a request is repeated after T1, then in doubling intervals" + ("" if invite else " up to T2"),
            f"fewer than {copies} copies within {at:g} s",
            came.request,
        )


def judge_ack(encounter: Encounter, came: Came, ack: Request, contact: str) -> None:
    """Look at the ACK to a final answer of the tester's (sections 17.1.1.3 and 13.2.2.4)."""
    invite, final = came.request, came.final
    assert final is not None
    section = "RFC 3261 section 17.1.1.3" if final.status >= 300 else "RFC 3261 section 13.2.2.4"
    pairs: Mapping[str, tuple[object, object]] = {
        "Call-ID": (invite.call_id, ack.call_id),
        "From": (invite.from_, ack.from_),
        "CSeq number": (invite.cseq.number, ack.cseq.number),
        "To": (final.to, ack.to),
    }
    if final.status >= 300:
        pairs |= {  # type: ignore[operator]
            "Request-URI": (str(invite.uri), str(ack.uri)),
            "Via": (invite.via[:1], ack.via),
            "Route": (invite.route, ack.route),
        }
    else:
        pairs |= {"Request-URI": (contact, str(ack.uri))}  # type: ignore[operator]
        if ack.via[0].branch == invite.via[0].branch:
            clause = "ACK to a 2xx has a branch of its own"
            encounter.blame("RFC 3261 section 8.1.1.7", Force.MUST, clause, "that of the INVITE", invite, final, ack)
    for name, (wanted, seen) in pairs.items():
        if wanted != seen:
            encounter.blame(section, Force.MUST, f"{name} of the ACK is {wanted}", f"{seen}", invite, final, ack)


def judge_cancel(encounter: Encounter, came: Came, cancel: Request, sent_at: float) -> None:
    """Look at a CANCEL for an INVITE of the element (section 9.1)."""
    invite, section = came.request, "RFC 3261 section 9.1"
    pairs: Mapping[str, tuple[object, object]] = {
        "Request-URI": (str(invite.uri), str(cancel.uri)),
        "Call-ID": (invite.call_id, cancel.call_id),
        "To": (invite.to, cancel.to),
        "From": (invite.from_, cancel.from_),
        "CSeq number": (invite.cseq.number, cancel.cseq.number),
        "Via": (invite.via[:1], cancel.via),
        "Route": (invite.route, cancel.route),
    }
    for name, (wanted, seen) in pairs.items():
        if wanted != seen:
            encounter.blame(
                section, Force.MUST, f"{name} of the CANCEL is that of its request", f"{seen}", invite, cancel
            )
    if not came.responses or sent_at < came.responses[0][0]:
        clause = "CANCEL waits for a provisional answer"
        encounter.blame(section, Force.MUST, clause, "none had come", invite, cancel)
