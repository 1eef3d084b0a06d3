"""SERVICE with a document that is wrong: refused, and the Focus Factory goes on."""

from __future__ import annotations

from collections.abc import Callable

from c3p import GetConferencingCapabilities
from pyc3p.conform.case import STREAMS
from pyc3p.conform.cases.focus.sources import ERROR_IDS, FACTORY, SERVICE_REQUEST, add_focus_case, focus_case
from pyc3p.conform.conference.bench import FocusBench
from pyc3p.conform.conference.broken import BROKEN, HUGE
from sip.testing import Force


def _right(bench: FocusBench) -> bytes:
    return bytes(bench.factory_request(GetConferencingCapabilities()))


def _still_there(bench: FocusBench) -> None:
    answered = bench.ask_factory(GetConferencingCapabilities())
    if not answered.succeeded:
        bench.blame(f"a right request after it is answered {answered.told}")


def _broken(change: Callable[[bytes], bytes]) -> Callable[[FocusBench], None]:
    def run(bench: FocusBench) -> None:
        answered = bench.ask_factory(change(_right(bench)))
        if not answered.refused:
            bench.blame(answered.told)
        _still_there(bench)

    return run


def _huge(change: Callable[[bytes], bytes]) -> Callable[[FocusBench], None]:
    def run(bench: FocusBench) -> None:
        peer = bench.peer("organizer")
        peer.send(
            peer.request(
                "SERVICE",
                bench.focus.factory,
                from_uri=bench.focus.organizer,
                contact=True,
                body=change(_right(bench)),
                content_type="application/cccp+xml",
            )
        )
        bench.quiet(0.3)
        bench.peer("second")  # with a connection of its own: the other one may have been closed
        answered = bench.ask_factory(GetConferencingCapabilities(), name="organizer")
        if answered.final is None:
            bench.blame(f"a right request after it is answered {answered.told}")

    return run


for _name, (_what, _change) in BROKEN.items():
    add_focus_case(
        _broken(_change),
        _name,
        f"{_what.capitalize()} is refused, and a right one after it is not.",
        SERVICE_REQUEST,
        Force.MUST if _name in ("other-root", "no-command", "two-commands", "no-request-id") else Force.SHOULD,
        applies=FACTORY,
        hard=True,
    )
for _name, (_what, _change) in HUGE.items():
    add_focus_case(
        _huge(_change),
        _name,
        f"After {_what} a right one is answered.",
        SERVICE_REQUEST,
        Force.SHOULD,
        applies=FACTORY,
        over=STREAMS,
        hard=True,
    )


@focus_case("RFC 3261 section 8.2.3", Force.MUST, applies=FACTORY, hard=True)
def other_type(bench: FocusBench) -> None:
    """A body of a type that is not understood is 415."""
    peer = bench.peer("organizer")
    request = peer.request(
        "SERVICE",
        bench.focus.factory,
        from_uri=bench.focus.organizer,
        contact=True,
        body=b"please",
        content_type="application/x-nobody-knows",
    )
    exchange = peer.ask(request)
    if exchange.status != 415:
        bench.blame(exchange.told)


@focus_case(ERROR_IDS, Force.SHOULD, applies=FACTORY, hard=True)
def empty(bench: FocusBench) -> None:
    """SERVICE without a document is refused; where an ErrorId is told it is 3006."""
    answered = bench.ask_factory(b"")
    if not answered.refused:
        bench.blame(answered.told)
    if answered.error_id not in (None, 3006):
        bench.blame(f"ErrorId {answered.error_id}, not 3006")
