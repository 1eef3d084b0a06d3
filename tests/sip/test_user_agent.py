"""Two user agents on a pretend network: registrations, calls with their one end, hold, transfer, keys, messages."""

from __future__ import annotations

import attrs
import pytest

import sip
from sip.testing import Agent, Network


class Media:
    """Descriptions that say who wrote them; ``refuses`` names those that cannot be used."""

    def __init__(self, name: str, refuses: bytes = b"\0") -> None:
        self.name, self.refuses = name, refuses
        self.seen: list[bytes] = []
        self.rolled_back = self.ended = 0
        self.keys: str | None = None  #: that were pressed; None: they cannot be
        self.key_types = ("application/dtmf-relay",)

    def make_offer(self, *, held: bool | None = None, now: float) -> bytes:
        return f"offer of {self.name}, held {held}".encode()

    def receive_offer(self, offer: bytes, *, now: float) -> bytes:
        if self.refuses in offer:
            raise ValueError("no common codec")
        self.seen.append(offer)
        return f"answer of {self.name}".encode()

    def receive_answer(self, answer: bytes, *, now: float) -> None:
        if self.refuses in answer:
            raise ValueError("no common codec")
        self.seen.append(answer)

    def roll_back(self) -> None:
        self.rolled_back += 1

    def end(self, *, now: float) -> None:
        self.ended += 1

    def read_key(self, body: bytes) -> str:
        if not body.startswith(b"Signal="):
            raise ValueError("no key")
        return body[7:8].decode()

    def send_keys(self, digits: str) -> None:
        if self.keys is None:
            raise ValueError("nobody takes keys")
        self.keys += digits


@attrs.define
class Person:
    """A user agent and what it was told."""

    agent: Agent
    ua: sip.UserAgent
    media: Media

    def of(self, kind: type[sip.Event]) -> list[sip.Event]:
        return self.agent.of(kind)

    def do(self) -> None:
        """After a command."""
        self.agent.take(())
        self.agent.net.run(1)


def person(net: Network, name: str, *, config: sip.EndpointConfig | None = None, **account: object) -> Person:
    agent = net.agent(name, config, core=False)
    settings = sip.UserAgentConfig(accounts=sip.Account(aor=f"sip:{name}@example.com", **account))  # type: ignore[arg-type]
    ua = sip.UserAgent(agent.endpoint, settings, entropy=sip.SeededEntropy(name.encode()))
    agent.run_core(ua)
    return Person(agent, ua, Media(name))


@pytest.fixture
def net() -> Network:
    return Network(seed=5)


@pytest.fixture
def alice(net: Network) -> Person:
    return person(net, "alice")


@pytest.fixture
def bob(net: Network, alice: Person) -> Person:
    return person(net, "bob")


def calling(alice: Person, bob: Person) -> sip.Call:
    call = alice.ua.call(bob.agent.uri(), media=alice.media, now=alice.agent.net.now)
    alice.do()
    return call


def received(who: Person) -> sip.Call:
    (event,) = who.of(sip.CallReceived)
    assert isinstance(event, sip.CallReceived)
    return event.call


def talking(alice: Person, bob: Person) -> tuple[sip.Call, sip.Call]:
    call = calling(alice, bob)
    theirs = received(bob)
    theirs.answer(bob.media, now=bob.agent.net.now)
    bob.do()
    assert call.state is theirs.state is sip.CallState.TALKING
    return call, theirs


def the_end(who: Person) -> sip.CallEnded:
    (event,) = who.of(sip.CallEnded)
    assert isinstance(event, sip.CallEnded)
    return event


# Calls


