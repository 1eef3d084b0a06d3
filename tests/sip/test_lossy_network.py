"""Whole calls and subscriptions over a network that loses, doubles and reorders: one terminal outcome, nothing left."""

import sys
from collections import Counter

from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from sip import (
    Event,
    InviteReceived,
    LocalProtocolError,
    NotifyReceived,
    ReinviteReceived,
    RequestFailed,
    RequestReceived,
    ResponseReceived,
    SessionAnswered,
    SessionCancelled,
    SessionEnded,
    SessionFailed,
    SessionId,
    SessionState,
    SubscribeReceived,
    SubscriptionEnded,
    SubscriptionFailed,
    SubscriptionId,
    UpdateReceived,
)
from sip.testing.network import Agent, Network

SDP = "application/sdp"
networks = st.builds(
    Network,
    st.integers(0, 10_000),
    loss=st.sampled_from([0.0, 0.1, 0.3]),
    duplication=st.sampled_from([0.0, 0.2]),
    jitter=st.sampled_from([0.0, 0.3]),
)


def terminal(agent: Agent, *kinds: type[Event]) -> Counter[int]:
    """Count the terminal events of each session, subscription or request."""
    numbers: Counter[int] = Counter()
    for event in agent.events:
        if isinstance(event, kinds):
            numbers[getattr(event, "session", None) or getattr(event, "subscription", None) or event.request_id] += 1  # type: ignore[attr-defined]
    return numbers


@given(networks, st.sampled_from([200, 180, 486, 302]), st.booleans())
@settings(max_examples=60, deadline=None)
def test_a_call_has_one_outcome_on_each_side(net: Network, status: int, reliable: bool) -> None:
    alice, bob = net.agent("alice"), net.agent("bob")

    def react(event: InviteReceived) -> None:
        if status == 180:
            bob.endpoint.progress(event.session, reliable=reliable, now=net.now)
        elif status == 200:
            bob.endpoint.accept(event.session, body=b"v=0", content_type=SDP, now=net.now)
        else:
            bob.endpoint.reject(event.session, status, now=net.now)

    bob.on(InviteReceived, react)
    session = alice.invite(bob.uri())
    net.run(35)
    if alice.of(SessionAnswered):
        alice.endpoint.bye(session, now=net.now)
    else:
        alice.endpoint.cancel(session, now=net.now)
    net.run(400)
    assert terminal(alice, SessionFailed, SessionEnded) == {session: 1}, net.ladder()
    assert set(terminal(bob, SessionCancelled, SessionEnded).values()) <= {1}, net.ladder()
    assert len(bob.of(InviteReceived)) <= 1
    assert alice.idle, net.ladder()
    assert bob.idle, net.ladder()


@given(networks, st.integers(1, 6))
@settings(max_examples=40, deadline=None)
def test_notifications_arrive_once_and_in_order(net: Network, count: int) -> None:
    alice, bob = net.agent("alice"), net.agent("bob")

    def react(event: SubscribeReceived) -> None:
        bob.endpoint.accept_subscription(event.subscription, now=net.now)
        if event.initial:
            for number in range(count):
                bob.endpoint.notify(event.subscription, body=b"%d" % number, content_type="text/plain", now=net.now)

    bob.on(SubscribeReceived, react)
    ours = alice.endpoint.subscribe(
        "ua",
        bob.uri(),
        event="conference",
        from_="<sip:a@example.com>",
        to="<sip:b@example.com>",
        expires=600,
        now=net.now,
    )
    net.run(300)
    alice.endpoint.unsubscribe(ours, now=net.now)
    net.run(1200)
    seen = [int(event.body) for event in alice.of(NotifyReceived) if event.body]
    assert seen == list(range(len(seen))), net.ladder()
    assert len(seen) == count or net.loss > 0
    assert terminal(alice, SubscriptionFailed, SubscriptionEnded) == {ours: 1}, net.ladder()
    assert alice.idle, net.ladder()
    assert bob.idle, net.ladder()


