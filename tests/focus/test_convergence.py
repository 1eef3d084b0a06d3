"""Whatever happens, each client that follows a conference sees what the Focus has (docs/design-decisions.rst)."""

from __future__ import annotations

from typing import Any

import attrs
from focus_site import Phone, Site
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from c3p import ConferenceInfo, ExchangeFailure, GetConference, ModifyConferenceLock
from focus import ClientState
from sip.testing import held

#: What is fixed from the start, or remembered within a limit for whoever asks later.
KEPT = (
    *("_listen", "_sent_by", "listen", "_entries", "_by_owner", "_proxies", "watchers"),
    *("_known_as", "_by_hop", "proven", "_avoided", "ended", "_heap", "counters", "config", "_store"),
    "_table",  # of what leads from where to where, in the life of a client
)

NAMES = ("bob", "carol", "dave")
PHONES = tuple(f"sip:phone{number}@example.org" for number in range(3))


def comparable(info: ConferenceInfo) -> object:
    """A roster without its version and without the order of users and views."""
    users = {one.entity: one for one in info.users.users} if info.users is not None else {}
    views = {one.entity: one for one in info.conference_view.views} if info.conference_view is not None else {}
    count = info.users.participant_count if info.users is not None else None
    return attrs.evolve(info, version=None, users=None, conference_view=None), users, views, count


