"""What the element owes for a request of the tester: RFC 3261 sections 8.2, 13.3.1.4, 17.2 and 18.2.2."""

from __future__ import annotations

from typing import Final

from sip.flow import Address
from sip.message.response import Response
from sip.testing.conformance.asked import Asked
from sip.testing.conformance.encounter import LATENCY, Encounter
from sip.testing.judges.finding import Force

#: Timers of RFC 3261 section 17 in seconds.
T1: Final = 0.5
T2: Final = 4.0
ENDLESS: Final = 64 * T1
#: What is granted beside them: the way there and back, and a clock that is read now and then.
GRACE: Final = 0.1


def judge_place(encounter: Encounter, asked: Asked, response: Response, remote: Address) -> None:
    """Look at where an answer went; what is in it the judges look at when all is over (`check_traffic`)."""
    if remote != asked.back:
        clause = f"an answer goes to {asked.back}, as the topmost Via says"
        encounter.blame("RFC 3261 section 18.2.2", Force.MUST, clause, f"it went to {remote}", asked.request, response)


def judge_repetition(encounter: Encounter, asked: Asked, response: Response, sent_at: float) -> None:
    """Look at one more copy of a final answer to INVITE: none is due once the ACK is there."""
    if asked.final is not None and asked.acked_at is not None and sent_at > asked.acked_at + LATENCY + GRACE:
        source = "RFC 3261 section 13.3.1.4" if response.status < 300 else "RFC 3261 section 17.2.1"
        clause = "a final answer to INVITE is not repeated once the ACK is there"
        seen = f"{response.status} again {sent_at - asked.acked_at - LATENCY:.2f} s after it"
        encounter.blame(source, Force.MUST, clause, seen, asked.request, response)


def owe_answers(encounter: Encounter, asked: Asked, *, final_within: float | None) -> None:
    """What the element owes for a new request: a sign of life, and in time an end."""
    request = asked.request
    if request.method == "INVITE":
        encounter.expect(
            2 * LATENCY + 0.2 + GRACE / 10,
            lambda: bool(asked.responses),
            "RFC 3261 section 17.2.1",
            Force.MUST,
            "INVITE gets 100 unless something else is answered within 200 ms",
            "nothing within 200 ms",
            request,
        )
    if final_within is None:
        return
    encounter.expect(
        final_within,
        lambda: asked.final is not None,
        "RFC 3261 section 8.2",
        Force.MUST,
        "a user agent server answers every request but ACK with a final answer",
        f"none within {final_within:g} s" + (f", only {asked.responses[-1][1].status}" if asked.responses else ""),
        request,
    )


def owe_repetition(encounter: Encounter, asked: Asked, response: Response) -> None:
    """What the element owes when the first final answer to INVITE is not acknowledged."""
    source = "RFC 3261 section 13.3.1.4" if response.status < 300 else "RFC 3261 section 17.2.1"
    for copies, at in ((2, T1), (3, 3 * T1), (5, 3.5 + 4.0), (8, 3.5 + 4 * T2)):
        encounter.expect(
            at + GRACE,
            lambda copies=copies: len(asked.finals) >= copies or asked.settled,  # type: ignore[misc]
            source,
            Force.MUST,
            "over UDP a final answer to INVITE is repeated after T1, in doubling intervals up to T2, until the ACK",
            f"fewer than {copies} copies within {at:g} s",
            asked.request,
            response,
        )
    if response.status < 300 and asked.request.to.tag is None:
        encounter.expect(
            ENDLESS + 2.0,
            lambda: asked.settled,
            source,
            Force.SHOULD,
            "a session whose 2xx is not acknowledged within 64*T1 is ended with BYE",
            "no BYE",
            asked.request,
            response,
        )


def owe_same_answer(encounter: Encounter, asked: Asked) -> None:
    """What the element owes when a request arrives again."""
    if not asked.responses:
        return
    last_at, last = asked.responses[-1]
    if last.status >= 200 and (encounter.now - asked.finals[0][0] > ENDLESS - 1.0 or asked.acked_at is not None):
        return
    if asked.request.method == "INVITE" and 200 <= last.status < 300:
        return  # it is repeated by whoever made it, at its own times
    seen = len(asked.responses)
    section = "17.2.1" if asked.request.method == "INVITE" else "17.2.2"
    encounter.expect(
        2 * LATENCY + GRACE,
        lambda: len(asked.responses) > seen,
        f"RFC 3261 section {section}",
        Force.MUST,
        "a request that arrives again gets the most recent answer again",
        f"nothing; {last.status} at {last_at:.3f}",
        asked.request,
        last,
    )
