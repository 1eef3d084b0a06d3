"""One source that takes all it can get: it is refused, and everybody else is served."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sip import (
    Address,
    Authenticator,
    AuthenticatorConfig,
    Credentials,
    DigestClient,
    EndpointConfig,
    Flow,
    FlowLost,
    InviteReceived,
    Networks,
    PasswordStore,
    Registrar,
    RegistrarConfig,
    Request,
    Response,
    SeededEntropy,
    Shares,
    SubscribeReceived,
    TokenBuckets,
    parse_message,
    source_of,
)
from sip.testing.network import Agent, Network, raw_request

GREEDY, MODEST = "198.51.100.1", "198.51.100.2"


class Bench:
    """A server, and what it says to whom."""

    def __init__(self, *, core: bool = True, **limits: int) -> None:
        self.net = Network(trusted=())
        self.server = self.net.agent("server", EndpointConfig(**limits), core=core)  # type: ignore[arg-type]
        self.at_rest = self.server.endpoint.sizes

    def flow(self, host: str, transport: str = "TCP", port: int = 5060) -> Flow:
        return self.net.flow(transport, Address(self.server.host, 5060), Address(host, port))

    def ask(self, method: str, host: str, number: int, *extra: str, uri: str = "sip:bob@192.0.2.1") -> str:
        """Send one request, and return the status and Retry-After of what was answered at once."""
        via = f"SIP/2.0/TCP {host};branch=z9hG4bK{method}{number}"
        before = len(self.net.log)
        data = raw_request(method, uri, via=via, call_id=f"{host}{number}", extra=extra or (f"Contact: <sip:{host}>",))
        self.net.inject(self.server, data, self.flow(host))
        answers = [each.data.decode() for each in self.net.log[before:]]
        final = [each for each in answers if not each.startswith("SIP/2.0 1")]
        if not final:
            return "open"
        return final[0].split(" ")[1] + (" later" if "Retry-After" in final[0] else "")


def test_invites_that_wait_for_an_answer() -> None:
    bench = Bench(max_invites_per_source=3)
    assert [bench.ask("INVITE", GREEDY, n) for n in range(5)] == ["open"] * 3 + ["503 later"] * 2
    assert bench.ask("INVITE", MODEST, 1) == "open"
    bench.server.endpoint.reject(bench.server.of(InviteReceived)[0].session, 486, now=bench.net.now)
    bench.net.flush()
    assert bench.ask("INVITE", GREEDY, 7) == "open"
    bench.net.run(800)
    assert bench.server.endpoint.sizes == bench.at_rest


def test_requests_that_are_open_or_linger() -> None:
    bench = Bench(max_transactions_per_source=4)
    assert [bench.ask("MESSAGE", GREEDY, n) for n in range(6)] == ["open"] * 4 + ["503 later"] * 2
    assert bench.ask("MESSAGE", MODEST, 1) == "open"
    bench.net.run(100)
    assert bench.ask("MESSAGE", GREEDY, 9) == "open"


@pytest.mark.parametrize(
    ("method", "limit"), [("MESSAGE", "max_transactions_per_source"), ("INVITE", "max_invites_per_source")]
)
def test_datagrams_in_the_name_of_a_source_take_nothing_from_its_connections(method: str, limit: str) -> None:
    bench = Bench(**{limit: 4})
    for number in range(6):
        via = f"SIP/2.0/UDP {GREEDY};branch=z9hG4bKforged{number}"
        data = raw_request(method, via=via, call_id=f"forged{number}", extra=(f"Contact: <sip:{GREEDY}>",))
        bench.net.inject(bench.server, data, bench.flow(GREEDY, "UDP"))
    assert bench.server.endpoint.counters["refused: too many transactions of one source"] == 2
    assert [bench.ask(method, GREEDY, n) for n in range(5)] == ["open"] * 4 + ["503 later"]


class Asked:
    """A server whose users have passwords, and a phone over UDP in whose name somebody else sends, too."""

    def __init__(self, **limits: int) -> None:
        config = AuthenticatorConfig(domains=("example.com",))
        store = PasswordStore({"bob": "zanzibar"})
        self.authenticator = Authenticator(config, store, key=b"key", entropy=SeededEntropy(b"a"))
        self.net = Network(trusted=())
        settings = EndpointConfig(recognises=self.authenticator.recognises, **limits)  # type: ignore[arg-type]
        self.server = self.net.agent("server", settings, core=False)
        self.server.run_core(
            Registrar(
                self.server.endpoint,
                RegistrarConfig(domains=("example.com",)),
                entropy=SeededEntropy(b"r"),
                authenticator=self.authenticator,
            )
        )
        self.flow = self.net.flow("UDP", Address(self.server.host, 5060), Address(GREEDY, 5060))
        self.number = 0

    def ask(self, *headers: str) -> Response:
        """The answer to a REGISTER in the phone's name."""
        self.number += 1
        data = raw_request(
            "REGISTER",
            "sip:example.com",
            via=f"SIP/2.0/UDP {GREEDY};branch=z9hG4bKr{self.number}",
            from_="<sip:bob@example.com>;tag=1",
            to="<sip:bob@example.com>",
            call_id="phone",
            cseq=f"{self.number} REGISTER",
            extra=(f"Contact: <sip:bob@{GREEDY}>", *headers),
        )
        self.net.inject(self.server, data, self.flow)
        answer = parse_message(self.net.log[-1].data)
        assert isinstance(answer, Response)
        return answer

    def proof(self, challenge: Response) -> str:
        credentials = Credentials("bob", "zanzibar")
        client = DigestClient(lambda realm: credentials, entropy=SeededEntropy(b"c%d" % self.number))
        ((name, value),) = client.answer(challenge, Request.build("REGISTER", "sip:example.com"))
        return f"{name}: {value}"