def test_a_call_rings_is_answered_and_ends_once_on_both_sides(alice: Person, bob: Person) -> None:
    call = calling(alice, bob)
    (ringing,) = alice.of(sip.CallProgressed)
    assert isinstance(ringing, sip.CallProgressed)
    assert (ringing.call, ringing.status) == (call, 180)
    theirs = received(bob)
    assert (theirs.incoming, str(theirs.remote.uri)) == (True, "sip:alice@example.com")
    theirs.answer(bob.media, now=bob.agent.net.now)
    bob.do()
    assert (alice.media.seen, bob.media.seen) == ([b"answer of bob"], [b"offer of alice, held None"])
    alice.agent.net.run(3)
    call.hang_up(now=alice.agent.net.now)
    alice.do()
    assert (the_end(alice).cause, the_end(bob).cause) == (sip.CallEnd.HUNG_UP_HERE, sip.CallEnd.HUNG_UP_THERE)
    assert 3.0 < the_end(alice).talked_for < 4.5
    assert (alice.ua.calls, bob.ua.calls) == ((), ())
    assert (alice.media.ended, bob.media.ended) == (1, 1)
    call.hang_up(now=alice.agent.net.now)  # it is over: nothing happens
    alice.agent.net.run(60)
    assert len(alice.of(sip.CallEnded)) == len(bob.of(sip.CallEnded)) == 1
    assert alice.agent.idle
    assert bob.agent.idle


def test_a_call_that_is_refused_says_how_and_when_to_come_again(alice: Person, bob: Person) -> None:
    calling(alice, bob)
    received(bob).refuse(486, headers=[("Retry-After", "30")], now=bob.agent.net.now)
    bob.do()
    end = the_end(alice)
    assert (end.cause, end.status, end.text, end.retry_after) == (
        sip.CallEnd.REFUSED_THERE,
        486,
        "486 Busy Here",
        30,
    )
    assert not end.retry_safe  # it has rung there
    assert the_end(bob).cause is sip.CallEnd.REFUSED_HERE


def test_a_call_that_reaches_nobody_may_be_made_again(net: Network, alice: Person) -> None:
    alice.ua.call("sip:nobody@192.0.2.77;transport=tcp", media=alice.media, now=net.now)
    alice.do()
    end = the_end(alice)
    assert (end.cause, end.status, end.retry_safe) == (sip.CallEnd.UNREACHABLE, None, True)


def test_a_call_that_is_given_up_stops_the_ringing(alice: Person, bob: Person) -> None:
    call = calling(alice, bob)
    call.hang_up(now=alice.agent.net.now)
    assert call.state is sip.CallState.GIVING_UP
    alice.do()
    assert (the_end(alice).cause, the_end(bob).cause) == (sip.CallEnd.GIVEN_UP_HERE, sip.CallEnd.GIVEN_UP_THERE)


def test_an_answer_that_crosses_giving_up_is_ended(alice: Person, bob: Person) -> None:
    call = calling(alice, bob)
    received(bob).answer(bob.media, now=bob.agent.net.now)
    bob.agent.take(())
    call.hang_up(now=alice.agent.net.now)
    alice.do()
    alice.agent.net.run(40)
    assert the_end(alice).cause is sip.CallEnd.GIVEN_UP_HERE
    assert the_end(bob).cause is sip.CallEnd.HUNG_UP_THERE


def test_an_offer_that_cannot_be_used_is_refused(alice: Person, bob: Person) -> None:
    calling(alice, bob)
    bob.media.refuses = b"offer"
    received(bob).answer(bob.media, now=bob.agent.net.now)
    bob.do()
    assert (the_end(alice).status, the_end(bob).cause) == (488, sip.CallEnd.NO_MEDIA)


def test_an_answer_that_cannot_be_used_ends_the_call(alice: Person, bob: Person) -> None:
    calling(alice, bob)
    alice.media.refuses = b"answer"
    received(bob).answer(bob.media, now=bob.agent.net.now)
    bob.do()
    assert (the_end(alice).cause, the_end(alice).text) == (sip.CallEnd.NO_MEDIA, "no common codec")
    assert the_end(bob).cause is sip.CallEnd.HUNG_UP_THERE


