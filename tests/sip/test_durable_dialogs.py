"""Dialogs outlast a restart: what was written is gone on with, whichever side was away."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import cast

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sip import (
    Address,
    EndCause,
    EndpointConfig,
    Flow,
    InternalFault,
    InviteReceived,
    LocalProtocolError,
    NotifyReceived,
    Piece,
    ReinviteReceived,
    Request,
    RequestFailed,
    RequestReceived,
    ResponseReceived,
    SessionAnswered,
    SessionEnded,
    SessionFlowLost,
    SessionId,
    SessionRefreshed,
    StateUnreadable,
    SubscribeReceived,
    SubscriptionEnded,
    SubscriptionId,
    TransactionId,
    parse_message,
    read_piece,
    write_piece,
)
from sip.core.dialog import Dialog
from sip.core.dialog_piece import SavedDialog
from sip.testing import Agent, Network
from sip.testing.network import Sent, raw_request

WALL_CLOCK = 1_700_000_000.0  #: when the simulation began


class Kept:
    """Two agents whose dialogs are written before anything of them leaves, and who may be killed."""

    def __init__(self, transport: str = "udp", settings: EndpointConfig | None = None) -> None:
        self.net = Network()
        self.alice = self.net.agent("alice", settings, core=False, wall_clock=WALL_CLOCK)
        self.bob = self.net.agent("bob", settings, core=False, wall_clock=WALL_CLOCK)
        self.transport = transport
        self._written: dict[Agent, dict[str, Piece]] = {self.alice: {}, self.bob: {}}
        self.writes = 0
        self.net.middle = self._pass
        for agent in self._written:
            agent.add_core(durable=True)
            self._answer(agent)
        self.call: SessionId | None = None
        self.subscription: SubscriptionId | None = None

    def _answer(self, agent: Agent) -> None:
        net = self.net
        agent.on(InviteReceived, lambda e: agent.endpoint.accept(e.session, body=b"v=0 answer", now=net.now))
        agent.on(ReinviteReceived, lambda e: agent.endpoint.respond(e.transaction, 200, body=b"v=0 again", now=net.now))
        agent.on(
            RequestReceived, lambda e: agent.endpoint.respond(cast(TransactionId, e.transaction), 200, now=net.now)
        )
        agent.on(
            SubscribeReceived, lambda e: agent.endpoint.accept_subscription(e.subscription, body=b"1", now=net.now)
        )

    def _pass(self, sent: Sent, flow: Flow) -> bytes:
        self.save()
        return sent.data

    @property
    def written(self) -> dict[Agent, dict[str, Piece]]:
        """What is written by now, by key."""
        self.save()
        return self._written

    def save(self) -> None:
        for agent, pieces in self._written.items():
            taken = agent.endpoint.take_pieces()
            self.writes += len(taken)
            assert len({piece.key for piece in taken}) == len(taken)
            for piece in taken:
                if piece.value is None:
                    del pieces[piece.key]
                else:
                    pieces[piece.key] = piece

    def kill(self, agent: Agent, *, after: float = 0.0) -> None:
        """Kill an agent and start it again; its connections break."""
        pieces = list(self.written[agent].values())
        for flow in self.net.connections(agent):
            self.net.close(agent, flow)
        self.net.leave(agent)
        self.net.run(after)
        self.net.join(agent)
        agent.events.clear()
        agent.restart(pieces)
        self.net.run(0.1)

    def begin(self, *, session_expires: int | None = None) -> None:
        self.alice.invite(self.bob.uri(self.transport), session_expires=session_expires)
        self.net.run(1)

    def session(self, agent: Agent) -> SessionId:
        (key,) = self.written[agent]
        session = agent.endpoint.session_at(key)
        assert session is not None
        assert agent.endpoint.session_key(session) == key
        assert agent.endpoint.keys_of("ua") == [key]
        assert agent.endpoint.keys_of("nobody") == []
        return session

    def subscribed(self, agent: Agent, package: str = "conference") -> SubscriptionId:
        (key,) = self.written[agent]
        side = "subscriber" if agent is self.alice else "notifier"
        found = agent.endpoint.subscription_at(f"{key}/{side}/{package}/")
        assert found is not None
        assert agent.endpoint.keys_of("ua") == [f"{key}/{side}/{package}/"]
        assert agent.endpoint.subscription_key(found) == f"{key}/{side}/{package}/"
        return found

    def subscribe(self, expires: int = 3600, session: SessionId | None = None) -> None:
        alice = self.alice
        alice.endpoint.subscribe(
            "ua",
            self.bob.uri(self.transport),
            event="conference",
            from_="<sip:alice@example.com>",
            to="<sip:bob@example.com>",
            expires=expires,
            session=session,
            now=self.net.now,
        )
        self.net.run(1)

    def ask(self, agent: Agent, method: str = "INFO") -> int:
        """The status of a request in the session."""
        before = len(agent.of(ResponseReceived))
        agent.endpoint.request_in_session(self.session(agent), method, now=self.net.now)
        self.net.run(1)
        (answer,) = agent.of(ResponseReceived)[before:]
        return answer.response.status


def test_a_dialog_that_cannot_be_written_costs_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = Kept()
    for _ in range(3):
        kept.begin()
    found = [kept.alice.endpoint.session_at(key) for key in kept.written[kept.alice]]
    sessions = [each for each in found if each is not None]
    broken = kept.alice.endpoint.session(sessions[0]).call_id
    whole = SavedDialog.of

    def of(dialog: Dialog) -> SavedDialog:
        if dialog.call_id == broken:
            raise RuntimeError("broken on purpose")
        return whole(dialog)

    monkeypatch.setattr(SavedDialog, "of", of)
    kept.net.faults_raise = False
    before = dict(kept.written[kept.alice])
    for session in sessions:
        kept.alice.endpoint.reinvite(session, body=b"v=0 hold", content_type="application/sdp", now=kept.net.now)
    kept.net.run(1)
    after = kept.written[kept.alice]
    assert after.keys() == before.keys()
    assert sum(after[key] != before[key] for key in before) == 2
    assert {fault.doing.partition(" ")[0] for fault in kept.alice.of(InternalFault)} == {"write"}


@pytest.mark.parametrize("transport", ["udp", "tcp"])
@pytest.mark.parametrize("who", ["alice", "bob"])
def test_a_call_goes_on_after_a_restart_of_either_side(transport: str, who: str) -> None:
    kept = Kept(transport)
    kept.begin()
    killed = kept.alice if who == "alice" else kept.bob
    before = kept.net.requests("INVITE")[0]
    view = killed.endpoint.session(kept.session(killed))
    kept.kill(killed)
    again = killed.endpoint.session(kept.session(killed))
    assert again.state.value == "confirmed"
    assert (again.local_uri, again.remote_uri, again.remote_target) == (
        view.local_uri,
        view.remote_uri,
        view.remote_target,
    )
    assert again.remote_allow == view.remote_allow
    for agent in (kept.alice, kept.bob):
        assert kept.ask(agent) == 200
        agent.endpoint.reinvite(kept.session(agent), body=b"v=0 hold", content_type="application/sdp", now=kept.net.now)
        kept.net.run(1)
        assert agent.of(ResponseReceived)[-1].response.status == 200
    assert {each.call_id for each in kept.net.requests("INFO")} == {before.call_id}
    killed.endpoint.bye(kept.session(killed), now=kept.net.now)
    kept.net.run(40)
    assert killed.one(SessionEnded).cause is EndCause.BYE_SENT
    other = kept.bob if killed is kept.alice else kept.alice
    assert other.one(SessionEnded).cause is EndCause.BYE_RECEIVED
    assert kept.written == {kept.alice: {}, kept.bob: {}}
    assert kept.alice.idle
    assert kept.bob.idle


def test_a_call_is_refreshed_when_it_would_have_been_without_the_restart() -> None:
    kept = Kept()
    kept.begin(session_expires=90)
    kept.net.run(36)
    kept.kill(kept.alice)
    before = len(kept.net.requests("UPDATE")) + len(kept.net.requests("INVITE"))
    kept.net.run(10)  # half of 90 s after it was agreed, not after the restart
    assert len(kept.net.requests("UPDATE")) + len(kept.net.requests("INVITE")) == before + 1
    assert len(kept.alice.of(SessionRefreshed)) == 1


def test_a_call_that_is_not_refreshed_ends_when_it_would_have_without_the_restart() -> None:
    kept = Kept()
    kept.begin(session_expires=90)
    kept.net.drop = lambda data: True
    kept.net.run(36)
    kept.kill(kept.bob)
    kept.net.run(20)
    assert not kept.bob.of(SessionEnded)
    kept.net.run(35)
    assert kept.bob.one(SessionEnded).cause is EndCause.EXPIRED


def test_the_other_side_may_end_it_after_the_restart() -> None:
    kept = Kept()
    kept.begin()
    kept.kill(kept.bob)
    kept.alice.endpoint.bye(kept.session(kept.alice), now=kept.net.now)
    kept.net.run(1)
    assert kept.bob.one(SessionEnded).cause is EndCause.BYE_RECEIVED


@pytest.mark.parametrize("who", ["alice", "bob"])
def test_a_subscription_goes_on_after_a_restart_of_either_side(who: str) -> None:
    kept = Kept()
    kept.subscribe(expires=600)
    killed = kept.alice if who == "alice" else kept.bob
    kept.kill(killed)
    kept.bob.endpoint.notify(kept.subscribed(kept.bob), body=b"2", content_type="text/plain", now=kept.net.now)
    kept.net.run(1)
    assert kept.alice.of(NotifyReceived)[-1].body == b"2"
    kept.net.run(580)  # it is refreshed before its end, and asks for as much as before
    assert [each.headers.get("Expires") for each in kept.net.requests("SUBSCRIBE")] == ["600", "600"]
    kept.alice.endpoint.unsubscribe(kept.subscribed(kept.alice), now=kept.net.now)
    kept.net.run(40)
    assert kept.alice.one(SubscriptionEnded).reason == "unsubscribed"
    assert kept.bob.one(SubscriptionEnded).reason == "unsubscribed"
    assert kept.written == {kept.alice: {}, kept.bob: {}}
    assert kept.alice.idle
    assert kept.bob.idle


def test_a_notifier_that_was_away_beyond_the_end_says_that_it_is_over() -> None:
    kept = Kept()
    kept.subscribe(expires=600)
    kept.net.drop = lambda data: b"SUBSCRIBE" in data.split(b"\r\n")[0]
    kept.kill(kept.bob, after=620)
    kept.net.run(40)
    assert kept.bob.one(SubscriptionEnded).reason == "timeout"
    assert "terminated;reason=timeout" in kept.net.requests("NOTIFY", kept.bob)[-1].headers.get(
        "Subscription-State", ""
    )


def test_a_subscriber_whose_notifier_forgot_it_meanwhile_begins_anew() -> None:
    kept = Kept()
    kept.subscribe(expires=600)
    kept.kill(kept.alice, after=700)
    kept.net.run(700)
    assert "SubscriptionRestarted" in kept.alice.kinds()
    assert kept.alice.of(NotifyReceived)[-1].state == "active"


@pytest.mark.parametrize("who", ["alice", "bob"])
def test_the_session_timer_goes_on_by_the_wall_clock(who: str) -> None:
    kept = Kept()
    kept.begin(session_expires=180)
    kept.net.run(59)
    kept.kill(kept.alice if who == "alice" else kept.bob)
    kept.net.run(600)
    assert not kept.alice.of(SessionEnded)
    assert not kept.bob.of(SessionEnded)
    assert round(kept.net.sent("UPDATE")[0]) == 90  # half of the interval, as if nothing had been


def test_a_refresh_that_was_due_meanwhile_comes_at_once() -> None:
    kept = Kept()
    kept.begin(session_expires=180)
    kept.kill(kept.alice, after=120)
    kept.net.run(6)
    assert kept.alice.of(SessionRefreshed)
    assert not kept.bob.of(SessionEnded)


def test_a_session_whose_timer_ran_out_meanwhile_ends_with_bye() -> None:
    kept = Kept()
    kept.begin(session_expires=180)
    kept.kill(kept.bob, after=200)
    assert kept.bob.one(SessionEnded).cause is EndCause.EXPIRED
    assert len(kept.net.requests("UPDATE", kept.bob)) == 0


def test_a_bye_that_was_out_goes_out_again() -> None:
    kept = Kept()
    kept.begin()
    kept.net.drop = lambda data: data.startswith(b"BYE")
    kept.bob.endpoint.bye(kept.session(kept.bob), now=kept.net.now)
    kept.net.run(0.2)
    kept.net.drop = lambda data: False
    kept.kill(kept.bob)
    assert kept.bob.one(SessionEnded).cause is EndCause.BYE_SENT
    assert kept.alice.one(SessionEnded).cause is EndCause.BYE_RECEIVED
    first, *_, last = (each.cseq.number for each in kept.net.requests("BYE"))
    assert last > first


def test_a_call_that_waited_for_its_ack_is_a_call() -> None:
    kept = Kept()
    kept.net.drop = lambda data: data.startswith(b"ACK")
    kept.alice.invite(kept.bob.uri())
    kept.net.run(0.1)
    kept.net.drop = lambda data: False
    kept.kill(kept.bob)
    kept.net.run(40)
    assert not kept.bob.of(SessionEnded)
    assert kept.ask(kept.alice) == 200
    assert kept.ask(kept.bob) == 200


def test_a_call_that_was_never_answered_is_not_written() -> None:
    kept = Kept()
    kept.bob._reactions.clear()
    kept.alice.invite(kept.bob.uri())
    kept.net.run(1)
    assert kept.written == {kept.alice: {}, kept.bob: {}}


def test_cores_that_did_not_ask_for_it_have_nothing_written() -> None:
    net = Network()
    alice, bob = net.agent("alice"), net.agent("bob")
    bob.on(InviteReceived, lambda event: bob.endpoint.accept(event.session, now=net.now))
    alice.invite(bob.uri())
    net.run(1)
    assert alice.one(SessionAnswered)
    assert alice.endpoint.take_pieces() == bob.endpoint.take_pieces() == []


def test_many_requests_of_ours_are_written_once_and_numbers_go_on_above() -> None:
    kept = Kept()
    kept.begin()
    kept.ask(kept.alice)
    alice = kept.written[kept.alice]
    (key,) = alice
    before = alice[key]
    for _ in range(50):
        assert kept.ask(kept.alice) == 200
    assert alice[key] is before
    last = kept.net.requests("INFO")[-1].cseq.number
    kept.kill(kept.alice)
    assert kept.ask(kept.alice) == 200
    assert kept.net.requests("INFO")[-1].cseq.number > last


def test_a_repetition_of_what_came_long_ago_is_refused_after_the_restart() -> None:
    kept = Kept()
    kept.begin()
    for _ in range(3):
        kept.ask(kept.alice)
    old = next(each for each in kept.net.log if each.head.startswith("INFO"))
    kept.kill(kept.bob)
    kept.net.inject(kept.bob, old.data)
    assert kept.net.responses(500, kept.bob)
    assert not kept.bob.of(RequestReceived)


def test_a_dialog_on_a_connection_of_its_far_end_is_not_written() -> None:
    """Carol called by TCP and named the port of her connection: nobody can dial that."""
    kept = Kept()
    flow = kept.net.outside(kept.bob, "TCP")
    invite = raw_request(
        "INVITE",
        "sip:bob@192.0.2.2",
        via="SIP/2.0/TCP 192.0.2.99:40999;branch=z9hG4bKone",
        extra=["Contact: <sip:carol@192.0.2.99:40999;transport=tcp>"],
    )
    kept.net.inject(kept.bob, invite, flow)
    assert kept.bob.of(InviteReceived)
    assert kept.written[kept.bob] == {}
    proxied = raw_request(
        "INVITE",
        "sip:bob@192.0.2.2",
        via="SIP/2.0/TCP 192.0.2.99:40999;branch=z9hG4bKtwo",
        call_id="call-2",
        extra=[
            "Contact: <sip:carol@192.0.2.99:40999;transport=tcp>",
            "Record-Route: <sip:192.0.2.99;transport=tcp;lr>",
        ],
    )
    kept.net.inject(kept.bob, proxied, flow)
    (piece,) = kept.written[kept.bob].values()
    assert read_piece(piece, 1)["dialog"]["route_set"] == ["<sip:192.0.2.99;transport=tcp;lr>"]


def test_octets_that_are_no_text_come_back_as_they_were() -> None:
    kept = Kept()
    raw = raw_request("INVITE", "sip:bob@192.0.2.2", from_='"Zo-" <sip:zoe@192.0.2.99>;tag=z').replace(
        b"Zo-", b"Zo\xeb"
    )
    kept.net.inject(kept.bob, raw)
    kept.kill(kept.bob)
    kept.bob.endpoint.bye(kept.session(kept.bob), now=kept.net.now)
    kept.net.flush()
    assert b'To: "Zo\xeb" <sip:zoe@192.0.2.99>;tag=z' in kept.net.log[-1].data


def test_what_cannot_be_read_is_left_out_and_told_and_the_rest_counts() -> None:
    kept = Kept()
    kept.begin()
    (good,) = kept.written[kept.bob].values()
    fields = read_piece(good, 1)
    broken = [
        Piece("dialog/a/b/c", b"nonsense"),
        write_piece("dialog/a/b/d", 2, {}),
        write_piece("dialog/a/b/e", 1, {key: value for key, value in fields.items() if key != "version"}),
        write_piece("dialog/a/b/f", 1, {"dialog": {**fields["dialog"], "remote_cseq": "one"}}),
        Piece("conference/x", b"of another machine"),
    ]
    net = Network()
    later = net.agent("bob", core=False)
    later.add_core(durable=True)
    events = later.endpoint.restore([*broken, good], now=0.0)
    assert [event.key for event in events if isinstance(event, StateUnreadable)] == [p.key for p in broken[:4]]
    assert later.endpoint.counters["state not restored: unreadable"] == 4
    assert later.endpoint.session_at(good.key) is not None
    with pytest.raises(LocalProtocolError):
        later.endpoint.restore([good], now=0.0)
    assert later.endpoint.sizes["sessions"] == 1


@pytest.mark.parametrize(
    ("side", "usage", "changed"),
    [
        ("alice", "subscribers", {"route": ["nonsense"]}),  # read when the dialog is already there
        ("bob", "notifiers", {"granted": 10**400}),
        ("bob", "session", {"interval": 10**400}),
    ],
)
def test_of_a_piece_that_turns_out_late_to_be_unreadable_nothing_stays(
    side: str, usage: str, changed: dict[str, object]
) -> None:
    kept = Kept()
    kept.begin(session_expires=90)
    kept.subscribe(session=kept.session(kept.alice))
    kept.net.run(1)
    agent = kept.alice if side == "alice" else kept.bob
    (piece,) = kept.written[agent].values()
    fields = read_piece(piece, 1)
    good = fields[usage]
    fields[usage] = {**good, **changed} if usage == "session" else [*good, {**good[0], "event_id": "2", **changed}]
    del fields["version"]
    broken = write_piece(piece.key, 1, fields)
    later = Network().agent("bob", core=False)
    later.add_core(durable=True)
    assert later.endpoint.take_pieces() == []
    events = later.endpoint.restore([broken], now=0.0)
    assert [event.key for event in events if isinstance(event, StateUnreadable)] == [piece.key]
    assert later.idle, later.endpoint.sizes
    assert later.endpoint.take_pieces() == []  # it stays written, for who looks into it
    assert later.endpoint.data_to_send() == []
    later.endpoint.restore([piece], now=0.0)
    assert later.endpoint.sizes["sessions"] == later.endpoint.sizes["subscriptions"] == 1


def test_a_dialog_is_handed_over_without_a_word() -> None:
    kept = Kept()
    kept.begin()
    kept.subscribe()
    sent = len(kept.net.log)
    pieces = [kept.bob.endpoint.hand_over(key, now=kept.net.now) for key in list(kept.written[kept.bob])]
    assert None not in pieces
    kept.net.run(100)
    assert len(kept.net.log) == sent
    assert not kept.bob.of(SessionEnded)
    assert not kept.bob.of(SubscriptionEnded)
    assert len(kept.written[kept.bob]) == 2  # whoever has it now removes it
    assert kept.bob.endpoint.sizes == dict.fromkeys(kept.bob.endpoint.sizes, 0)
    kept.bob.restart([piece for piece in pieces if piece is not None])
    kept.alice.endpoint.bye(kept.alice.of(SessionAnswered)[0].session, now=kept.net.now)
    kept.net.run(1)
    assert kept.bob.one(SessionEnded).cause is EndCause.BYE_RECEIVED


# Whatever happens before and after -----------------------------------------------------------------------------------

STEPS = st.sampled_from(
    ["call", "end", "info a", "info b", "hold a", "hold b", "watch", "unwatch", "notify", "refresh", "kill a", "kill b"]
)


class Story(Kept):
    """A conversation of which each step is let come to rest."""

    def play(self, steps: Iterable[str]) -> None:
        for step in steps:
            name, _, who = step.partition(" ")
            getattr(self, f"do_{name}")(self.alice if who == "a" else self.bob)
            self.net.run(2)
            self.check()

    def _keys(self, agent: Agent, usage: str) -> list[str]:
        return [key for key, piece in self.written[agent].items() if usage in read_piece(piece, 1)]

    def do_call(self, _: Agent) -> None:
        if not self._keys(self.alice, "session"):
            self.alice.invite(self.bob.uri(self.transport), session_expires=90)

    def _session(self, agent: Agent) -> SessionId | None:
        keys = self._keys(agent, "session")
        return agent.endpoint.session_at(keys[0]) if keys else None

    def do_end(self, agent: Agent) -> None:
        if (session := self._session(agent)) is not None:
            agent.endpoint.bye(session, now=self.net.now)

    def do_info(self, agent: Agent) -> None:
        if (session := self._session(agent)) is not None:
            agent.endpoint.request_in_session(session, "INFO", now=self.net.now)

    def do_hold(self, agent: Agent) -> None:
        if (session := self._session(agent)) is not None:
            agent.endpoint.reinvite(session, body=b"v=0", content_type="application/sdp", now=self.net.now)

    def do_watch(self, _: Agent) -> None:
        if not self._keys(self.alice, "subscribers"):
            self.subscribe(120)

    def _subscription(self, agent: Agent, side: str) -> SubscriptionId | None:
        keys = self._keys(agent, f"{side}s")
        return agent.endpoint.subscription_at(f"{keys[0]}/{side}/conference/") if keys else None

    def do_unwatch(self, _: Agent) -> None:
        if (found := self._subscription(self.alice, "subscriber")) is not None:
            self.alice.endpoint.unsubscribe(found, now=self.net.now)

    def do_refresh(self, _: Agent) -> None:
        if (found := self._subscription(self.alice, "subscriber")) is not None:
            self.alice.endpoint.refresh(found, now=self.net.now)

    def do_notify(self, _: Agent) -> None:
        if (found := self._subscription(self.bob, "notifier")) is not None:
            self.bob.endpoint.notify(found, body=b"x", content_type="text/plain", now=self.net.now)

    def do_kill(self, agent: Agent) -> None:
        self.kill(agent)

    def check(self) -> None:
        """Both sides agree about what there is, every request was answered well, and none had the number of another."""
        for usages in (("session", "session"), ("subscribers", "notifiers")):
            ours = {key.split("/")[1] for key in self._keys(self.alice, usages[0])}
            assert ours == {key.split("/")[1] for key in self._keys(self.bob, usages[1])}, self.net.ladder()
        for agent in self.written:
            assert not agent.of(RequestFailed), self.net.ladder()
            assert not agent.of(SessionFlowLost) or self.transport == "tcp"
            assert all(each.response.status == 200 for each in agent.of(ResponseReceived)), self.net.ladder()
            seen = [(e.request.call_id, e.request.cseq) for e in agent.of(RequestReceived)]
            assert len(seen) == len(set(seen))
            assert sorted(self.written[agent]) == sorted(piece.key for piece in agent.endpoint.snapshot())
        numbers: dict[tuple[str, str | None, int], str] = {}
        for message in (each for agent in self.written for each in self.net.messages(agent.name)):
            if isinstance(message, Request) and message.method not in ("ACK", "CANCEL"):
                key = (message.call_id, message.from_.tag, message.cseq.number)
                branch = message.via[0].branch or ""
                assert numbers.setdefault(key, branch) == branch, self.net.ladder()


@given(st.lists(STEPS, max_size=14), st.sampled_from(["udp", "tcp"]))
def test_conversations_go_on_whoever_is_killed_at_whichever_quiet_moment(steps: list[str], transport: str) -> None:
    story = Story(transport)
    story.play(steps)
    story.net.run(400)  # refreshes of both kinds
    story.check()
    story.play(["end a", "unwatch"])
    story.net.run(400)
    assert story.written == {story.alice: {}, story.bob: {}}
    assert story.alice.idle
    assert story.bob.idle


@pytest.mark.parametrize("transport", ["UDP", "TCP"])
def test_where_the_other_side_sends_from_is_known_after_a_restart_over_udp_alone(transport: str) -> None:
    here, there = Address("192.0.2.1", 5060), Address("192.0.2.99", 5070)
    invite = parse_message(raw_request("INVITE"))
    assert isinstance(invite, Request)
    dialog = Dialog.from_request(invite, Flow(7, transport, here, there), "t", local_cseq=1)
    restored = SavedDialog(**json.loads(json.dumps(attrs.asdict(SavedDialog.of(dialog))))).dialog()
    assert restored.is_from(Flow(1, transport, here, there)) is (transport == "UDP")
    for flow in (
        Flow(1, "UDP", here, Address(there.host, 5071)),
        Flow(2, "UDP", here, Address("192.0.2.98", there.port)),
        Flow(3, "TLS", here, there),
    ):
        assert not restored.is_from(flow)
    with pytest.raises((TypeError, ValueError)):
        SavedDialog(**{**attrs.asdict(SavedDialog.of(dialog)), "heard_at": ["192.0.2.99"]})