class Following(RuleBasedStateMachine):
    """Alice stays; others come and go, phones are called, MCUs fail, notifications get lost."""

    def __init__(self) -> None:
        super().__init__()
        self.site = Site()
        self.mcus = [self.site.mcu(f"av{number}") for number in range(3)]
        self.conference, self.alice, _ = self.site.meeting()
        self.others: dict[str, Phone] = {}
        self.lossy = False

    @property
    def mcu(self) -> Any:
        """The MCU that is in use."""
        return next((one for one in reversed(self.mcus) if one.conference and one.dialled), self.mcus[0])

    @rule(name=st.sampled_from(NAMES), transport=st.sampled_from(["TCP", "UDP"]))
    def come(self, name: str, transport: str) -> None:
        if name not in self.others:
            self.others[name] = self.site.client(name, transport=transport)
        phone = self.others[name]
        if phone.client.state is ClientState.OUT:
            phone.client.join(self.conference, now=self.site.net.now)
            self.site.net.run()
        if phone.client.state is ClientState.JOINED and not phone.client._watch.active:
            phone.client.subscribe(now=self.site.net.now)
            self.site.net.run()

    @rule(name=st.sampled_from(NAMES))
    def go(self, name: str) -> None:
        phone = self.others.get(name)
        if phone is not None and phone.client.state is ClientState.JOINED:
            phone.client.leave(now=self.site.net.now)
            self.site.net.run()

    @rule(phone=st.sampled_from(PHONES))
    def dial(self, phone: str) -> None:
        self.alice.client.add_user(phone, now=self.site.net.now)
        self.site.net.run()

    @rule(phone=st.sampled_from(PHONES), status=st.sampled_from(["alerting", "connected", "on-hold", "disconnected"]))
    def report(self, phone: str, status: str) -> None:
        if phone in self.mcu.dialled:
            self.mcu.call(phone, status)

    @rule(phone=st.sampled_from(PHONES))
    def hang_up(self, phone: str) -> None:
        if phone in self.mcu.users:
            self.mcu.hang_up(phone)

    @rule(phone=st.sampled_from(PHONES))
    def miss_a_notification(self, phone: str) -> None:
        if phone in self.mcu.users:
            self.mcu.version += 1

    @rule(name=st.sampled_from((*NAMES, *PHONES)))
    def eject(self, name: str) -> None:
        user = name if name.startswith("sip:") else f"sip:{name}@example.com"
        self.alice.client.delete_user(user, now=self.site.net.now)
        self.site.net.run()

    @rule(name=st.sampled_from(NAMES), role=st.sampled_from(["presenter", "attendee"]))
    def role(self, name: str, role: str) -> None:
        self.alice.client.modify_user_roles(f"sip:{name}@example.com", role, now=self.site.net.now)
        self.site.net.run()

    @rule(locked=st.booleans())
    def lock(self, locked: bool) -> None:
        self.alice.client.set_lock(locked, now=self.site.net.now)
        self.site.net.run()

    @rule(name=st.sampled_from(NAMES), granted=st.booleans())
    def lobby(self, name: str, granted: bool) -> None:
        self.alice.client.set_lobby_access([f"sip:{name}@example.com"], granted=granted, now=self.site.net.now)
        self.site.net.run()

    @rule()
    def mcu_fails(self) -> None:
        mcu = self.mcu
        mcu.answers[ModifyConferenceLock] = lambda request: ExchangeFailure.CONNECT
        self.alice.client.set_lock(False, now=self.site.net.now)
        self.site.net.run()
        del mcu.answers[ModifyConferenceLock]
        mcu.dialled.clear()
        mcu.users.clear()
        mcu.version = 0

    @rule()
    def mcu_cannot_be_asked(self) -> None:
        self.mcu.answers[GetConference] = lambda request: ExchangeFailure.UNUSABLE
        for phone in list(self.mcu.users)[:1]:
            self.mcu.version += 1
            self.mcu.call(phone, "connected")
        del self.mcu.answers[GetConference]
        if self.mcu.users:
            self.mcu.call(next(iter(self.mcu.users)), "on-hold")

    @precondition(lambda self: not self.lossy)
    @rule()
    def lose_notifications(self) -> None:
        self.lossy = True
        self.site.net.lost = lambda sender, data: data.startswith(b"BENOTIFY")

    @precondition(lambda self: self.lossy)
    @rule()
    def lose_no_more(self) -> None:
        self.lossy = False
        self.site.net.lost = lambda sender, data: False
        # Everybody sees the next change, whose number shows what was missed.
        for user in ("sip:one@example.org", "sip:two@example.org"):
            self.alice.client.add_user(user, now=self.site.net.now)
            self.site.net.run()
            if user in self.mcu.dialled:
                self.mcu.call(user, "connected")
        for locked in (True, False):
            self.alice.client.set_lock(locked, now=self.site.net.now)
            self.site.net.run()

    @rule(seconds=st.sampled_from([1.0, 15.0, 200.0]))
    def wait(self, seconds: float) -> None:
        if not self.lossy:
            self.site.net.run(seconds)

    @invariant()
    def everybody_who_was_let_in_sees_what_the_focus_has(self) -> None:
        whole = self.site.focus.roster(self.conference)
        if self.lossy or whole is None:
            return
        assert whole.users is not None
        waiting = {
            user.entity
            for user in whole.users.users
            if any(one.status == "on-hold" and one.session_type == "focus" for one in user.endpoints)
        }
        for phone in (self.alice, *self.others.values()):
            watching = phone.client.state is ClientState.JOINED and phone.client._watch.active
            if not watching or phone.client.roster is None:
                continue
            if phone.client.config.aor in waiting:
                assert [one.entity for one in phone.roster.users.users] == [phone.client.config.aor]  # type: ignore[union-attr]
            else:
                assert comparable(phone.roster) == comparable(whole)

    def teardown(self) -> None:
        """Everybody goes, one way or the other; then nothing is held anywhere."""
        site, phones = self.site, (self.alice, *self.others.values())
        site.net.lost = lambda sender, data: False
        if len(self.others) % 2 and self.alice.client.state is ClientState.JOINED:
            self.alice.client.end_conference(now=site.net.now)
            site.net.run()
        for phone in phones:
            if phone.client.state in (ClientState.JOINED, ClientState.JOINING):
                phone.client.leave(now=site.net.now)
                site.net.run()
        for conference in site.focus.conferences:  # phones that were called are still in it
            site.focus.end_conference(conference, now=site.net.now)
        site.net.run(400.0)
        for node in (site.node, *(phone.node for phone in phones)):
            for flow in site.net.connections(node):
                if flow in site.net.connections(node):
                    site.net.break_off(flow)
        site.net.run(40.0)
        assert [phone.client.state for phone in phones] == [ClientState.OUT] * len(phones)
        machines = {"focus": site.focus, "endpoint": site.node.endpoint}
        machines |= {phone.client.config.aor: phone.client for phone in phones}
        left = {name: held(machine, but=KEPT) for name, machine in machines.items()}
        assert not any(left.values()), left


Following.TestCase.settings = settings(
    max_examples=25, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
)
TestFollowing = Following.TestCase