@pytest.mark.parametrize("age", [0.0, 3_600.0])
def test_a_phone_that_shows_a_challenge_of_ours_is_heard_whatever_is_sent_in_its_name(age: float) -> None:
    asked = Asked(max_transactions_per_source=4)
    challenge = asked.ask()
    assert challenge.status == 401
    asked.net.run(60.0 + age)
    assert [asked.ask().status for _ in range(6)] == [401] * 4 + [503] * 2
    invented = asked.proof(challenge).replace('nonce="', 'nonce="A')
    assert asked.ask(invented).status == 503
    answer = asked.ask(asked.proof(challenge))
    if age:  # old, and told so: with the new one he is in
        assert (answer.status, "stale=true" in answer.headers.get("WWW-Authenticate", "")) == (401, True)
        answer = asked.ask(asked.proof(answer))
    assert answer.status == 200
    # That share has an end, too.
    assert {asked.ask(asked.proof(challenge)).status for _ in range(4)} == {401, 503}
    assert asked.server.endpoint.counters["refused: too many transactions of one source"] >= 4


def test_so_is_a_phone_in_its_dialog() -> None:
    bench = Bench(max_transactions_per_source=3)
    bench.server.on(InviteReceived, lambda e: bench.server.endpoint.accept(e.session, now=bench.net.now))
    flow = bench.flow(GREEDY, "UDP")

    def ask(method: str, number: int, to: str) -> Response | None:
        via = f"SIP/2.0/UDP {GREEDY};branch=z9hG4bK{method}{number}"
        sent = {"via": via, "call_id": "c", "cseq": f"{number} {method}", "to": to}
        before = len(bench.net.log)
        bench.net.inject(bench.server, raw_request(method, extra=(f"Contact: <sip:{GREEDY}>",), **sent), flow)
        found = [parse_message(each.data) for each in bench.net.log[before:]]
        finals = [each for each in found if isinstance(each, Response) and each.status >= 200]
        return finals[0] if finals else None

    invited = ask("INVITE", 1, "<sip:bob@192.0.2.1>")
    assert invited is not None
    to = str(invited.to)
    ask("ACK", 1, to)
    forged = [ask("OPTIONS", n, f"<sip:bob@192.0.2.1>;tag=guess{n}") for n in range(2, 8)]
    assert [each.status for each in forged if each is not None][-1] == 503
    over = ask("BYE", 9, to)
    assert over is not None
    assert over.status == 200


def test_calls_that_go_on_over_udp_take_none_of_those_over_tcp() -> None:
    bench = Bench(max_sessions_per_source=2)
    bench.server.on(InviteReceived, lambda e: bench.server.endpoint.accept(e.session, now=bench.net.now))
    for number in range(4):
        via = f"SIP/2.0/UDP {GREEDY};branch=z9hG4bKforged{number}"
        data = raw_request("INVITE", via=via, call_id=f"forged{number}", extra=(f"Contact: <sip:{GREEDY}>",))
        bench.net.inject(bench.server, data, bench.flow(GREEDY, "UDP"))
    assert [bench.ask("INVITE", GREEDY, n) for n in range(3)] == ["200", "200", "503 later"]
    bench.net.run(300)
    assert bench.server.endpoint.sizes == bench.at_rest