def test_too_many_calls_are_busy(net: Network, alice: Person) -> None:
    agent = net.agent("bob", core=False)
    config = sip.UserAgentConfig(accounts=sip.Account(aor="sip:bob@example.com"), max_calls=1)
    ua = sip.UserAgent(agent.endpoint, config, entropy=sip.SeededEntropy(b"bob"))
    bob = Person(agent, agent.run_core(ua), Media("bob"))
    calling(alice, bob)
    alice.ua.call(agent.uri(), media=Media("alice"), now=net.now)
    alice.do()
    assert the_end(alice).status == 486
    assert len(bob.of(sip.CallReceived)) == 1
    with pytest.raises(sip.LocalProtocolError, match="max_calls"):
        ua.call(alice.agent.uri(), media=bob.media, now=net.now)


# In a call


def talking_to(carol: Agent, bob: Person) -> sip.SessionId:
    """A call of somebody who is no user agent, and does what he likes in it."""
    session = carol.invite(bob.agent.uri(), body=b"offer of carol")
    carol.net.run(1)
    received(bob).answer(bob.media, now=carol.net.now)
    bob.do()
    carol.endpoint.ack(session, now=carol.net.now)
    carol.net.run(1)
    return session


@pytest.mark.parametrize(
    ("body", "seen", "rolled_back"),
    [
        (b"answer of carol", [b"offer of carol", b"answer of carol"], 0),
        (b"", [b"offer of carol"], 1),
        (b"\0", [b"offer of carol"], 1),
    ],
    ids=["an answer", "no answer", "an answer that cannot be used"],
)
def test_whoever_asks_for_our_offer_answers_it_in_the_ack(
    net: Network, bob: Person, body: bytes, seen: list[bytes], rolled_back: int
) -> None:
    bob.media.refuses = b"\0"
    carol = net.agent("carol")
    session = talking_to(carol, bob)
    carol.endpoint.reinvite(session, now=net.now)
    net.run(1)
    (offered,) = carol.of(sip.ResponseReceived)
    assert offered.response.body == b"offer of bob, held None"
    assert not received(bob).may_hold
    carol.endpoint.update(session, body=b"crossing", content_type="application/sdp", now=net.now)
    net.run(1)
    assert [each.response.status for each in carol.of(sip.ResponseReceived)] == [200, 491]
    carol.endpoint.ack(session, body=body, content_type="application/sdp" if body else None, now=net.now)
    net.run(1)
    assert (bob.media.seen, bob.media.rolled_back) == (seen, rolled_back)
    assert received(bob).may_hold
    carol.endpoint.reinvite(session, body=b"another offer", content_type="application/sdp", now=net.now)
    net.run(1)
    assert [each.response.status for each in carol.of(sip.ResponseReceived)] == [200, 491, 200]
    assert bob.media.seen == [*seen, b"another offer"]


@pytest.mark.parametrize(("disposition", "status"), [("render", 415), ("render;handling=optional", 200)])
@pytest.mark.parametrize("method", ["INVITE", "UPDATE"])
def test_a_body_that_nobody_reads_is_refused_in_a_call_unless_it_is_optional(
    net: Network, bob: Person, method: str, disposition: str, status: int
) -> None:
    carol = net.agent("carol")
    session = talking_to(carol, bob)
    ask = carol.endpoint.reinvite if method == "INVITE" else carol.endpoint.update
    headers = [("Content-Disposition", disposition)]
    ask(session, headers=headers, body=b"hello", content_type="text/plain", now=net.now)
    net.run(1)
    (answered,) = carol.of(sip.ResponseReceived)
    assert answered.response.status == status
    assert answered.response.headers.get("Accept") == (None if status == 200 else "application/sdp")


def test_hold_is_agreed_and_taken_back(alice: Person, bob: Person) -> None:
    call, _ = talking(alice, bob)
    for held in (True, False):
        call.hold(held, now=alice.agent.net.now)
        with pytest.raises(sip.LocalProtocolError):
            call.hold(held, now=alice.agent.net.now)
        alice.do()
    assert [event.held for event in alice.of(sip.HoldChanged)] == [True, False]  # type: ignore[attr-defined]
    assert bob.media.seen[1:] == [b"offer of alice, held True", b"offer of alice, held False"]