class TwoPhones(RuleBasedStateMachine):
    """Two endpoints do anything to each other, over a bad network, against a model of what must hold."""

    @initialize(seed=st.integers(0, 1000), loss=st.sampled_from([0.0, 0.2]), transport=st.sampled_from(["udp", "tcp"]))
    def begin(self, seed: int, loss: float, transport: str) -> None:
        self.net = Network(seed, loss=loss, duplication=loss / 2, jitter=loss)
        self.transport = transport
        self.agents = [self.net.agent("alice"), self.net.agent("bob")]
        self.calls: list[tuple[Agent, SessionId]] = []
        self.requests: list[tuple[Agent, int]] = []
        self.watches: list[tuple[Agent, SubscriptionId]] = []
        for agent in self.agents:
            self.arm(agent)

    def arm(self, agent: Agent) -> None:
        endpoint, net = agent.endpoint, self.net
        agent.on(RequestReceived, lambda e: endpoint.respond(e.transaction, 200, now=net.now))  # type: ignore[arg-type]
        agent.on(
            ReinviteReceived, lambda e: endpoint.respond(e.transaction, 200, body=b"v=0", content_type=SDP, now=net.now)
        )
        agent.on(
            UpdateReceived, lambda e: endpoint.respond(e.transaction, 200, body=b"v=0", content_type=SDP, now=net.now)
        )
        agent.on(SubscribeReceived, lambda e: endpoint.accept_subscription(e.subscription, now=net.now))
        agent.on(SubscribeReceived, lambda e: endpoint.notify(e.subscription, body=b"x", now=net.now))

    def live(self, agent: Agent) -> list[SessionId]:
        """Return the sessions of an agent that it may command."""
        numbers = {event.session for event in agent.of(InviteReceived)}
        numbers |= {session for caller, session in self.calls if caller is agent}
        ended = {event.session for event in [*agent.of(SessionEnded), *agent.of(SessionFailed)]}
        ended |= {event.session for event in agent.of(SessionCancelled)}
        return sorted(numbers - ended)

    def either(self, which: int) -> tuple[Agent, Agent]:
        return self.agents[which], self.agents[1 - which]

    @rule(which=st.integers(0, 1), body=st.booleans())
    def call(self, which: int, body: bool) -> None:
        caller, callee = self.either(which)
        session = caller.invite(callee.uri(self.transport), body=b"v=0" if body else b"", session_expires=90)
        self.calls.append((caller, session))

    @rule(which=st.integers(0, 1))
    def watch(self, which: int) -> None:
        watcher, watched = self.either(which)
        number = watcher.endpoint.subscribe(
            "ua",
            watched.uri(self.transport),
            event="conference",
            from_="<sip:a@example.com>",
            to="<sip:b@example.com>",
            expires=120,
            now=self.net.now,
        )
        self.watches.append((watcher, number))

    @rule(which=st.integers(0, 1))
    def ask(self, which: int) -> None:
        asker, asked = self.either(which)
        self.requests.append((asker, asker.ask(asked.uri(self.transport))))

    @rule(
        which=st.integers(0, 1),
        pick=st.integers(0, 20),
        what=st.sampled_from(["progress", "accept", "reject", "cancel", "bye", "ack", "reinvite", "update", "info"]),
    )
    def command(self, which: int, pick: int, what: str) -> None:
        agent = self.agents[which]
        live = self.live(agent)
        if not live:
            return
        session, endpoint, now = live[pick % len(live)], agent.endpoint, self.net.now
        commands = {
            "progress": lambda: endpoint.progress(session, 180, now=now),
            "accept": lambda: endpoint.accept(session, body=b"v=0", content_type=SDP, now=now),
            "reject": lambda: endpoint.reject(session, 486, now=now),
            "cancel": lambda: endpoint.cancel(session, now=now),
            "bye": lambda: endpoint.bye(session, now=now),
            "ack": lambda: endpoint.ack(session, body=b"v=0", content_type=SDP, now=now),
            "reinvite": lambda: endpoint.reinvite(session, body=b"v=0", content_type=SDP, now=now),
            "update": lambda: endpoint.update(session, body=b"v=0", content_type=SDP, now=now),
            "info": lambda: endpoint.request_in_session(session, "INFO", now=now),
        }
        before = self.state(agent, session)
        try:
            number = commands[what]()
        except LocalProtocolError:
            assert self.state(agent, session) is before, (what, before)
        else:
            if isinstance(number, int):
                self.requests.append((agent, number))

    def state(self, agent: Agent, session: SessionId) -> SessionState | None:
        try:
            return agent.endpoint.session(session).state
        except LocalProtocolError:
            return None

    @precondition(lambda self: self.watches)
    @rule(pick=st.integers(0, 20), refresh=st.booleans())
    def change_watch(self, pick: int, refresh: bool) -> None:
        watcher, number = self.watches[pick % len(self.watches)]
        if refresh:
            watcher.endpoint.refresh(number, now=self.net.now)
        else:
            watcher.endpoint.unsubscribe(number, now=self.net.now)

    @rule(seconds=st.sampled_from([0.005, 0.3, 5.0, 40.0, 100.0]))
    def wait(self, seconds: float) -> None:
        self.net.run(seconds)

    @precondition(lambda self: self.transport == "tcp" and self.net.wire.far_ends)
    @rule()
    def cut(self) -> None:
        number, (peer, theirs) = next(iter(self.net.wire.far_ends.items()))
        del number
        self.net.close(peer, theirs)

    @invariant()
    def nothing_ends_twice(self) -> None:
        for agent in getattr(self, "agents", ()):
            for kinds in (
                (SessionEnded, SessionFailed, SessionCancelled),
                (SubscriptionEnded, SubscriptionFailed),
                (ResponseReceived, RequestFailed),
            ):
                assert set(terminal(agent, *kinds).values()) <= {1}, self.net.ladder()
            confirmed = Counter(event.session for event in agent.of(SessionAnswered))
            assert set(confirmed.values()) <= {1}

    def teardown(self) -> None:
        if not hasattr(self, "net") or sys.exception() is not None:
            return  # what went wrong already is to be seen
        self.net.run(1)
        for agent in self.agents:
            for session in self.live(agent):
                self.end(agent, session)
        for watcher, number in self.watches:
            watcher.endpoint.unsubscribe(number, now=self.net.now)
        self.net.run(1000)
        for agent in self.agents:
            for session in self.live(agent):
                self.end(agent, session)
        self.net.run(1000)
        for agent in self.agents:
            assert self.live(agent) == [] or all(self.state(agent, each) is None for each in self.live(agent))
            assert agent.idle, (agent.name, agent.endpoint.sizes, self.net.ladder())
        for agent, session in self.calls:
            assert terminal(agent, SessionEnded, SessionFailed)[session] == 1, self.net.ladder()
        for agent, number in self.requests:
            assert terminal(agent, ResponseReceived, RequestFailed)[number] == 1, self.net.ladder()
        for agent, number in self.watches:
            assert terminal(agent, SubscriptionEnded, SubscriptionFailed)[number] == 1, self.net.ladder()

    def end(self, agent: Agent, session: SessionId) -> None:
        """Leave a session in whatever way its state allows."""
        state, endpoint, now = self.state(agent, session), agent.endpoint, self.net.now
        if state is SessionState.INCOMING:
            endpoint.reject(session, 486, now=now)
        elif state in (SessionState.CALLING, SessionState.PROCEEDING):
            endpoint.cancel(session, now=now)
        elif state in (SessionState.ANSWERED, SessionState.ACCEPTED, SessionState.CONFIRMED):
            endpoint.bye(session, now=now)


TwoPhones.TestCase.settings = settings(
    max_examples=60,
    stateful_step_count=25,
    deadline=None,
    # A failure prints its ladder and its seed; making it smaller takes minutes.
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
)
TestTwoPhones = TwoPhones.TestCase