def test_calls_that_go_on() -> None:
    bench = Bench(max_sessions_per_source=2)
    bench.server.on(InviteReceived, lambda e: bench.server.endpoint.accept(e.session, now=bench.net.now))
    assert [bench.ask("INVITE", GREEDY, n) for n in range(3)] == ["200", "200", "503 later"]
    assert bench.ask("INVITE", MODEST, 1) == "200"
    bench.net.run(100)  # nobody acknowledges
    assert bench.ask("INVITE", GREEDY, 8) == "200"
    bench.net.run(200)
    assert bench.server.endpoint.sizes == bench.at_rest


def test_subscriptions() -> None:
    bench = Bench(max_subscriptions_per_source=2)
    bench.server.on(
        SubscribeReceived, lambda e: bench.server.endpoint.accept_subscription(e.subscription, now=bench.net.now)
    )
    lines = ("Event: presence", "Expires: 60", "Contact: <sip:a@198.51.100.1>")
    assert [bench.ask("SUBSCRIBE", GREEDY, n, *lines) for n in range(3)] == ["200", "200", "503 later"]
    assert bench.ask("SUBSCRIBE", MODEST, 1, *lines) == "200"
    bench.net.run(200)
    assert bench.ask("SUBSCRIBE", GREEDY, 9, *lines) == "200"


def test_octets_of_messages_that_never_end() -> None:
    bench = Bench(max_unfinished_per_source=100_000)
    head = raw_request("MESSAGE").replace(b"Content-Length: 0", b"Content-Length: 900000")

    def begin(host: str, port: int, size: int = 40_000) -> bool:
        flow = bench.flow(host, port=port)
        bench.net.inject(bench.server, head + b"x" * size, flow)
        return flow not in [each.flow for each in bench.server.of(FlowLost)]

    assert [begin(GREEDY, 6000 + n) for n in range(5)] == [True, True, False, False, False]
    assert begin(MODEST, 6000)
    for number in range(2):
        bench.server.endpoint.flow_closed(bench.flow(GREEDY, port=6000 + number), now=bench.net.now)
    assert begin(GREEDY, 7000, 80_000)


def test_what_waits_for_a_connection_that_takes_nothing() -> None:
    bench = Bench(max_blocked_octets=2_000)
    flow = bench.flow(GREEDY)
    bench.net.inject(bench.server, b"\r\n\r\n", flow)
    bench.server.endpoint.flow_blocked(flow)
    for number in range(50):
        bench.ask("OPTIONS", GREEDY, number)
    bench.net.run(1)
    assert bench.server.one(FlowLost).flow == flow


@pytest.fixture
def registrar() -> tuple[Bench, Registrar]:
    bench = Bench(core=False)
    config = RegistrarConfig(domains=("example.com",), max_users_per_source=3, max_bindings_per_source=5)
    made = Registrar(bench.server.endpoint, config, entropy=SeededEntropy(b"registrar"))
    return bench, bench.server.run_core(made)


def register(bench: Bench, host: str, user: str, number: int, contacts: int = 1, expires: int = 600) -> str:
    lines = [f"Contact: <sip:{user}@{host}:{6000 + n}>" for n in range(contacts)]
    request = raw_request(
        "REGISTER",
        "sip:example.com",
        via=f"SIP/2.0/TCP {host};branch=z9hG4bK{number}",
        to=f"<sip:{user}@example.com>",
        call_id=f"{host}{user}",
        cseq=f"{number} REGISTER",
        extra=(*lines, f"Expires: {expires}"),
    )
    bench.net.inject(bench.server, request, bench.flow(host))
    answer = bench.net.log[-1].data.decode()
    return answer.split(" ")[1] + (" later" if "Retry-After" in answer else "")


def test_users_that_a_source_registers(registrar: tuple[Bench, Registrar]) -> None:
    bench, core = registrar
    assert [register(bench, GREEDY, f"u{n}", n + 1) for n in range(5)] == ["200"] * 3 + ["503 later"] * 2
    assert register(bench, MODEST, "alice", 1) == "200"
    assert register(bench, GREEDY, "u0", 8) == "200"  # who is there may stay
    assert register(bench, GREEDY, "u1", 9, expires=0) == "200"
    assert register(bench, GREEDY, "u5", 10) == "200"
    bench.net.run(1_000)
    assert not len(core._shares)


def test_bindings_that_a_source_makes(registrar: tuple[Bench, Registrar]) -> None:
    bench, core = registrar
    assert register(bench, GREEDY, "u0", 1, contacts=4) == "200"
    assert register(bench, GREEDY, "u1", 2, contacts=2) == "503 later"
    assert register(bench, GREEDY, "u1", 3, contacts=1) == "200"
    assert register(bench, MODEST, "u1", 4, contacts=5) == "200"
    assert len(core.lookup("sip:u1@example.com")) == 6