def test_hold_that_is_refused_leaves_the_call_as_it_was(alice: Person, bob: Person) -> None:
    call, _ = talking(alice, bob)
    bob.media.refuses = b"held True"
    call.hold(now=alice.agent.net.now)
    alice.do()
    (failed,) = alice.of(sip.HoldFailed)
    assert isinstance(failed, sip.HoldFailed)
    assert (failed.held, failed.status, alice.media.rolled_back, call.may_hold) == (True, 488, 1, True)


def test_both_sides_hold_at_once_and_each_succeeds(alice: Person, bob: Person) -> None:
    call, theirs = talking(alice, bob)
    call.hold(now=alice.agent.net.now)
    theirs.hold(now=bob.agent.net.now)
    alice.agent.take(())
    bob.do()
    alice.agent.net.run(10)
    for who in (alice, bob):
        assert len(who.of(sip.HoldChanged)) == 1
        assert who.of(sip.HoldFailed) == []


def test_a_hold_that_is_open_at_the_end_has_failed(alice: Person, bob: Person) -> None:
    call, _ = talking(alice, bob)
    call.hold(now=alice.agent.net.now)
    call.hang_up(now=alice.agent.net.now)
    alice.do()
    assert [type(event) for event in alice.agent.events[-2:]] == [sip.HoldFailed, sip.CallEnded]


def test_keys_go_by_info_where_the_sound_takes_none(alice: Person, bob: Person) -> None:
    call, _ = talking(alice, bob)
    call.send_keys("5#", now=alice.agent.net.now)
    alice.do()
    assert [event.digit for event in bob.of(sip.KeyPressed)] == ["5", "#"]  # type: ignore[attr-defined]
    alice.media.keys = ""
    call.send_keys("12", now=alice.agent.net.now)
    alice.do()
    assert (alice.media.keys, len(bob.of(sip.KeyPressed))) == ("12", 2)
    with pytest.raises(sip.LocalProtocolError, match="digits must be"):
        call.send_keys("call me", now=alice.agent.net.now)


@pytest.mark.parametrize(("status", "outcome"), [(200, sip.TransferSucceeded), (486, sip.TransferFailed)])
def test_a_transfer_is_told_its_outcome(net: Network, alice: Person, status: int, outcome: type[sip.Event]) -> None:
    desk = net.agent("bob")  # a core by hand, which takes REFER
    desk.on(sip.InviteReceived, lambda event: desk.endpoint.accept(event.session, body=b"v=0", now=net.now))
    call = alice.ua.call(desk.uri(), media=alice.media, now=net.now)
    alice.do()

    def referred(event: sip.RequestReceived) -> None:
        if event.request.method == "REFER" and event.transaction is not None:
            desk.endpoint.respond(event.transaction, 202, now=net.now)

    desk.on(sip.RequestReceived, referred)
    call.transfer("sip:carol@example.com", now=net.now)
    alice.do()
    (request,) = [event for event in desk.of(sip.RequestReceived) if event.request.method == "REFER"]
    assert str(request.request.headers.get("Refer-To")) == "<sip:carol@example.com>"
    assert request.subscription is not None
    for line in (b"SIP/2.0 100 Trying", b"SIP/2.0 %d X" % status):
        desk.endpoint.notify(
            request.subscription,
            body=line,
            content_type="message/sipfrag",
            state="active" if b"100" in line else "terminated",
            now=net.now,
        )
    desk.take(())
    net.run(1)
    told = [event for event in alice.agent.events if isinstance(event, sip.TransferSucceeded | sip.TransferFailed)]
    assert [type(event) for event in told] == [outcome]
    if isinstance(told[0], sip.TransferFailed):
        assert (told[0].status, told[0].reason) == (486, "X")
    assert call.state is sip.CallState.TALKING


def test_a_transfer_that_the_other_side_does_not_take_has_failed(alice: Person, bob: Person) -> None:
    call, _ = talking(alice, bob)
    call.transfer("sip:carol@example.com", now=alice.agent.net.now)
    alice.do()
    (failed,) = alice.of(sip.TransferFailed)
    assert isinstance(failed, sip.TransferFailed)
    assert failed.status == 405


