"""A fifth of all datagrams is lost: each command still ends once, and rosters are equal in the end."""

from __future__ import annotations

import attrs
import pytest
from focus_site import Phone, Site

from c3p import Status
from focus import ClientState, CommandFailed, CommandSucceeded, Joined, JoinFailed

PHONES = tuple(f"sip:phone{number}@example.org" for number in range(3))


def enter(site: Site, phone: Phone, conference: str) -> None:
    """Join until it works: an INVITE of which nothing came back may be tried again."""
    for _ in range(5):
        phone.client.join(conference, now=site.net.now)
        site.net.run(40.0)
        assert len(phone.node.of(Joined)) + len(phone.node.of(JoinFailed)) > 0
        if phone.client.state is ClientState.JOINED:
            phone.client.subscribe(now=site.net.now)
            site.net.run(40.0)
            return
    raise AssertionError("never joined")


@pytest.mark.parametrize("seed", range(6))
def test_commands_end_once_and_rosters_converge(seed: int) -> None:
    site = Site()
    mcu = site.mcu()
    alice = site.client("alice", transport="UDP", benotify=False)
    conference = site.created(alice)
    site.net.weather(seed)
    bob = site.client("bob", transport="UDP", benotify=False)
    enter(site, alice, conference)
    enter(site, bob, conference)
    commands = []
    for phone in PHONES:
        commands.append(alice.client.add_user(phone, now=site.net.now))
        site.net.run(35.0)
        if phone in mcu.dialled:
            mcu.call(phone, Status.DIALING_OUT)
            site.net.run(1.0)
            mcu.call(phone, Status.ALERTING)
            mcu.call(phone, Status.CONNECTED)
            mcu.result(phone)
            site.net.run(35.0)
    site.net.run(400.0)
    ends = [one.command for one in alice.node.events if isinstance(one, CommandSucceeded | CommandFailed)]
    assert sorted(ends) == sorted(commands)
    whole = site.focus.roster(conference)
    assert whole is not None
    for one in (alice, bob):
        if one.client.state is ClientState.JOINED and one.client._watch.active:
            assert attrs.evolve(one.roster, version=0) == attrs.evolve(whole, version=0)
    assert alice.client.state is ClientState.JOINED
