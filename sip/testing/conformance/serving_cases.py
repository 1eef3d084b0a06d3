"""Cases for whoever is asked: a user agent server outside of calls, and the beginning of calls to it."""

from __future__ import annotations

from typing import Final

from hypothesis import strategies as st

from sip.testing.conformance.asked import Asked
from sip.testing.conformance.case import Case, case
from sip.testing.conformance.encounter import LATENCY
from sip.testing.conformance.tester import ROUTE, SDP, Tester
from sip.testing.judges.finding import Force

_SOON: Final = 2 * LATENCY + 0.1
#: Longer than anybody takes to answer who answers at all.
_ANSWERED: Final = 60.0


def expect_status(
    tester: Tester,
    asked: Asked,
    statuses: tuple[int, ...],
    source: str,
    clause: str,
    *,
    force: Force = Force.MUST,
) -> None:
    """The first final answer is one of these; that there is one is owed anyway."""
    tester.encounter.expect(
        40.0 if asked.request.method != "CANCEL" else 1.0,
        lambda: asked.final is None or asked.final.status in statuses or _crossed(asked),
        source,
        force,
        clause,
        "another final answer",
        asked.request,
    )


def _crossed(asked: Asked) -> bool:
    """Whether the element ended the call while the request was on its way, and says so."""
    call = asked.call
    ended = call is not None and call.ended_at is not None and call.ended_at > asked.at
    return ended and asked.final is not None and asked.final.status in (481, 487)


@case(
    "RFC 3261 section 18.2.2",
    "an answer goes where the topmost Via says: to the source port with rport, else to the port of sent-by",
    rport=st.booleans(),
    port=st.sampled_from((5060, 7777)),
)
def asks_for_options(tester: Tester, rport: bool, port: int) -> None:
    """Behind a NAT nothing arrives otherwise."""
    tester.ask("OPTIONS", tester.targets.answers, "asks what it can", rport=rport, port=port)


@case(
    "RFC 3261 section 13.3.1.4",
    "a call that is taken gets a 2xx, repeated until the ACK",
    offers=st.booleans(),
    acks=st.booleans(),
)
def calls(tester: Tester, offers: bool, acks: bool) -> None:
    """The ACK may be lost, and the offer may be left to the other side."""
    why = "calls" + ("" if offers else ", without an offer") + ("" if acks else ", and will not acknowledge")
    body = SDP if offers else b""
    tester.ask("INVITE", tester.targets.answers, why, body=body, acks=acks, final_within=_ANSWERED)


@case("RFC 3261 section 12.1.1", "the dialog has the route set that Record-Route says", acks=st.booleans())
def calls_through_a_proxy(tester: Tester, acks: bool) -> None:
    """Whoever forgets the route sends its BYE past the proxy, which bills on."""
    call = tester.new_call(tester.targets.answers)
    call.their_route = (ROUTE,)
    tester.ask(
        "INVITE",
        tester.targets.answers,
        "calls through a proxy that stays on the way",
        call=call,
        headers=[("Record-Route", ROUTE)],
        body=SDP,
        acks=acks,
        final_within=_ANSWERED,
    )


@case(
    "RFC 3261 section 17.2.1",
    "a refusal is repeated until the ACK",
    ready=lambda tester: tester.targets.refuses is not None,
    acks=st.booleans(),
)
def calls_somebody_busy(tester: Tester, acks: bool) -> None:
    """Without timer G a caller whose 486 was lost hears ringing for minutes."""
    why = "calls somebody who refuses" + ("" if acks else ", and will not acknowledge")
    tester.ask("INVITE", tester.targets.refuses or "", why, body=SDP, acks=acks, final_within=_ANSWERED)


@case(
    "RFC 3261 section 17.2.1",
    "100 comes within 200 ms unless something else does",
    ready=lambda tester: tester.targets.rings is not None,
)
def calls_somebody_slow(tester: Tester) -> None:
    """Without it the INVITE is sent again and again."""
    tester.ask("INVITE", tester.targets.rings or "", "calls somebody who lets it ring", body=SDP, final_within=None)


@case(
    "RFC 3261 section 17.2",
    "a request that arrives again gets the same answer, and has no other effect",
    ready=lambda tester: bool(_repeatable(tester)),
    which=st.integers(0, 3),
)
def repeats_a_request(tester: Tester, which: int) -> None:
    """On UDP the answer may have been lost."""
    asked = _repeatable(tester)
    tester.repeat(asked[which % len(asked)], "sends it again")


def _repeatable(tester: Tester) -> list[Asked]:
    """Requests whose transaction certainly lives: timers I and J have not run out."""
    return tester.find(lambda each: each.final is None or tester.now < each.finals[0][0] + 4.0)


@case(
    "RFC 3261 section 17.2.1",
    "an ACK ends the repetition of a final answer",
    ready=lambda tester: bool(tester.find(_unacknowledged)),
)
def acknowledges_late(tester: Tester) -> None:
    """The first ACK was lost."""
    asked = tester.find(_unacknowledged)[0]
    asked.acks = True
    tester.ack(asked, "acknowledges after all")


def _unacknowledged(asked: Asked) -> bool:
    return not asked.acks and asked.final is not None


