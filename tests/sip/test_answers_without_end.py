"""A peer whose answers make us send again, open state or hurry: bounded in number, in time and in pace."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sip import (
    Credentials,
    EndpointConfig,
    Flow,
    Request,
    RequestFailed,
    ResponseReceived,
    SessionAnswered,
    SessionEnded,
    SessionFailed,
    SessionRedirected,
    SubscribeReceived,
    SubscriptionEnded,
    SubscriptionFailed,
    SubscriptionId,
    SubscriptionRestarted,
    parse_message,
)
from sip.authentication.digest import MAX_CHALLENGED
from sip.testing.network import Agent, Network, raw_request

SDP = "application/sdp"
HERE = "Contact: <sip:evil@192.0.2.99:5060>"
TARGET = "sip:evil@192.0.2.99:5060"
Header = tuple[str, str]
Answer = Callable[[Request], tuple[int, list[str]] | None]


@pytest.fixture
def net() -> Network:
    return Network()


def with_credentials(net: Network, **more: object) -> Agent:
    config = EndpointConfig(credentials=lambda realm: Credentials("alice", "secret"), **more)  # type: ignore[arg-type]
    return net.agent("alice", config)


class Stranger:
    """Somebody at 192.0.2.99 who gives each request of an agent the answer that a function says."""

    def __init__(self, agent: Agent, answer: Answer) -> None:
        self.agent = agent
        self.answer = answer
        self._seen = 0
        self._tags = count()
        self._answered: set[str] = set()

    @property
    def flow(self) -> Flow:
        return self.agent.net.outside(self.agent)

    def run(self, seconds: float) -> None:
        """Let time pass and answer; a request that is sent again after its answer gets none."""
        net = self.agent.net
        end = net.now + seconds
        while True:
            self._react()
            if net.now >= end:
                return
            net.run(end - net.now, until=self._has_news)

    def _has_news(self) -> bool:
        self.agent.net.flush()
        return len(self.agent.net.log) > self._seen

    def _react(self) -> None:
        net = self.agent.net
        net.flush()
        while self._seen < len(net.log):
            sent = net.log[self._seen]
            self._seen += 1
            message = parse_message(sent.data)
            if not isinstance(message, Request) or message.method == "ACK":
                continue
            branch = f"{message.via[0].branch} {message.method}"
            if branch in self._answered:
                continue
            self._answered.add(branch)
            said = self.answer(message)
            if said is not None:
                net.inject(self.agent, self.written(message, *said), self.flow)
            assert len(self._answered) < 500, f"without end\n{net.ladder()[-3000:]}"

    def written(self, request: Request, status: int, lines: list[str], tag: str = "s") -> bytes:
        return reply(bytes(request), status, tag, *lines)

    def notify(self, request: Request, state: str) -> None:
        """Send a notification in the dialog of a SUBSCRIBE."""
        number = next(self._tags)
        data = raw_request(
            "NOTIFY",
            f"sip:alice@{self.agent.host}",
            via=f"SIP/2.0/UDP 192.0.2.99:5060;branch=z9hG4bKn{number};rport",
            from_="<sip:callee@example.com>;tag=s",
            to=str(request.from_),
            call_id=request.call_id,
            cseq=f"{number + 1} NOTIFY",
            extra=(HERE, "Event: presence", f"Subscription-State: {state}"),
        )
        self.agent.net.inject(self.agent, data, self.flow)


def reply(data: bytes, status: int, tag: str, *lines: str) -> bytes:
    head = [line for line in data.decode().split("\r\n") if line.startswith(("Via", "From", "Call-ID", "CSeq", "To:"))]
    head = [f"{line};tag={tag}" if line.startswith("To:") and ";tag=" not in line else line for line in head]
    return "\r\n".join([f"SIP/2.0 {status} X", *head, *lines, "Content-Length: 0", "", ""]).encode()


# Credentials

CHALLENGES: dict[str, Callable[[int], str]] = {
    "a realm of its own each time": lambda n: f'WWW-Authenticate: Digest realm="r{n}", nonce="n{n}"',
    "another proxy each time": lambda n: f'Proxy-Authenticate: Digest realm="r{n}", nonce="n{n}"',
    "a stale nonce each time": lambda n: f'WWW-Authenticate: Digest realm="r", nonce="n{n}", stale=true',
    "many realms each time": lambda n: "\r\n".join(
        f'WWW-Authenticate: Digest realm="r{n}.{each}", nonce="n"' for each in range(60)
    ),
    "two realms in turn, both stale": lambda n: f'WWW-Authenticate: Digest realm="r{n % 2}", nonce="n{n}", stale=true',
}


def challenging(kind: str, but: tuple[str, ...] = ()) -> Answer:
    """Answer every request with a challenge of a kind, and those of some methods, or without To tag, with 200."""
    numbers = count()

    def answer(request: Request) -> tuple[int, list[str]]:
        first = request.to.tag is None
        if request.method in but or ("first" in but and first):
            return 200, [HERE, "Expires: 3600", "Allow: INVITE, ACK, BYE, CANCEL, UPDATE"]
        challenge = CHALLENGES[kind](next(numbers))
        return 407 if challenge.startswith("Proxy") else 401, challenge.split("\r\n")

    return answer


def tried(net: Network, method: str) -> list[Request]:
    """The requests of a method without those that were only sent again."""
    return list({str(each.via[0].branch): each for each in net.requests(method)}.values())


@pytest.mark.parametrize("kind", CHALLENGES)
@pytest.mark.parametrize("method", ["INVITE", "MESSAGE", "REGISTER", "OPTIONS", "SUBSCRIBE", "REFER"])
def test_a_request_that_is_challenged_again_and_again_fails_after_a_few_tries(
    net: Network, kind: str, method: str
) -> None:
    alice = with_credentials(net)
    stranger = Stranger(alice, challenging(kind))
    who = {"from_": "<sip:alice@example.com>", "to": "<sip:callee@example.com>", "now": net.now}
    if method == "INVITE":
        alice.invite(TARGET)
    elif method == "SUBSCRIBE":
        alice.endpoint.subscribe("ua", TARGET, event="presence", **who)  # type: ignore[arg-type]
    elif method == "REFER":
        alice.endpoint.refer("ua", TARGET, refer_to="<sip:carol@example.com>", **who)  # type: ignore[arg-type]
    else:
        alice.ask(TARGET, method)
    stranger.run(60)
    requests = tried(net, method)
    assert 2 <= len(requests) <= 1 + MAX_CHALLENGED
    assert max(len(bytes(each)) for each in requests) < 10_000
    kinds = SessionFailed, ResponseReceived, SubscriptionFailed
    (response,) = [event.response for event in alice.events if isinstance(event, kinds)]
    assert response is not None
    assert response.status in (401, 407)
    assert alice.idle


@pytest.mark.parametrize("kind", CHALLENGES)
@pytest.mark.parametrize("method", ["INVITE", "UPDATE", "INFO", "BYE"])
def test_a_request_in_a_session_that_is_challenged_again_and_again_fails_after_a_few_tries(
    net: Network, kind: str, method: str
) -> None:
    alice = with_credentials(net)
    stranger = Stranger(alice, challenging(kind, ("first",)))
    session = alice.invite(TARGET)
    stranger.run(1)
    assert alice.one(SessionAnswered)
    before = len(tried(net, method))
    if method == "INVITE":
        alice.endpoint.reinvite(session, body=b"v=0", content_type=SDP, now=net.now)
    elif method == "BYE":
        alice.endpoint.bye(session, now=net.now)
    elif method == "UPDATE":
        alice.endpoint.update(session, now=net.now)
    else:
        alice.endpoint.request_in_session(session, method, now=net.now)
    stranger.run(40)
    assert 2 <= len(tried(net, method)) - before <= 1 + MAX_CHALLENGED
    assert len(alice.of(SessionEnded) if method == "BYE" else alice.of(ResponseReceived)) == 1


def test_a_refresh_of_a_subscription_that_is_challenged_again_and_again_is_given_up(net: Network) -> None:
    alice = with_credentials(net)
    stranger = Stranger(alice, challenging("a realm of its own each time", ("first",)))
    subscription = subscribe(alice)
    stranger.run(1)
    stranger.notify(net.requests("SUBSCRIBE")[0], "active;expires=3600")
    alice.endpoint.refresh(subscription, now=net.now)
    stranger.run(1.5)
    assert 3 <= len(tried(net, "SUBSCRIBE")) <= 2 + MAX_CHALLENGED


def test_a_notification_that_is_challenged_again_and_again_fails_once(net: Network) -> None:
    bob = net.agent("bob", EndpointConfig(credentials=lambda realm: Credentials("bob", "secret")))
    bob.on(SubscribeReceived, lambda e: bob.endpoint.accept_subscription(e.subscription, now=net.now))
    bob.on(SubscribeReceived, lambda e: bob.endpoint.notify(e.subscription, now=net.now))
    stranger = Stranger(bob, challenging("a realm of its own each time"))
    net.inject(bob, raw_request("SUBSCRIBE", extra=(HERE, "Event: presence", "Expires: 600")))
    stranger.run(20)
    assert 2 <= len(tried(net, "NOTIFY")) <= 1 + MAX_CHALLENGED


def test_servers_on_the_way_may_each_ask_once(net: Network) -> None:
    alice = with_credentials(net)
    ask = iter(
        [
            (407, ['Proxy-Authenticate: Digest realm="one", nonce="1"']),
            (407, ['Proxy-Authenticate: Digest realm="two", nonce="2"']),
            (401, ['WWW-Authenticate: Digest realm="callee", nonce="3"']),
        ]
    )
    stranger = Stranger(alice, lambda request: next(ask, (200, [HERE])))
    alice.invite(TARGET)
    stranger.run(1)
    assert alice.one(SessionAnswered)
    last = tried(net, "INVITE")[-1]
    assert (len(last.headers.get_all("Proxy-Authorization")), len(last.headers.get_all("Authorization"))) == (2, 1)


def test_an_invite_has_one_lifetime_however_often_it_is_refused(net: Network) -> None:
    alice = with_credentials(net, invite_lifetime=100.0)
    numbers = count()
    stranger = Stranger(alice, lambda request: None)
    alice.invite(TARGET)
    net.flush()
    for _ in range(3):  # each refusal takes its time, and comes after it has rung
        invite = tried(net, "INVITE")[-1]
        net.inject(alice, stranger.written(invite, 180, [HERE]), stranger.flow)
        net.run(60)
        challenge = f'WWW-Authenticate: Digest realm="r{next(numbers)}", nonce="n"'
        net.inject(alice, stranger.written(tried(net, "INVITE")[-1], 401, [challenge]), stranger.flow)
    net.run(200)
    assert len(alice.of(SessionFailed)) == 1
    assert all(each <= 100.0 for each in net.sent("INVITE"))
    assert alice.idle


def test_a_reinvite_has_one_lifetime_however_often_it_is_refused(net: Network) -> None:
    alice = with_credentials(net, invite_lifetime=100.0)
    stranger = Stranger(alice, lambda request: (200, [HERE]))
    session = alice.invite(TARGET)
    stranger.run(1)
    begun = net.now
    alice.endpoint.reinvite(session, body=b"v=0", content_type=SDP, now=net.now)
    for number in range(3):
        net.flush()
        invite = tried(net, "INVITE")[-1]
        net.inject(alice, stranger.written(invite, 180, [HERE]), stranger.flow)
        net.run(60)
        challenge = f'WWW-Authenticate: Digest realm="r{number}", nonce="n"'
        net.inject(alice, stranger.written(tried(net, "INVITE")[-1], 401, [challenge]), stranger.flow)
    net.run(200)
    assert max(net.sent("INVITE")) <= begun + 100.0
    assert len(net.sent("CANCEL")) >= 1
    assert len(alice.of(ResponseReceived)) + len(alice.of(RequestFailed)) == 1


def test_redirections_that_a_core_always_follows_come_to_an_end(net: Network) -> None:
    alice = net.agent("alice")
    alice.on(SessionRedirected, lambda e: alice.endpoint.redirect(e.session, e.targets[0], now=net.now))
    stranger = Stranger(alice, lambda request: (302, [HERE]))
    alice.invite(TARGET)
    stranger.run(60)
    assert alice.one(SessionFailed).status == 302
    assert len(tried(net, "INVITE")) <= 12
    assert alice.idle


# Forks


def test_2xx_beyond_the_limit_of_forks_are_dropped_and_others_are_served(net: Network) -> None:
    alice = net.agent("alice", EndpointConfig(max_transactions=100))
    alice.invite(TARGET)
    net.flush()
    invite = net.log[-1].data
    for number in range(150):
        answer = reply(invite, 200, f"t{number}", "Contact: <sip:victim@192.0.2.77:7>")
        net.inject(alice, answer, net.outside(alice))
    limit = EndpointConfig().max_forks
    assert len({each.to.tag for each in net.requests("ACK")}) == limit
    assert len(net.requests("BYE")) == limit - 1
    assert alice.endpoint.counters["dropped: too many 2xx of other dialogs to one INVITE"] == 150 - limit
    acks = len(net.requests("ACK"))
    net.inject(alice, reply(invite, 200, "t0", "Contact: <sip:victim@192.0.2.77:7>"), net.outside(alice))
    assert len(net.requests("ACK")) == acks + 1  # the one that won is acknowledged again
    alice.invite("sip:friend@192.0.2.50:5060")
    net.inject(alice, raw_request("OPTIONS", extra=()))
    assert net.responses(200, alice)
    assert alice.of(SessionFailed) == []


def test_reliable_provisionals_of_one_invite_do_not_use_up_what_others_need(net: Network) -> None:
    alice = net.agent("alice", EndpointConfig(max_transactions=100, reliable_provisionals=True))
    alice.invite(TARGET)
    net.flush()
    invite = net.log[-1].data
    for number in range(150):
        lines = ("Contact: <sip:victim@192.0.2.77:7>", "Require: 100rel", f"RSeq: {number + 1}")
        net.inject(alice, reply(invite, 183, "t", *lines), net.outside(alice))
    limit = EndpointConfig().max_forks
    assert len(tried(net, "PRACK")) == limit
    for prack in tried(net, "PRACK"):
        net.inject(alice, reply(bytes(prack), 200, "t"), net.outside(alice))
    lines = (HERE, "Require: 100rel", f"RSeq: {limit + 1}")
    net.inject(alice, reply(invite, 183, "t", *lines), net.outside(alice))
    assert len(tried(net, "PRACK")) == limit + 1


def forking_site(net: Network) -> tuple[Agent, list[bytes]]:
    """A proxy, and the INVITEs that it sent to two devices of the callee."""
    from sip import Proxy, ProxyConfig, Registrar, RegistrarConfig, SeededEntropy

    site = net.agent("site", core=False)
    domains = ("example.com",)
    registrar = site.run_core(
        Registrar(site.endpoint, RegistrarConfig(domains=domains), entropy=SeededEntropy(b"registrar"))
    )
    config = ProxyConfig(domains=domains, trusted=("192.0.2.0/24",))
    site.run_core(Proxy(site.endpoint, config, entropy=SeededEntropy(b"proxy"), location=registrar.lookup))
    for number in (81, 82):
        register = raw_request(
            "REGISTER",
            "sip:example.com",
            via=f"SIP/2.0/UDP 192.0.2.99:5060;branch=z9hG4bKr{number};rport",
            from_="<sip:bob@example.com>;tag=1",
            to="<sip:bob@example.com>",
            call_id=f"r{number}",
            extra=(f"Contact: <sip:bob@192.0.2.{number}>",),
        )
        net.inject(site, register)
    net.inject(site, raw_request("INVITE", "sip:bob@example.com", to="<sip:bob@example.com>"))
    invites = [each.data for each in net.log if each.data.startswith(b"INVITE")]
    assert len(invites) == 2
    for invite in invites:
        net.inject(site, reply(invite, 180, "ringing"), net.outside(site))
    return site, invites


def cancels_of(net: Network, invite: bytes) -> int:
    request = parse_message(invite)
    assert isinstance(request, Request)
    return len([each for each in net.requests("CANCEL") if each.via[0].branch == request.via[0].branch])


def test_a_proxy_cancels_the_other_branch_once_for_all_2xx_of_one(net: Network) -> None:
    site, (one, other) = forking_site(net)
    for number in range(5):
        net.inject(site, reply(one, 200, f"t{number}", HERE), net.outside(site))
    assert (cancels_of(net, one), cancels_of(net, other)) == (0, 1)
    assert {each.to.tag for each in net.responses(200, site) if each.cseq.method == "INVITE"} == {
        f"t{number}" for number in range(5)
    }


def test_a_proxy_cancels_each_branch_once_for_the_caller_and_a_603(net: Network) -> None:
    site, (one, other) = forking_site(net)
    net.inject(site, raw_request("CANCEL", "sip:bob@example.com", to="<sip:bob@example.com>", extra=()))
    net.inject(site, reply(one, 603, "t"), net.outside(site))
    assert (cancels_of(net, one), cancels_of(net, other)) == (1, 1)
    for each in net.requests("CANCEL"):
        net.inject(site, reply(bytes(each), 200, "t"), net.outside(site))
    net.inject(site, reply(other, 487, "t"), net.outside(site))
    net.run(200)
    assert net.responses(603, site)
    assert (cancels_of(net, one), cancels_of(net, other)) == (1, 1)
    assert site.endpoint.sizes["transactions"] == 0


def test_a_proxy_passes_a_bounded_number_of_2xx_of_one_branch_back(net: Network) -> None:
    site, (one, other) = forking_site(net)
    for number in range(100):
        net.inject(site, reply(one, 200, f"t{number}", HERE), net.outside(site))
    net.inject(site, reply(other, 200, "late", HERE), net.outside(site))
    for _ in range(3):
        net.inject(site, reply(one, 200, "t0", HERE), net.outside(site))
    passed = [each.to.tag for each in net.responses(200, site) if each.cseq.method == "INVITE"]
    assert len(set(passed)) == 16 + 1
    assert "late" in passed
    assert passed.count("t0") == 4  # repetitions go on: the ACK of the caller may be lost


# CANCEL


def cancel(number: int, host: str = "192.0.2.99") -> bytes:
    return raw_request("CANCEL", via=f"SIP/2.0/UDP {host}:5060;branch=z9hG4bK{number};rport", extra=())


def test_cancels_for_nothing_are_answered_and_leave_nothing(net: Network) -> None:
    bob = net.agent("bob", EndpointConfig(max_transactions=100))
    for number in range(500):
        net.inject(bob, cancel(number))
    assert bob.idle
    answers = net.responses(481, bob)
    assert len(answers) == 500
    net.inject(bob, cancel(7))
    assert net.responses(481, bob)[-1].to.tag == answers[7].to.tag  # a repetition gets the same answer
    net.inject(bob, raw_request("OPTIONS", extra=()))
    assert net.responses(200, bob)


def test_cancels_that_match_are_within_the_limit_and_cancel_beyond_it(net: Network) -> None:
    bob = net.agent("bob", EndpointConfig(max_transactions=10))
    for number in range(10):
        invite = raw_request(
            "INVITE",
            via=f"SIP/2.0/UDP 192.0.2.99:5060;branch=z9hG4bK{number};rport",
            call_id=f"call-{number}",
        )
        net.inject(bob, invite)
    assert bob.endpoint.sizes["transactions"] == 10
    for number in range(10):
        net.inject(bob, cancel(number))
        net.inject(bob, cancel(number))
    assert bob.endpoint.sizes["transactions"] == 10
    assert len({each.to.tag for each in net.responses(487, bob)}) == 10
    answers = [each for each in net.responses(200, bob) if each.cseq.method == "CANCEL"]
    assert {each.to.tag for each in answers} == {each.to.tag for each in net.responses(487, bob)}
    net.run(80)
    assert bob.idle


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(["INVITE", "CANCEL", "OPTIONS", "MESSAGE", "SUBSCRIBE"]), st.integers(0, 30)))
)
def test_no_order_of_requests_of_strangers_exceeds_the_limit(requests: list[tuple[str, int]]) -> None:
    net = Network()
    bob = net.agent("bob", EndpointConfig(max_transactions=5))
    for method, number in requests:
        via = f"SIP/2.0/UDP 192.0.2.99:5060;branch=z9hG4bK{number};rport"
        extra = (HERE, "Event: presence") if method == "SUBSCRIBE" else (HERE,)
        net.inject(bob, raw_request(method, via=via, call_id=f"c{number}", extra=extra))
        assert bob.endpoint.sizes["transactions"] <= 5


# Pace


def pace(times: list[float]) -> list[float]:
    return [later - earlier for earlier, later in pairwise(times)]


@pytest.mark.parametrize("expires", [0, 1, 2, 30, 89])
@pytest.mark.parametrize("method", ["UPDATE", "INVITE"])
def test_a_session_interval_below_the_floor_is_not_believed(net: Network, expires: int, method: str) -> None:
    alice = net.agent("alice")
    allow = "Allow: INVITE, ACK, BYE, CANCEL" + (", UPDATE" if method == "UPDATE" else "")
    lines = [HERE, allow, "Require: timer", f"Session-Expires: {expires};refresher=uac"]
    stranger = Stranger(alice, lambda request: (200, lines))
    alice.invite(TARGET, session_expires=600)
    stranger.run(300)
    waits = pace(sorted(set(net.sent(method)) | {0.0}))
    assert len(waits) >= 2
    assert min(waits) >= 44
    assert alice.of(SessionEnded) == []


def test_a_session_that_the_other_side_refreshes_lasts_as_long_as_the_floor(net: Network) -> None:
    alice = net.agent("alice")
    lines = [HERE, "Require: timer", "Session-Expires: 1;refresher=uas"]
    stranger = Stranger(alice, lambda request: (200, lines))
    alice.invite(TARGET, session_expires=600)
    stranger.run(50)
    assert alice.of(SessionEnded) == []
    stranger.run(50)
    assert alice.one(SessionEnded)


def subscribe(alice: Agent) -> SubscriptionId:
    return alice.endpoint.subscribe(
        "ua",
        TARGET,
        event="presence",
        from_="<sip:alice@example.com>",
        to="<sip:callee@example.com>",
        expires=600,
        now=alice.net.now,
    )


@pytest.mark.parametrize("granted", ["0", "1", "5", "600"])
@pytest.mark.parametrize("state", ["active;expires=1", "active;expires=0", "active", "pending;expires=2"])
def test_a_subscription_is_not_refreshed_without_pause(net: Network, granted: str, state: str) -> None:
    alice = net.agent("alice")
    stranger: Stranger

    def answer(request: Request) -> tuple[int, list[str]]:
        net.inject(alice, stranger.written(request, 200, [HERE, f"Expires: {granted}"]), stranger.flow)
        stranger.notify(request, state)
        return 200, [HERE, f"Expires: {granted}"]

    stranger = Stranger(alice, answer)
    subscribe(alice)
    stranger.run(300)
    waits = pace(sorted(set(net.sent("SUBSCRIBE"))))
    assert all(wait >= 15 for wait in waits)
    if "expires" in state and not state.endswith("=0"):
        assert waits


def test_a_notifier_that_takes_late_for_never_is_subscribed_to_anew_at_that_pace(net: Network) -> None:
    alice = net.agent("alice")
    stranger: Stranger

    def answer(request: Request) -> tuple[int, list[str]]:
        if request.to.tag is not None:
            return 481, []
        net.inject(alice, stranger.written(request, 200, [HERE, "Expires: 1"]), stranger.flow)
        stranger.notify(request, "active;expires=1")
        return 200, [HERE, "Expires: 1"]

    stranger = Stranger(alice, answer)
    subscribe(alice)
    stranger.run(100)
    assert 3 <= len(alice.of(SubscriptionRestarted)) <= 100 / 15
    assert len(tried(net, "SUBSCRIBE")) <= 1 + 2 * 100 / 15
    assert alice.of(SubscriptionEnded) == []


@pytest.mark.parametrize("first", [True, False])
def test_a_notifier_that_demands_to_be_asked_for_years_is_refused(net: Network, first: bool) -> None:
    alice = net.agent("alice")

    def answer(request: Request) -> tuple[int, list[str]]:
        if first or request.to.tag is not None:
            return 423, ["Min-Expires: 4294967295"]
        return 200, [HERE, "Expires: 100"]

    stranger = Stranger(alice, answer)
    subscription = subscribe(alice)
    stranger.run(1)
    if not first:
        stranger.notify(net.requests("SUBSCRIBE")[0], "active;expires=100")
        alice.endpoint.refresh(subscription, now=net.now)
    stranger.run(200)
    assert all((each.expires or 0) <= 86_400 for each in net.requests("SUBSCRIBE"))
    assert len(alice.of(SubscriptionFailed) if first else alice.of(SubscriptionEnded)) == 1
    assert alice.idle


@pytest.mark.parametrize(
    "demand",
    [
        *("Flow-Timer: 0", "Flow-Timer: 1", "Flow-Timer: 3"),
        *("ms-keep-alive: UAS; hop-hop=yes; timeout=0", "ms-keep-alive: UAS; hop-hop=yes; timeout=1"),
    ],
)
def test_a_server_is_not_pinged_without_pause(net: Network, demand: str) -> None:
    phone = net.agent("phone", EndpointConfig(keep_alive=True))
    contact = f"<sip:phone@{phone.host}>"
    stranger = Stranger(phone, lambda request: (200, [f"Contact: {contact};expires=3600", demand]))
    phone.ask(TARGET, "REGISTER", headers=[("Contact", contact)])
    net.flush()
    request = net.requests("REGISTER")[0]
    net.inject(phone, stranger.written(request, 200, [f"Contact: {contact};expires=3600", demand]), stranger.flow)
    net.run(200)
    pings = [each.at for each in net.log if each.data == b"\r\n\r\n"]
    assert len(pings) >= 1
    assert all(wait >= 7.9 for wait in pace(pings))


def test_look_ups_for_messages_without_transaction_have_a_limit(net: Network) -> None:
    bob = net.agent("bob", EndpointConfig(max_transactions=10), core=False)
    bob.add_core(transparent=True)
    for number in range(100):
        ack = parse_message(raw_request("ACK", f"sip:x@host{number}.example.com", extra=()))
        assert isinstance(ack, Request)
        bob.endpoint.forward_stateless(ack, now=net.now)
    assert len(bob.endpoint.take_events()) <= 10
    assert bob.endpoint.counters["refused: too many wait for look-ups and connections"] == 90
