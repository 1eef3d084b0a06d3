"""Whatever a peer does to our requests, and a core to those of the peer: each has one end, and in the end nothing is
held."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from sip import (
    EndpointConfig,
    Event,
    InviteReceived,
    LocalProtocolError,
    NotifyReceived,
    PrackReceived,
    ReinviteReceived,
    RequestFailed,
    RequestReceived,
    ResponseReceived,
    SessionAnswered,
    SessionCancelled,
    SessionEnded,
    SessionFailed,
    SessionId,
    SessionProgressed,
    SessionRedirected,
    SubscribeReceived,
    SubscriptionEnded,
    SubscriptionFailed,
    SubscriptionId,
    UpdateReceived,
)
from sip.testing.held import held
from sip.testing.network import Network
from tests.sip.stranger import FATES, SDP, Stranger

#: What is fixed from the start, or remembered for a while within a limit: not left behind by anybody.
KEPT = (
    *("_listen", "_sent_by", "listen"),  # our addresses
    *("_entries", "_by_owner", "_proxies"),  # cores
    *("_known_as", "_by_hop", "proven", "_avoided"),  # places, the least recently used of them go first
    "ended",  # for Replaces; the old go when the next come
    *("_heap", "counters", "config"),
)

#: What goes well before anything else, so that there is something to go wrong.
OPENINGS = (
    *(
        (),
        ("invite",),
        ("invite over tcp",),
        ("subscribe",),
        ("subscribe over tcp",),
        ("invite", "subscribe in session"),
    ),
    *(("they call",), ("they subscribe",), ("they call", "they subscribe"), ("refer",)),
)

ACTS = (
    *("invite", "invite without offer", "invite over tcp", "reinvite", "update", "info", "bye", "cancel"),
    *("subscribe", "subscribe over tcp", "subscribe in session", "refer", "refresh", "unsubscribe"),
    *("notify", "end subscription", "drop connections"),
    *(
        "they call",
        "they call without offer",
        "they cancel",
        "they hang up",
        "they subscribe",
        "they refer",
        "they unsubscribe",
    ),
    *("they reinvite", "they update", "they prack", "they notify", "they end", "they say bye"),
)

REACTIONS = ("do", "refuse", "forget", "late")


class Core:
    """An application that now and then forgets to answer; it remembers what ought to have an end."""

    def __init__(self, net: Network, config: EndpointConfig) -> None:
        self.net = net
        self.agent = net.agent("alice", config)
        self.endpoint = self.agent.endpoint
        self.sessions: list[SessionId] = []
        self.subscriptions: list[SubscriptionId] = []
        self.requests: list[int] = []
        self.begun = 0  #: calls and the like that the stranger began
        self.reactions: Iterator[str] = iter(())
        for kind, reaction in self._handlers().items():
            self.agent.on(kind, lambda event, reaction=reaction: self._react(event, reaction))  # type: ignore[misc]

    def _handlers(self) -> dict[type[Event], Callable[..., object]]:
        endpoint = self.endpoint
        return {
            InviteReceived: self._invited,
            ReinviteReceived: lambda e, status: endpoint.respond(e.transaction, status, now=self.net.now),
            UpdateReceived: lambda e, status: endpoint.respond(e.transaction, status, now=self.net.now),
            PrackReceived: lambda e, status: (
                e.transaction is not None and endpoint.respond(e.transaction, status, now=self.net.now)
            ),
            RequestReceived: lambda e, status: endpoint.respond(e.transaction, status, now=self.net.now),
            SessionAnswered: lambda e, status: endpoint.ack(e.session, now=self.net.now),
            SessionProgressed: lambda e, status: (
                e.awaits_prack
                and endpoint.prack(
                    e.session, response=e.response, body=b"v=0 answer", content_type=SDP, now=self.net.now
                )
            ),
            SessionRedirected: lambda e, status: (
                endpoint.redirect(e.session, e.targets[0], now=self.net.now)
                if status < 300
                else endpoint.give_up(e.session, now=self.net.now)
            ),
            SubscribeReceived: self._subscribed,
        }

    def _react(self, event: Event, reaction: Callable[..., object]) -> None:
        if isinstance(event, InviteReceived):
            self.sessions.append(event.session)
        if isinstance(event, SubscribeReceived) and event.initial:
            self.subscriptions.append(event.subscription)
        chosen = next(self.reactions, "do")
        if chosen == "forget":
            return
        with contextlib.suppress(LocalProtocolError):
            reaction(event, 603 if chosen == "refuse" else 200)

    def _invited(self, event: InviteReceived, status: int) -> None:
        if status >= 300:
            self.endpoint.reject(event.session, status, now=self.net.now)
            return
        self.endpoint.progress(event.session, 183, body=b"v=0", content_type=SDP, reliable=True, now=self.net.now)
        self.endpoint.accept(event.session, body=b"v=0", content_type=SDP, now=self.net.now)

    def _subscribed(self, event: SubscribeReceived, status: int) -> None:
        if status >= 300:
            self.endpoint.reject_subscription(event.subscription, status, now=self.net.now)
        else:
            self.endpoint.accept_subscription(event.subscription, now=self.net.now)
            self.endpoint.notify(event.subscription, now=self.net.now)

    def act(self, act: str, which: int, stranger: Stranger) -> None:
        """Do one of the things that a core, or the stranger, can do; what is impossible now is left out."""
        endpoint, now = self.endpoint, self.net.now
        session = self.sessions[-1 - which % len(self.sessions)] if self.sessions else None
        subscription = self.subscriptions[-1 - which % len(self.subscriptions)] if self.subscriptions else None
        transport = "tcp" if "tcp" in act else "udp"
        target = f"sip:stranger@{stranger.host}:5060;transport={transport}"
        with contextlib.suppress(LocalProtocolError):
            if act.startswith("they"):
                self._they(act, which, stranger)
            elif act == "drop connections":
                for agent, flow in list(self.net.wire.far_ends.values()):
                    if flow.id in self.net.wire.far_ends:
                        self.net.close(agent, flow)
            elif act.startswith("invite"):
                offer = b"" if "without" in act else b"v=0 offer"
                self.sessions.append(self.agent.invite(target, body=offer, session_expires=90))
            elif act.startswith("subscribe"):
                inside = session if "in session" in act else None
                if inside is None and "in session" in act:
                    return
                self.subscriptions.append(
                    endpoint.subscribe(
                        "ua",
                        target,
                        event="conference",
                        from_="<sip:alice@example.com>",
                        to="<sip:stranger@example.com>",
                        expires=600,
                        session=inside,
                        now=now,
                    )
                )
            elif act == "refer":
                self.subscriptions.append(
                    endpoint.refer(
                        "ua",
                        target,
                        refer_to="<sip:carol@example.com>",
                        from_="<sip:alice@example.com>",
                        to="<sip:stranger@example.com>",
                        now=now,
                    )
                )
            elif session is not None and act in ("reinvite", "update"):
                offer_to = endpoint.reinvite if act == "reinvite" else endpoint.update
                self.requests.append(offer_to(session, body=b"v=0 new", content_type=SDP, now=now))
            elif session is not None and act == "info":
                self.requests.append(endpoint.request_in_session(session, "INFO", now=now))
            elif session is not None and act in ("bye", "cancel"):
                (endpoint.bye if act == "bye" else endpoint.cancel)(session, now=now)
            elif subscription is not None and act in ("refresh", "unsubscribe", "notify", "end subscription"):
                self._about(subscription, act)

    def _about(self, subscription: SubscriptionId, act: str) -> None:
        endpoint, now = self.endpoint, self.net.now
        if act == "refresh":
            endpoint.refresh(subscription, now=now)
        elif act == "unsubscribe":
            endpoint.unsubscribe(subscription, now=now)
        elif act == "notify":
            endpoint.notify(subscription, body=b"<x/>", content_type="text/xml", now=now)
        else:
            endpoint.end_subscription(subscription, reason="noresource", now=now)

    def _they(self, act: str, which: int, stranger: Stranger) -> None:
        theirs = {
            "they call": ("INVITE", 1, b"v=0 theirs"),
            "they call without offer": ("INVITE", 1, b""),
            "they cancel": ("CANCEL", 1, b""),
            "they hang up": ("BYE", 50, b""),
            "they reinvite": ("INVITE", 10, b"v=0 other"),
            "they update": ("UPDATE", 20, b"v=0 other"),
            "they subscribe": ("SUBSCRIBE", 1, b""),
            "they refer": ("REFER", 1, b""),
            "they unsubscribe": ("SUBSCRIBE", 40, b""),
        }
        asked = {"they notify": "NOTIFY", "they end": "NOTIFY", "they say bye": "BYE", "they prack": "PRACK"}
        if act in theirs:
            method, cseq, body = theirs[act]
            begins = cseq == 1 and method != "CANCEL"
            self.begun += begins
            number = str(self.begun if begins else max(1, self.begun - which % 2))
            stranger.call(self.agent, method, number, cseq=cseq + (which if cseq > 1 else 0), body=body)
        else:
            stranger.ask(asked[act], which, b"x" if act == "they end" else b"")

    def end_all(self) -> None:
        """Do what a core owes: give up or end whatever it has."""
        endpoint, now = self.endpoint, self.net.now
        for session in self.sessions:
            for end in (endpoint.bye, endpoint.cancel, endpoint.give_up):
                with contextlib.suppress(LocalProtocolError):
                    end(session, now=now)
            with contextlib.suppress(LocalProtocolError):
                endpoint.reject(session, 480, now=now)
        for subscription in self.subscriptions:
            with contextlib.suppress(LocalProtocolError):
                endpoint.unsubscribe(subscription, now=now)
            with contextlib.suppress(LocalProtocolError):
                endpoint.end_subscription(subscription, reason="noresource", now=now)

    def ends(self) -> dict[object, int]:
        """How often each thing that the core began was said to be over."""
        found: Counter[object] = Counter()
        for event in self.agent.events:
            if isinstance(event, SessionFailed | SessionEnded | SessionCancelled):
                found["session", event.session] += 1
            elif isinstance(event, SubscriptionFailed | SubscriptionEnded):
                found["subscription", event.subscription] += 1
            elif isinstance(event, ResponseReceived | RequestFailed):
                found["request", event.request_id] += 1
        return dict(found)


def play(
    seed: int,
    opening: Sequence[str],
    fates: Sequence[str],
    reactions: Sequence[str],
    script: Sequence[tuple[float, str, int]],
    *,
    silent: bool,
    reliably: bool,
) -> None:
    net = Network(seed)
    core = Core(net, EndpointConfig(reliable_provisionals=reliably))
    stranger = Stranger(net, "stranger", then="ok")
    for act in opening:
        core.act(act, 0, stranger)
        net.run(0.1)
    core.reactions, stranger.fates = iter(reactions), iter(fates)
    for wait, act, which in script:
        net.run(wait)
        core.act(act, which, stranger)
    net.run(1)
    stranger.silent = silent
    core.end_all()
    net.run(40)
    core.end_all()  # what was being called, and was answered meanwhile
    net.run(1600)
    core.act("drop connections", 0, stranger)
    net.run(40)
    story = f"{net.ladder()}\n{core.agent.events}"
    assert held(core.endpoint, but=KEPT) == {}, story
    assert core.endpoint.next_timeout() is None, story
    assert all(count == 1 for count in core.ends().values()), f"{core.ends()}\n{story}"
    began = [("session", each) for each in core.sessions if _was_ours(core, each)]
    began += [("request", each) for each in core.requests]  # type: ignore[misc]
    assert set(began) <= set(core.ends()), story


def _was_ours(core: Core, session: SessionId) -> bool:
    return all(event.session != session for event in core.agent.of(InviteReceived))


@given(
    seed=st.integers(0, 1000),
    opening=st.sampled_from(OPENINGS),
    fates=st.lists(st.sampled_from(FATES), max_size=12),
    reactions=st.lists(st.sampled_from(REACTIONS), max_size=8),
    script=st.lists(
        st.tuples(
            st.sampled_from((0.0, 0.005, 0.02, 1.0, 20.0, 60.0, 400.0)), st.sampled_from(ACTS), st.integers(0, 3)
        ),
        max_size=12,
    ),
    silent=st.booleans(),
    reliably=st.booleans(),
)
@settings(max_examples=150, deadline=None)
def test_everything_has_one_end_and_nothing_stays(
    seed: int,
    opening: tuple[str, ...],
    fates: list[str],
    reactions: list[str],
    script: list[tuple[float, str, int]],
    silent: bool,
    reliably: bool,
) -> None:
    play(seed, opening, fates, reactions, script, silent=silent, reliably=reliably)


def test_the_story_of_a_good_peer_is_seen() -> None:
    """So that the property above is not true of nothing."""
    net = Network()
    core = Core(net, EndpointConfig())
    stranger = Stranger(net, "stranger", then="ok")
    stranger.fates = iter(["ok", "ok notify"])
    for act in ("invite", "subscribe", "they call", "they subscribe"):
        core.act(act, 0, stranger)
        net.run(1)
    assert len(core.agent.of(SessionAnswered)) == 1
    assert len(core.agent.of(NotifyReceived)) == 1
    assert len(core.agent.of(InviteReceived)) == len(core.agent.of(SubscribeReceived)) == 1
    assert core.endpoint.sizes["sessions"] == core.endpoint.sizes["subscriptions"] == 2
    assert "_sessions._sessions" in held(core.endpoint)