def test_an_attended_transfer_names_the_dialog_of_the_other_call(net: Network, alice: Person, bob: Person) -> None:
    first, _ = talking(alice, bob)
    desk = net.agent("carol")
    desk.on(sip.InviteReceived, lambda event: desk.endpoint.accept(event.session, body=b"v=0", now=net.now))
    second = alice.ua.call(desk.uri(), media=Media("alice"), now=net.now)
    alice.do()
    first.transfer(second, now=net.now)
    alice.do()
    refer = next(sent.data for sent in net.log if sent.data.startswith(b"REFER"))
    where = sip.NameAddr.parse(sip.parse_message(refer).headers.get("Refer-To") or "")
    replaces = sip.Replaces.parse(dict(where.uri.headers)["Replaces"])
    seen = desk.endpoint.session(desk.one(sip.InviteReceived).session)
    assert (replaces.call_id, replaces.to_tag, replaces.from_tag) == (seen.call_id, seen.local_tag, seen.remote_tag)


# Registrations


class Registrar:
    """Who answers REGISTER as told; after that with 200."""

    def __init__(self, net: Network, name: str, *answers: int | None) -> None:
        self.agent = net.agent(name)
        self.answers = list(answers)
        self.seen: list[sip.Request] = []
        self.agent.on(sip.RequestReceived, self.answer)

    def answer(self, event: sip.RequestReceived) -> None:
        self.seen.append(event.request)
        status = self.answers.pop(0) if self.answers else 200
        if status is not None and event.transaction is not None:
            headers = [("Contact", f"{each};expires=60") for each in event.request.contact if status == 200]
            self.agent.endpoint.respond(event.transaction, status, headers=headers, now=self.agent.net.now)


def test_a_registration_is_refreshed_and_taken_back(net: Network) -> None:
    registrar = Registrar(net, "registrar")
    bob = person(net, "bob", registrar=registrar.agent.uri())
    bob.ua.register(now=net.now)
    bob.do()
    net.run(40)
    assert [event.expires for event in bob.of(sip.Registered)] == [60, 60]  # type: ignore[attr-defined]
    assert str(registrar.seen[0].contact[0].uri) == "sip:bob@192.0.2.2:5060;transport=udp"  # type: ignore[union-attr]
    bob.ua.close(now=net.now)
    bob.do()
    assert len(bob.of(sip.Unregistered)) == 1
    assert registrar.seen[-1].headers.get("Expires") == "0"
    net.run(300)
    assert len(registrar.seen) == 3


@pytest.mark.parametrize("first", [503, None])
def test_another_proxy_is_asked_when_one_does_not_serve(net: Network, first: int | None) -> None:
    one, two = Registrar(net, "one", first), Registrar(net, "two")
    bob = person(net, "bob", proxies=(one.agent.uri(), two.agent.uri()))
    bob.ua.register(now=net.now)
    bob.do()
    net.run(40)
    (failed,) = bob.of(sip.RegistrationFailed)
    assert isinstance(failed, sip.RegistrationFailed)
    assert failed.status == first
    assert len(bob.of(sip.Registered)) >= 1
    message = bob.ua.message("sip:carol@example.com", "hello", now=net.now)
    bob.do()
    assert [event.message for event in bob.of(sip.MessageDelivered)] == [message]  # type: ignore[attr-defined]
    assert two.seen[-1].method == "MESSAGE"  # what answered is used for everything else, too


def test_accounts_register_each_for_itself(net: Network) -> None:
    registrar = Registrar(net, "registrar", 403)
    agent = net.agent("home", core=False)
    accounts = [sip.Account(aor=f"sip:{name}@example.com", registrar=registrar.agent.uri()) for name in ("bob", "box")]
    ua = sip.UserAgent(agent.endpoint, sip.UserAgentConfig(accounts=accounts), entropy=sip.SeededEntropy(b"home"))
    home = Person(agent, agent.run_core(ua), Media("home"))
    ua.register(now=net.now)
    home.do()
    (failed,), (done,) = home.of(sip.RegistrationFailed), home.of(sip.Registered)
    assert isinstance(failed, sip.RegistrationFailed)
    assert isinstance(done, sip.Registered)
    assert (failed.account, done.account, failed.text) == (*accounts, "403 Forbidden")
    with pytest.raises(sip.LocalProtocolError, match="account must be one of"):
        ua.register(sip.Account(aor="sip:eve@example.com"), now=net.now)


