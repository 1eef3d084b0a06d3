"""Session timers: RFC 4028 section 9."""

from __future__ import annotations

from typing import Final

from pyc3p.conform.bench import Bench
from pyc3p.conform.call import Call
from pyc3p.conform.case import Trait, case
from pyc3p.conform.peer import Exchange
from sip import SipError
from sip.testing import Force

TIMERS: Final = (Trait.USER_AGENT, Trait.SESSION_TIMER)
#: RFC 4028 section 4: seconds; nothing is shorter.
SHORTEST: Final = 90


def _called(bench: Bench, *lines: tuple[str, str]) -> Exchange:
    peer = bench.peer()
    request = peer.request("INVITE", bench.target.uri, headers=lines, body=bench.offer(peer))
    exchange = peer.ask(request, within=bench.ring_patience)
    if exchange.status < 300:
        Call.of_caller(peer, exchange.request, exchange.final).acknowledge()
    return exchange


def _interval(bench: Bench, exchange: Exchange) -> tuple[int, str]:
    """Seconds and refresher of a 2xx; blames what has none."""
    if exchange.status >= 300:
        bench.skip(f"the call is answered {exchange.told}")
    try:
        found = exchange.final.session_expires
    except SipError as error:
        bench.blame(str(error))
    if found is None:
        bench.skip("its answer has no Session-Expires")
    return found.interval, found.refresher or ""


@case("RFC 4028 section 9", Force.MUST, applies=TIMERS)
def interval(bench: Bench) -> None:
    """The Session-Expires of a 2xx is not longer than that of the request, and not under 90 s."""
    seconds, _ = _interval(bench, _called(bench, ("Supported", "timer"), ("Session-Expires", "1800")))
    if not SHORTEST <= seconds <= 1800:
        bench.blame(f"{seconds} s")


@case("RFC 4028 section 9", Force.MUST, applies=TIMERS)
def refresher(bench: Bench) -> None:
    """The 2xx says who refreshes."""
    _, who = _interval(bench, _called(bench, ("Supported", "timer"), ("Session-Expires", "1800")))
    if who not in ("uac", "uas"):
        bench.blame(f"refresher {who}" if who else "no refresher")


@case("RFC 4028 section 9", Force.MUST, applies=TIMERS)
def refresher_of_caller(bench: Bench) -> None:
    """Whom the caller names as refresher, that one it is."""
    for wanted in ("uac", "uas"):
        lines = (("Supported", "timer"), ("Session-Expires", f"1800;refresher={wanted}"))
        exchange = _called(bench, *lines)
        _, who = _interval(bench, exchange)
        if who != wanted:
            bench.blame(f"refresher {who}, asked for {wanted}")
        if wanted == "uac" and "timer" not in exchange.final.require:
            bench.blame("no Require: timer, although the caller refreshes")


@case("RFC 4028 section 9", Force.MUST, applies=TIMERS)
def caller_without_timers(bench: Bench) -> None:
    """A caller that does not support session timers never is the refresher."""
    _, who = _interval(bench, _called(bench, ("Session-Expires", "1800")))
    if who != "uas":
        bench.blame(f"refresher {who}" if who else "no refresher")


@case("RFC 4028 section 9", Force.MUST, applies=TIMERS)
def least_interval(bench: Bench) -> None:
    """The interval is not lower than Min-SE of the request."""
    lines = (("Supported", "timer"), ("Session-Expires", "1800"), ("Min-SE", "1200"))
    seconds, _ = _interval(bench, _called(bench, *lines))
    if seconds < 1200:
        bench.blame(f"{seconds} s")


@case("RFC 4028 section 9", Force.MUST, applies=TIMERS)
def too_short(bench: Bench) -> None:
    """An interval of 30 s is refused with 422 and a Min-SE of at least 90, or never taken for less than 90 s."""
    exchange = _called(bench, ("Supported", "timer"), ("Session-Expires", "30"))
    if exchange.status == 422:
        text = exchange.final.headers.get("Min-SE") or ""
        digits = text.partition(";")[0].strip()
        if not digits.isdigit() or int(digits) < SHORTEST:
            bench.blame(f"422 with Min-SE: {text}")
        return
    if exchange.status < 300 and "Session-Expires" in exchange.final.headers:
        seconds, _ = _interval(bench, exchange)
        if seconds < SHORTEST:
            bench.blame(f"{exchange.told} with Session-Expires: {seconds}")


@case("RFC 4028 section 7.4", Force.MUST, applies=TIMERS, needs=("dialogs.reinvite",))
def refreshed(bench: Bench) -> None:
    """A re-INVITE that refreshes is answered with Session-Expires again, and the call goes on."""
    peer = bench.peer()
    lines = [("Supported", "timer"), ("Session-Expires", "1800;refresher=uac")]
    exchange = peer.call(headers=lines)
    _interval(bench, exchange)
    call = Call.of_caller(peer, exchange.request, exchange.final)
    call.acknowledge()
    again = call.ask("INVITE", headers=lines, body=exchange.request.body)
    if again.status >= 300:
        bench.blame(again.told)
    if "Session-Expires" not in again.final.headers:
        bench.blame("the refresh has none, and switches the timer off")