@pytest.mark.parametrize("network", ["198.51.100.0/24", "198.51.100.1/32"])
def test_who_is_trusted_has_no_limit_of_a_source(network: str) -> None:
    bench = Bench()
    config = EndpointConfig(trusted_networks=(network,), max_invites_per_source=1)
    bench.server = Agent(bench.net, "trusting", "192.0.2.9", config)
    bench.server.add_core()
    bench.net.join(bench.server)
    assert [bench.ask("INVITE", GREEDY, n) for n in range(5)] == ["open"] * 5


# What counts as one source --------------------------------------------------------------------------------------------


def test_an_ipv6_site_is_one_source() -> None:
    assert source_of("2001:db8::1") == source_of("2001:db8::ffff:1") == "2001:db8::/64"
    assert source_of("2001:db8:0:1::1") != source_of("2001:db8::1")
    assert source_of("fe80::1%eth0") == source_of("fe80::2")
    assert source_of("::ffff:192.0.2.1") == source_of("192.0.2.1") == "192.0.2.1"
    assert source_of("::1") == "::1"
    assert source_of("a name") == "a name"


def test_networks_hold_addresses_and_whole_sources() -> None:
    networks = Networks(("192.0.2.0/24", "2001:db8::/32", "::1/128"))
    for host in ("192.0.2.7", "2001:db8:5::1", "::1", "::ffff:192.0.2.1"):
        assert host in networks
        assert networks.holds(source_of(host))
    for other in ("198.51.100.1", "2001:db9::1", "x", 7):
        assert other not in networks
    assert not Networks(("2001:db8::1/128",)).holds(source_of("2001:db8::1"))  # others share the /64
    with pytest.raises(ValueError, match="host bits"):
        Networks(("192.0.2.1/24",))


@given(st.lists(st.tuples(st.booleans(), st.sampled_from("abc"), st.integers(1, 3))), st.integers(1, 6))
def test_shares_are_what_was_taken_and_not_given_back(steps: list[tuple[bool, str, int]], most: int) -> None:
    shares, held = Shares(most, exempt=lambda holder: holder == "c"), dict.fromkeys("abc", 0)
    for takes, holder, amount in steps:
        if takes:
            fits = held[holder] + amount <= most or holder == "c"
            assert shares.take(holder, amount) is fits
            held[holder] += amount if fits else 0
        else:
            shares.give_back(holder, amount)
            held[holder] = max(0, held[holder] - amount)
        assert {each: shares[each] for each in held} == held
        assert len(shares) == sum(1 for each in held.values() if each)


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 6),
    st.floats(1.0, 600.0),
    st.lists(st.tuples(st.sampled_from("abc"), st.floats(0.0, 50.0), st.floats(0.0, 8.0)), max_size=60),
)
def test_whatever_the_pace_no_more_is_done_than_twice_the_limit_in_a_window(
    most: int, window: float, steps: list[tuple[str, float, float]]
) -> None:
    buckets, now = TokenBuckets(rate=most / window, burst=most, limit=10), 0.0
    done: dict[str, list[float]] = {}
    for key, pause, counted_elsewhere in steps:
        now += pause
        left = buckets.left(key, now=now)
        buckets.leave(key, most - counted_elsewhere, now=now)
        assert buckets.left(key, now=now) == pytest.approx(max(0.0, min(left, most - counted_elsewhere)))
        wait = buckets.wait(key, now=now)
        if buckets.take(key, now=now):
            assert wait == 0.0
            done.setdefault(key, []).append(now)
        else:
            assert buckets.left(key, now=now + wait) == pytest.approx(1.0, abs=1e-6)
    for times in done.values():
        for at in times:
            assert sum(at - window < one <= at for one in times) <= 2 * most


def test_who_was_quiet_for_longest_is_forgotten_first() -> None:
    buckets = TokenBuckets(rate=0.01, burst=1, limit=2)
    for key in ("a", "b", "c"):
        buckets.leave(key, 0.0, now=0.0)
    assert len(buckets) == 2
    assert [buckets.wait(key, now=0.0) > 0 for key in ("a", "b", "c")] == [False, True, True]


def test_rates_of_sources_do_not_touch_each_other() -> None:
    buckets = TokenBuckets(rate=1.0, burst=2, limit=10)
    assert [buckets.take("a", now=0.0) for _ in range(3)] == [True, True, False]
    assert buckets.take("b", now=0.0)