@case(
    "RFC 3261 section 9.2",
    "a CANCEL gets 200, and the INVITE that still rings gets 487",
    ready=lambda tester: bool(tester.find(_ringing)),
)
def cancels(tester: Tester) -> None:
    """The caller has changed its mind."""
    asked = tester.find(_ringing)[0]
    cancel = tester.cancel(asked, "gives up")
    expect_status(tester, cancel, (200,), "RFC 3261 section 9.2", "a CANCEL for a transaction that is there gets 200")
    tester.encounter.expect(
        1.0,
        lambda: asked.final is not None,
        "RFC 3261 section 9.2",
        Force.MUST,
        "an INVITE that was cancelled before its final answer gets 487",
        "no final answer within a second",
        asked.request,
    )


def _ringing(asked: Asked) -> bool:
    return asked.request.method == "INVITE" and asked.rings and asked.cancelled_at is None


@case(
    "RFC 3261 section 9.2",
    "a CANCEL that comes after the final answer has no effect",
    ready=lambda tester: bool(tester.find(_answered)),
)
def cancels_too_late(tester: Tester) -> None:
    """Both crossed on the way: the call stands."""
    asked = tester.find(_answered)[0]
    cancel = tester.cancel(asked, "gives up what has just been answered")
    clause = "it gets 200, or 481 once the transaction is over"
    expect_status(tester, cancel, (200, 481), "RFC 3261 section 9.2", clause)


def _answered(asked: Asked) -> bool:
    return asked.request.method == "INVITE" and asked.final is not None and asked.cancelled_at is None


@case("RFC 3261 section 9.2", "a CANCEL that matches no transaction gets 481")
def cancels_nothing(tester: Tester) -> None:
    """Whoever says 200 here lets the caller believe that nothing will ring."""
    call = tester.new_call(tester.targets.answers)
    never = tester.unsent("INVITE", call)
    cancel = tester.cancel(never, "gives up a call that it never made")
    expect_status(tester, cancel, (481,), "RFC 3261 section 9.2", "a CANCEL that matches no transaction gets 481")


@case("RFC 3261 section 8.2.1", "a method that is not known gets 405 with Allow, or 501")
def asks_something_unheard_of(tester: Tester) -> None:
    """Silence would be taken for a lost message, and 200 for consent."""
    asked = tester.ask("FROBNICATE", tester.targets.answers, "asks for something that nobody knows")
    expect_status(tester, asked, (405, 501), "RFC 3261 section 8.2.1", "an unknown method gets 405, or 501")


@case(
    "RFC 3261 section 8.2.2.3",
    "an extension that is required and not known gets 420, with its name in Unsupported",
    method=st.sampled_from(("OPTIONS", "INVITE")),
)
def requires_an_unknown_extension(tester: Tester, method: str) -> None:
    """Both would go on with different ideas of what was agreed."""
    body = SDP if method == "INVITE" else b""
    asked = tester.ask(
        method, tester.targets.answers, "requires what nobody knows", headers=[("Require", "nosuch")], body=body
    )
    source, clause = "RFC 3261 section 8.2.2.3", "a required extension that is unknown gets 420"
    expect_status(tester, asked, (420,), source, clause)
    tester.encounter.expect(
        40.0,
        lambda: asked.final is None or asked.final.status != 420 or "nosuch" in asked.final.unsupported,
        source,
        Force.MUST,
        "Unsupported names the extension",
        "another one",
        asked.request,
    )


@case("RFC 3261 section 8.2.3", "a body of an unknown type gets 415, with Accept")
def calls_with_an_unknown_body(tester: Tester) -> None:
    """What is required and cannot be read is not to be passed over."""
    asked = tester.ask(
        "INVITE",
        tester.targets.answers,
        "calls with a body that nobody can read",
        headers=[("Content-Type", "application/x-nonsense")],
        body=b"?",
        final_within=_ANSWERED,
    )
    expect_status(tester, asked, (415,), "RFC 3261 section 8.2.3", "a body of an unknown type gets 415")
    tester.encounter.expect(
        _ANSWERED,
        lambda: asked.final is None or asked.final.status != 415 or "Accept" in asked.final.headers,
        "RFC 3261 section 8.2.3",
        Force.MUST,
        "415 says in Accept what can be read",
        "no Accept",
        asked.request,
    )


@case(
    "RFC 3261 section 8.2.2.2",
    "a request that comes a second time by another way gets 482",
    ready=lambda tester: bool(tester.find(_ringing)),
)
def reaches_it_by_two_ways(tester: Tester) -> None:
    """A fork before us: else one call rings twice at one phone."""
    first = tester.find(_ringing)[0]
    asked = tester.merge(first, "the same call comes by another way")
    tester.encounter.expect(
        _SOON + 0.2,
        lambda: asked.final is not None and asked.final.status == 482,
        "RFC 3261 section 8.2.2.2",
        Force.SHOULD,
        "a merged request gets 482",
        "something else, or nothing",
        first.request,
        asked.request,
    )


CASES: Final[tuple[Case, ...]] = (
    asks_for_options,
    calls,
    calls_through_a_proxy,
    calls_somebody_busy,
    calls_somebody_slow,
    repeats_a_request,
    acknowledges_late,
    cancels,
    cancels_too_late,
    cancels_nothing,
    asks_something_unheard_of,
    requires_an_unknown_extension,
    calls_with_an_unknown_body,
    reaches_it_by_two_ways,
)
