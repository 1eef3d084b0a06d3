"""One user, or one source, that takes all of a Focus it can get: refused with 503, and the others go on."""

from __future__ import annotations

from focus_site import DOMAIN, Phone, Site
from test_factory import Scheduler, record

from focus import ConferenceCreated, FactoryConfig, Joined, JoinFailed
from sip import Response as SipResponse


def created(site: Site, scheduler: Scheduler, number: int, sender: str) -> SipResponse:
    factory = f"{sender};gruu;opaque=app:conf:focusfactory"
    return scheduler.service(record(f"{number:032X}"), sender=sender, to=factory)


def device(site: Site, user: str, number: int) -> Phone:
    """One of several devices of a user."""
    return site.client(f"{user}'s device {number}", aor=f"sip:{user}@{DOMAIN}")


def test_conferences_of_one_organizer_that_go_on_at_once() -> None:
    site = Site(max_conferences_per_organizer=2)
    alice, bob = site.client("alice"), site.client("bob")
    conferences = [site.created(alice) for _ in range(3)]
    for number, conference in enumerate(conferences[:2]):
        site.joined(device(site, "alice", number), conference, subscribe=False)
    alice.client.join(conferences[2], now=site.net.now)
    site.net.run()
    failed = alice.node.last(JoinFailed)
    assert failed.status == 503
    site.joined(bob, site.created(bob), subscribe=False)
    assert bob.node.last(Joined)


def test_conferences_that_one_user_takes_part_in() -> None:
    site = Site(max_joins_per_user=2)
    conferences = [site.created(site.client(f"host{n}")) for n in range(3)]
    phones = [device(site, "bob", number) for number in range(3)]
    for phone, conference in zip(phones, conferences, strict=True):
        phone.client.join(conference, now=site.net.now)
        site.net.run()
    assert [bool(phone.node.of(Joined)) for phone in phones] == [True, True, False]
    site.joined(site.client("carol"), conferences[2], subscribe=False)
    phones[0].client.leave(now=site.net.now)
    site.net.run()
    again = site.joined(device(site, "bob", 4), conferences[2], subscribe=False)
    assert again.node.last(Joined)


def test_conferences_that_one_user_creates() -> None:
    site = Site(factory=FactoryConfig(domain=DOMAIN, creations_at_once=3, creations_a_minute=60.0))
    scheduler = Scheduler(site)
    mallory, bob = f"sip:mallory@{DOMAIN}", f"sip:bob@{DOMAIN}"
    answers = [created(site, scheduler, n, mallory) for n in range(5)]
    assert [each.status for each in answers] == [200, 200, 200, 503, 503]
    assert answers[-1].headers.get("Retry-After") == "10"
    assert created(site, scheduler, 7, bob).status == 200
    site.net.run(1.5)
    assert created(site, scheduler, 8, mallory).status == 200


def test_conferences_that_are_created_from_one_source() -> None:
    site = Site(factory=FactoryConfig(domain=DOMAIN, creations_at_once_per_source=2, creations_a_minute_per_source=1))
    scheduler = Scheduler(site)
    answers = [created(site, scheduler, n, f"sip:user{n}@{DOMAIN}").status for n in range(4)]
    assert answers == [200, 200, 503, 503]
    carol = site.client("carol")
    site.created(carol)
    assert carol.node.last(ConferenceCreated)
