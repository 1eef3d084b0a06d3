"""Subscriptions: RFC 6665."""

from __future__ import annotations

from typing import Final

from pyc3p.conform.bench import Bench
from pyc3p.conform.call import Call
from pyc3p.conform.case import Trait, case
from pyc3p.conform.peer import Exchange, Peer
from pyc3p.conform.probing import subscribe
from sip import Request, SipError
from sip.testing import Force

NOTIFIER: Final = (Trait.NOTIFIER,)


def _subscribed(bench: Bench, expires: int = 600) -> tuple[Peer, Exchange]:
    peer = bench.peer()
    exchange = subscribe(bench, peer, bench.facts.events[0], expires)
    if exchange.status not in (200, 202):
        bench.skip(f"SUBSCRIBE is answered {exchange.told}")
    return peer, exchange


def _notified(bench: Bench, peer: Peer, exchange: Exchange) -> Request:
    """The next NOTIFY of a subscription, which is answered."""
    arrival = peer.received("NOTIFY")
    if arrival is None:
        bench.blame("no NOTIFY")
    peer.answer(arrival, 200)
    assert isinstance(arrival.message, Request)
    return arrival.message


@case("RFC 6665 section 4.2.1.1", Force.SHOULD, applies=NOTIFIER)
def unknown_package(bench: Bench) -> None:
    """An event package that nobody knows is 489."""
    exchange = subscribe(bench, bench.peer(), "x-nobody-knows", 600)
    if exchange.status != 489:
        bench.blame(exchange.told)


@case("RFC 6665 section 4.2.1.2", Force.MUST, applies=NOTIFIER)
def notified_at_once(bench: Bench) -> None:
    """After a SUBSCRIBE that is taken comes a NOTIFY at once, in the same dialog."""
    peer, exchange = _subscribed(bench)
    notify = _notified(bench, peer, exchange)
    if notify.call_id != exchange.request.call_id or notify.to.tag != exchange.request.from_.tag:
        bench.blame(f"a NOTIFY of another dialog: Call-ID {notify.call_id}, To {notify.to}")


@case("RFC 6665 section 4.2.1.1", Force.MUST, applies=NOTIFIER)
def expires(bench: Bench) -> None:
    """The 200 to SUBSCRIBE has Expires, and that is not longer than was asked."""
    _, exchange = _subscribed(bench, 600)
    text = exchange.final.headers.get("Expires") or ""
    if not text.strip().isdigit() or int(text) > 600:
        bench.blame(f"Expires: {text}" if text else "no Expires")


@case("RFC 6665 section 4.1.3", Force.MUST, applies=NOTIFIER)
def notify_fields(bench: Bench) -> None:
    """A NOTIFY has Event as in the SUBSCRIBE, and Subscription-State with a state that can be read."""
    peer, exchange = _subscribed(bench)
    notify = _notified(bench, peer, exchange)
    try:
        event, state = notify.event, notify.subscription_state
    except SipError as error:
        bench.blame(str(error))
    if event is None or event.package.lower() != bench.facts.events[0].lower():
        bench.blame(f"Event: {notify.headers.get('Event')}")
    if state is None:
        bench.blame("no Subscription-State")


@case("RFC 6665 section 4.1.2.3", Force.MUST, applies=NOTIFIER)
def unsubscribed(bench: Bench) -> None:
    """After SUBSCRIBE with Expires 0 comes a last NOTIFY that says terminated."""
    peer, exchange = _subscribed(bench)
    _notified(bench, peer, exchange)
    call = Call.of_caller(peer, exchange.request, exchange.final)
    answer = call.ask("SUBSCRIBE", headers=[("Event", bench.facts.events[0]), ("Expires", "0")])
    if answer.status not in (200, 202):
        bench.blame(f"SUBSCRIBE with Expires 0 is answered {answer.told}")
    last = _notified(bench, peer, exchange)
    text = last.headers.get("Subscription-State") or ""
    if not text.lower().startswith("terminated"):
        bench.blame(f"Subscription-State: {text}")


@case("RFC 6665 section 4.2.1.4", Force.MUST, applies=NOTIFIER)
def refreshed(bench: Bench) -> None:
    """A SUBSCRIBE in the dialog refreshes: it is taken, and followed by a NOTIFY."""
    peer, exchange = _subscribed(bench)
    _notified(bench, peer, exchange)
    call = Call.of_caller(peer, exchange.request, exchange.final)
    answer = call.ask("SUBSCRIBE", headers=[("Event", bench.facts.events[0]), ("Expires", "600")])
    if answer.status not in (200, 202):
        bench.blame(f"the refresh is answered {answer.told}")
    _notified(bench, peer, exchange)


@case("RFC 6665 section 4.1.3", Force.MUST, applies=(Trait.USER_AGENT,))
def stray_notify(bench: Bench) -> None:
    """A NOTIFY that belongs to no subscription is 481, at least where nobody knows its event 489; it is never taken."""
    peer = bench.peer()
    lines = [("Event", "presence"), ("Subscription-State", "active;expires=60")]
    exchange = peer.ask(peer.request("NOTIFY", bench.target.uri, to_tag=bench.token(), headers=lines))
    if exchange.status < 300:
        bench.blame(exchange.told)