@pytest.mark.parametrize(
    ("proxy", "contact"),
    [
        ("sip:192.0.2.9", "sip:bob@192.0.2.1:5060;transport=udp"),
        ("sip:192.0.2.9;transport=tcp", "sip:bob@192.0.2.1:5060;transport=tcp"),
        ("sip:192.0.2.9;transport=tls", "sip:bob@192.0.2.1:5060;transport=tls"),
    ],
)
def test_calls_come_by_the_transport_of_the_proxy(net: Network, proxy: str, contact: str) -> None:
    bob = person(net, "bob", proxies=proxy)
    (registration,) = bob.ua.registrations.values()
    assert str(registration.contact) == contact


# Messages and subscriptions


def test_a_message_is_read_and_its_sender_told(alice: Person, bob: Person) -> None:
    alice.ua.message(bob.agent.uri(), "grüß dich", now=alice.agent.net.now)
    alice.do()
    (read,) = bob.of(sip.MessageReceived)
    assert isinstance(read, sip.MessageReceived)
    assert (str(read.sender.uri), read.text) == ("sip:alice@example.com", "grüß dich")
    assert len(alice.of(sip.MessageDelivered)) == 1


def test_a_message_to_nobody_fails_with_a_reason(net: Network, alice: Person) -> None:
    alice.ua.message("sip:nobody@192.0.2.77;transport=tcp", "hello", now=net.now)
    alice.do()
    (failed,) = alice.of(sip.MessageFailed)
    assert isinstance(failed, sip.MessageFailed)
    assert failed.status is None
    assert "nobody listens there" in failed.text


def test_a_subscription_is_told_as_the_endpoint_tells_it(net: Network, alice: Person) -> None:
    desk = net.agent("desk")
    desk.on(
        sip.SubscribeReceived,
        lambda event: (
            desk.endpoint.accept_subscription(event.subscription, now=net.now),
            desk.endpoint.notify(event.subscription, body=b"here", content_type="text/plain", now=net.now),
        ),
    )
    subscription = alice.ua.subscribe(desk.uri(), event="presence", now=net.now)
    alice.do()
    assert [event.body for event in alice.of(sip.NotifyReceived)] == [b"here"]  # type: ignore[attr-defined]
    alice.ua.unsubscribe(subscription, now=net.now)
    alice.do()
    assert len(alice.of(sip.SubscriptionEnded)) == 1


# What our caller does wrong


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: sip.Account(aor="bob@example.com"), "aor must be a SIP URI such as sip:bob@example.com, not 'bob@"),
        (lambda: sip.Account(aor="sip:bob@example.com", proxies="192.0.2.1"), "proxies must be"),
        (lambda: sip.Account(aor="sip:bob@example.com", expires=0), "expires must be"),
        (lambda: sip.UserAgentConfig(accounts=()), "accounts must have"),
    ],
)
def test_settings_that_cannot_be_are_met_early(make: object, said: str) -> None:
    with pytest.raises(sip.LocalProtocolError, match=said):
        make()  # type: ignore[operator]


def test_commands_out_of_their_time_change_nothing(alice: Person, bob: Person) -> None:
    call = calling(alice, bob)
    for command in (call.hold, call.ring, lambda now: call.send_keys("1", now=now)):
        with pytest.raises(sip.LocalProtocolError):
            command(now=alice.agent.net.now)  # type: ignore[operator]
    with pytest.raises(sip.LocalProtocolError, match="target must be"):
        alice.ua.call("bob", media=alice.media, now=0.0)
    assert call.state is sip.CallState.ALERTING
