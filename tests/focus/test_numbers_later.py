"""Dial-in numbers that an application draws later: ``numbers`` says Pending, `FocusFactory.number_drawn` answers."""

from __future__ import annotations

import attrs
import pytest
from focus_site import DOMAIN, Site
from test_answers_later import told

from focus import ConferenceCreated, ConferenceRecord, FactoryConfig, LocalProtocolError
from sip import AddressOfRecord, Pending


@attrs.frozen
class Exchange:
    """Where numbers are given out, at some distance."""

    asked: list[str] = attrs.field(factory=list)

    def is_number(self, user: str) -> bool:
        return user.isdigit()

    def conference_of(self, number: str) -> None:
        return None

    def number_for(self, record: ConferenceRecord) -> Pending:
        self.asked.append(record.focus_uri)
        return Pending(f"number {len(self.asked)}")


def asking() -> tuple[Site, Exchange]:
    exchange = Exchange()
    return Site(factory=FactoryConfig(domain=DOMAIN, numbers=exchange)), exchange


def records(site: Site) -> tuple[ConferenceRecord, ...]:
    return site.store.of_organizer(AddressOfRecord.read(f"sip:alice@{DOMAIN}").key)


@pytest.mark.parametrize("number", ["4711", None])
def test_a_conference_is_made_when_its_number_is_drawn(number: str | None) -> None:
    site, exchange = asking()
    alice = site.client("alice")
    alice.client.create_conference(now=site.net.now)
    site.net.run()
    assert len(exchange.asked) == 1
    assert not alice.node.of(ConferenceCreated)
    assert records(site) == ()  # nobody finds it before it has its number
    told(site, site.factory.number_drawn, "number 1", number)
    info = alice.node.last(ConferenceCreated).info
    assert info.description is not None
    called = [one.uri for one in info.description.conf_uris if one.purpose == "participation"]
    assert called == ([] if number is None else [f"sip:{number}@{DOMAIN}"])
    (record,) = records(site)
    assert record.dial_in == number


def test_a_number_is_drawn_once_and_for_somebody_who_waits() -> None:
    site, _ = asking()
    with pytest.raises(LocalProtocolError):
        site.factory.number_drawn("number 1", "4711", now=site.net.now)
    alice = site.client("alice")
    alice.client.create_conference(now=site.net.now)
    site.net.run()
    told(site, site.factory.number_drawn, "number 1", "4711")
    with pytest.raises(LocalProtocolError):
        site.factory.number_drawn("number 1", "4712", now=site.net.now)


def test_who_waits_for_too_long_for_a_number_is_told_to_come_later() -> None:
    site, _ = asking()
    alice = site.client("alice")
    alice.client.create_conference(now=site.net.now)
    site.net.run()
    site.net.run(60.0)
    assert not alice.node.of(ConferenceCreated)
    assert records(site) == ()
    told(site, site.factory.number_drawn, "number 1", "4711")  # too late, and no mistake
    assert records(site) == ()
