"""What the element owes when the tester does not answer a request: RFC 3261 section 17.1, timers A and E."""

from __future__ import annotations

from sip.testing.conformance.answers import GRACE, T1
from sip.testing.conformance.asked import Came
from sip.testing.conformance.encounter import LATENCY, Encounter
from sip.testing.judges.finding import Force


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
