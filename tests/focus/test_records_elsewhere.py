"""Records that a Focus Factory in another process has."""

from __future__ import annotations

import attrs
import pytest
from focus_site import RECORDS_URL, Site

from c3p import (
    ExchangeFailure,
    GetConference,
    Reply,
)
from c3p import Request as Command
from focus import (
    JoinFailed,
)


def split_site() -> tuple[Site, Site, str]:
    """A Focus with a store of its own, and another site whose Focus Factory has the record."""
    elsewhere = Site(factory=attrs.evolve(Site().factory.config, record_readers=frozenset({"focus-1"})))
    conference = elsewhere.created(elsewhere.client("alice"))
    return Site(records_url=RECORDS_URL), elsewhere, conference


def test_a_focus_asks_a_focus_factory_elsewhere_for_the_record() -> None:
    site, elsewhere, conference = split_site()
    site.net.services[RECORDS_URL] = lambda request: elsewhere.factory.receive_c3p(request, peer="focus-1", now=0.0)
    alice = site.client("alice")
    site.joined(alice, conference)
    assert alice.client.role == "presenter"
    assert isinstance(site.net.exchanges[0].document, Command)
    assert isinstance(site.net.exchanges[0].document.command, GetConference)


@pytest.mark.parametrize(
    ("outcome", "status"),
    [(ExchangeFailure.CONNECT, 503), (ExchangeFailure.TIMEOUT, 503), (Reply(403), 503)],
)
def test_a_focus_factory_that_does_not_answer_is_503(outcome: Reply | ExchangeFailure, status: int) -> None:
    site, _, conference = split_site()
    site.net.services[RECORDS_URL] = lambda request: outcome
    alice = site.client("alice")
    alice.client.join(conference, now=site.net.now)
    site.net.run()
    assert alice.node.last(JoinFailed).status == status


def test_a_record_that_is_nowhere_is_404() -> None:
    site, elsewhere, conference = split_site()
    site.net.services[RECORDS_URL] = lambda request: elsewhere.factory.receive_c3p(request, peer="focus-1", now=0.0)
    alice = site.client("alice")
    alice.client.join(conference + "X", now=site.net.now)
    site.net.run()
    failed = alice.node.last(JoinFailed)
    assert failed.status == 404
    assert failed.diagnostics is not None
    assert failed.diagnostics.error_id == 3012


def test_a_caller_who_gives_up_while_the_record_is_fetched_is_forgotten() -> None:
    site, elsewhere, conference = split_site()
    site.net.services[RECORDS_URL] = lambda request: None
    alice = site.client("alice")
    alice.client.join(conference, now=site.net.now)
    site.net.run(0.5)
    alice.client.leave(now=site.net.now)
    site.net.run()
    (focus, node, exchange) = site.net.held[0]
    assert isinstance(exchange.document, Command)
    reply = elsewhere.factory.receive_c3p(exchange.document, peer="focus-1", now=0.0)
    site.net.answer(focus, node, exchange, reply)
    site.net.run()
    assert site.focus.conferences == ()
    assert alice.node.of(JoinFailed)
