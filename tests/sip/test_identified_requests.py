"""Registrar and proxy with one authenticator: who gets in, what goes on, and answers that come later."""

from __future__ import annotations

import attrs
import pytest

from sip import (
    Address,
    Authenticator,
    AuthenticatorConfig,
    ConnectWanted,
    Credentials,
    CredentialStore,
    Destination,
    DigestClient,
    Endpoint,
    EndpointConfig,
    Event,
    Flow,
    IdentificationPending,
    Identified,
    Listen,
    LocalProtocolError,
    PasswordStore,
    Pending,
    Proxy,
    ProxyConfig,
    Pump,
    Refused,
    Registrar,
    RegistrarConfig,
    Request,
    ResolveWanted,
    Response,
    SeededEntropy,
    digest_secret,
    parse_message,
)

HERE = "192.0.2.10"
BOBS, EVES, STRANGERS, TRUSTED = "198.51.100.2", "198.51.100.3", "203.0.113.5", "10.0.0.7"
PARTNER = "203.0.113.77"  #: where all names lead
PASSWORDS = {"bob": "zanzibar", "eve": "secret", "carol": "geheim"}


class Slow:
    """A store that has to ask elsewhere."""

    def __init__(self) -> None:
        self.asked = 0

    def secret(self, username: str, realm: str, algorithm: str) -> Pending:
        self.asked += 1
        return Pending(f"question {self.asked}")


class Town:
    """A registrar and a proxy for example.com at HERE, and a network that only records."""

    def __init__(
        self,
        store: CredentialStore | None = None,
        *,
        relay_to: tuple[str, ...] = (),
        proxy: ProxyConfig | None = None,
        **more: object,
    ) -> None:
        entropy = SeededEntropy(b"town")
        listen = (Listen("UDP", HERE, 5060), Listen("TCP", HERE, 5060))
        self.endpoint = Endpoint(EndpointConfig(listen=listen), entropy=entropy)
        config = AuthenticatorConfig(domains=("example.com",), **more)  # type: ignore[arg-type]
        self.authenticator = Authenticator(config, store or PasswordStore(PASSWORDS), key=b"key", entropy=entropy)
        self.registrar = Registrar(
            self.endpoint,
            RegistrarConfig(domains=("example.com",)),
            entropy=entropy,
            authenticator=self.authenticator,
        )
        self.proxy = Proxy(
            self.endpoint,
            attrs.evolve(proxy or ProxyConfig(), domains=("example.com",), trusted=("0.0.0.0/0",), relay_to=relay_to),
            entropy=entropy,
            location=self.registrar.lookup,
            bound=self.registrar.at,
            authenticator=self.authenticator,
        )
        self.pump = Pump(self.endpoint, [self.registrar, self.proxy])
        self.events: list[Event] = []
        self.now = 0.0
        self.flows: dict[str, Flow] = {}
        self._sent: list[tuple[str, Request | Response]] = []
        self._cseq = 0

    def flow(self, host: str) -> Flow:
        return self.flows.setdefault(host, Flow(len(self.flows) + 1, "UDP", Address(HERE, 5060), Address(host, 5060)))

    def receive(self, message: Request | Response, host: str) -> None:
        self.handle(self.pump.receive_data(bytes(message), flow=self.flow(host), now=self.now))

    def handle(self, events: list[Event]) -> None:
        waiting = list(events)
        while waiting:
            event = waiting.pop(0)
            if isinstance(event, ConnectWanted):
                flow = self.flow(event.destination.host)
                waiting += self.pump.settle(self.endpoint.flow_opened(event.id, flow, now=self.now), now=self.now)
            elif isinstance(event, ResolveWanted):
                place = Destination(event.transport or "UDP", PARTNER, 5061, event.host)
                waiting += self.pump.settle(self.endpoint.resolved(event.id, [place], now=self.now), now=self.now)
            else:
                self.events.append(event)
        self._sent += [(out.flow.remote.host, parse_message(out.data)) for out in self.pump.data_to_send()]

    def settle(self) -> None:
        """Collect what a command caused."""
        self.handle(self.pump.settle(now=self.now))

    def advance(self, seconds: float) -> None:
        end = self.now + seconds
        while (due := self.pump.next_timeout()) is not None and due <= end:
            self.now = max(self.now, due)
            self.handle(self.pump.handle_timeout(now=self.now))
        self.now = end

    def sent(self, host: str) -> list[Request | Response]:
        """What was sent to a host since the last call, without 100."""
        found = [message for to, message in self._sent if to == host]
        self._sent = [each for each in self._sent if each[0] != host]
        return [each for each in found if not (isinstance(each, Response) and each.status == 100)]

    def answer(self, request: Request, host: str) -> Response:
        """The answer to a request."""
        self.receive(request, host)
        (response,) = self.sent(host)
        assert isinstance(response, Response)
        return response

    def request(
        self,
        method: str,
        uri: str,
        host: str,
        from_: str = "<sip:bob@example.com>",
        *,
        to: str | None = None,
        headers: tuple[tuple[str, str], ...] = (),
    ) -> Request:
        self._cseq += 1
        contact = () if method == "ACK" else (("Contact", f"<sip:phone@{host}>"),)
        return Request.build(
            method,
            uri,
            [
                ("Via", f"SIP/2.0/UDP {host};branch=z9hG4bK{self._cseq}"),
                ("Max-Forwards", "70"),
                ("From", f"{from_};tag=1"),
                ("To", to or f"<{uri}>"),
                ("Call-ID", f"call of {host}".replace(" ", "-")),
                ("CSeq", f"{self._cseq} {method}"),
                *contact,
                *headers,
            ],
        )

    def proven(
        self,
        method: str,
        uri: str,
        host: str,
        from_: str = "<sip:bob@example.com>",
        *,
        user: str = "bob",
        password: str | None = None,
        to: str | None = None,
        headers: tuple[tuple[str, str], ...] = (),
    ) -> Request:
        """A request with the credentials that it was asked for."""
        first = self.request(method, uri, host, from_, to=to, headers=headers)
        asked = self.answer(first, host)
        assert asked.status in (401, 407)
        credentials = Credentials(user, PASSWORDS[user] if password is None else password)
        client = DigestClient(lambda realm: credentials, entropy=SeededEntropy(user.encode()))
        again = (*headers, *client.answer(asked, first))
        return self.request(method, uri, host, from_, to=to, headers=again)

    def register(self, user: str, host: str) -> None:
        address = f"<sip:{user}@example.com>"
        made = self.proven("REGISTER", "sip:example.com", host, address, user=user, to=address)
        assert self.answer(made, host).status == 200

    def register_later(self, user: str, host: str) -> None:
        """The same where the store answers later."""
        address = f"<sip:{user}@example.com>"
        self.receive(self.proven("REGISTER", "sip:example.com", host, address, user=user, to=address), host)
        (asked,) = pending(self)
        answer(self, self.registrar, asked, user)
        (done,) = self.sent(host)
        assert isinstance(done, Response)
        assert done.status == 200

    def connect(self, host: str) -> Flow:
        """What comes from a host comes by a connection from now on."""
        self.flows[host] = Flow(1_000 + len(self.flows), "TCP", Address(HERE, 5060), Address(host, 40_000))
        return self.flows[host]

    def close(self, flow: Flow) -> None:
        """That connection is gone."""
        self.handle(self.pump.settle(self.endpoint.flow_closed(flow, now=self.now), now=self.now))

    def contacts(self, user: str) -> list[str]:
        return [str(each.uri) for each in self.registrar.lookup(f"sip:{user}@example.com")]


BOB, EVE = "<sip:bob@example.com>", "<sip:eve@example.com>"


# Registering


def test_a_user_registers_with_its_password() -> None:
    town = Town()
    town.register("bob", BOBS)
    assert town.contacts("bob") == [f"sip:phone@{BOBS}"]


@pytest.mark.parametrize(
    ("from_", "user", "password", "status"),
    [
        (BOB, "bob", "guess", 401),
        (BOB, "nobody", "guess", 401),
        (BOB, "eve", "secret", 403),  # From is not eve's
        (EVE, "eve", "secret", 403),  # To is not eve's
        ('"Anonymous" <sip:anonymous@anonymous.invalid>', "eve", "secret", 403),
    ],
)
def test_nobody_registers_over_somebodys_phone(from_: str, user: str, password: str, status: int) -> None:
    town = Town()
    town.register("bob", BOBS)
    taken = town.proven("REGISTER", "sip:example.com", EVES, from_, user=user, password=password, to=BOB)
    assert town.answer(taken, EVES).status == status
    assert town.contacts("bob") == [f"sip:phone@{BOBS}"]


def test_a_replayed_registration_changes_nothing() -> None:
    town = Town()
    made = town.proven("REGISTER", "sip:example.com", BOBS, to=BOB)
    assert town.answer(made, BOBS).status == 200
    moved = [("Contact", "<sip:evil@203.0.113.5>"), ("CSeq", "99 REGISTER"), ("Via", "SIP/2.0/UDP x;branch=z9hG4bKx")]
    replayed = made.evolve(set=dict(moved))
    refused = town.answer(replayed, STRANGERS)
    assert refused.status == 401
    assert "stale=true" in refused.headers.get("WWW-Authenticate", "")
    assert town.contacts("bob") == [f"sip:phone@{BOBS}"]


@pytest.mark.parametrize("from_trusted", [True, False])
def test_a_registration_leads_elsewhere_only_where_a_trusted_peer_says_so(from_trusted: bool) -> None:
    town = Town(trusted_networks=("10.0.0.0/8",))
    host = TRUSTED if from_trusted else BOBS
    more = (("Via", "SIP/2.0/UDP 192.0.2.7;branch=z9hG4bKx"), ("Path", f"<sip:{STRANGERS};lr>"))
    if from_trusted:
        made = town.request("REGISTER", "sip:example.com", host, to=BOB, headers=more)
    else:
        made = town.proven("REGISTER", "sip:example.com", host, to=BOB, headers=more)
    assert town.answer(made, host).status == 200
    town.receive(town.request("MESSAGE", "sip:bob@example.com", TRUSTED), TRUSTED)
    assert len(town.sent(STRANGERS)) == from_trusted
    assert len(town.sent(BOBS)) == (not from_trusted)


def test_a_trusted_peer_registers_those_whom_it_names() -> None:
    town = Town(trusted_networks=("10.0.0.0/8",))
    asserted = (("P-Asserted-Identity", EVE),)
    assert town.answer(town.request("REGISTER", "sip:example.com", TRUSTED, to=BOB), TRUSTED).status == 200
    wrong = town.request("REGISTER", "sip:example.com", TRUSTED, to=BOB, headers=asserted)
    assert town.answer(wrong, TRUSTED).status == 403


# Calling


def test_calls_within_the_domain_need_a_password_too() -> None:
    town = Town()
    town.register("carol", EVES)
    refused = town.answer(town.request("INVITE", "sip:carol@example.com", STRANGERS), STRANGERS)
    assert refused.status == 407
    assert town.sent(EVES) == []


def test_who_proved_to_be_a_user_is_relayed_to_where_a_setting_says_and_a_trusted_peer_anywhere() -> None:
    town = Town(trusted_networks=("10.0.0.0/8",), relay_to=("10.0.0.0/8",))
    town.receive(town.proven("MESSAGE", f"sip:gateway@{TRUSTED}", BOBS), BOBS)
    assert [type(each) for each in town.sent(TRUSTED)] == [Request]
    assert town.answer(town.proven("MESSAGE", f"sip:dave@{STRANGERS}", BOBS), BOBS).status == 403
    town.receive(town.request("MESSAGE", f"sip:dave@{STRANGERS}", TRUSTED), TRUSTED)
    assert [type(each) for each in town.sent(STRANGERS)] == [Request]


def test_whom_another_domain_vouches_for_calls_our_users_and_is_not_relayed() -> None:
    town = Town(certificate_domains=("example.org",))
    town.register("carol", EVES)
    town.flows[STRANGERS] = attrs.evolve(town.flow(STRANGERS), peer_identity=("example.org",))
    dave = "<sip:dave@example.org>"
    town.receive(town.request("MESSAGE", "sip:carol@example.com", STRANGERS, dave), STRANGERS)
    assert [type(each) for each in town.sent(EVES)] == [Request]
    refused = town.answer(town.request("MESSAGE", f"sip:gateway@{TRUSTED}", STRANGERS, dave), STRANGERS)
    assert refused.status == 403


def test_an_identity_that_was_proved_goes_on_and_no_other_and_no_credentials() -> None:
    town = Town()
    town.register("carol", EVES)
    claims = (("P-Asserted-Identity", "<sip:boss@example.com>"), ("P-Preferred-Identity", BOB))
    others = (("Proxy-Authorization", 'Digest realm="elsewhere", username="x"'),)
    town.receive(town.proven("MESSAGE", "sip:carol@example.com", BOBS, headers=(*claims, *others)), BOBS)
    (arrived,) = town.sent(EVES)
    assert isinstance(arrived, Request)
    assert arrived.headers.get_all("P-Asserted-Identity") == (BOB,)
    assert "P-Preferred-Identity" not in arrived.headers
    assert set(arrived.headers.get_all("Proxy-Authorization")) == {others[0][1]}


def test_a_spoofed_from_is_refused_with_a_password_and_without() -> None:
    town = Town()
    town.register("carol", EVES)
    boss = "<sip:boss@example.com>"
    assert town.answer(town.request("INVITE", "sip:carol@example.com", BOBS, boss), BOBS).status == 407
    refused = town.answer(town.proven("MESSAGE", "sip:carol@example.com", BOBS, boss), BOBS)
    assert (refused.status, refused.reason) == (403, "Not Your Address")
    assert town.sent(EVES) == []


def test_an_anonymous_caller_is_known_to_us_and_to_trusted_peers_alone() -> None:
    town = Town(trusted_networks=("10.0.0.0/8",), relay_to=("10.0.0.0/8",))
    town.register("carol", EVES)
    anonymous = '"Anonymous" <sip:anonymous@anonymous.invalid>'
    for uri, host, seen in (("sip:carol@example.com", EVES, False), (f"sip:gateway@{TRUSTED}", TRUSTED, True)):
        for from_, privacy in ((anonymous, ()), (BOB, (("Privacy", "id"),))):
            town.receive(town.proven("MESSAGE", uri, BOBS, from_, headers=privacy), BOBS)
            (arrived,) = town.sent(host)
            assert isinstance(arrived, Request)
            assert ("P-Asserted-Identity" in arrived.headers) is seen


def test_a_trusted_peer_asserts_whom_it_likes_and_a_stranger_nobody() -> None:
    town = Town(trusted_networks=("10.0.0.0/8",))
    town.register("carol", EVES)
    asserted = (("P-Asserted-Identity", "<sip:boss@example.com>"),)
    town.receive(town.request("MESSAGE", "sip:carol@example.com", TRUSTED, headers=asserted), TRUSTED)
    (arrived,) = town.sent(EVES)
    assert arrived.headers.get_all("P-Asserted-Identity") == ("<sip:boss@example.com>",)
    stranger = town.request("MESSAGE", "sip:carol@example.com", STRANGERS, headers=asserted)
    assert town.answer(stranger, STRANGERS).status == 407
    assert town.sent(EVES) == []


@pytest.mark.parametrize(
    ("uri", "transport", "trusted"),
    [
        ("sip:dave@partner.example", "UDP", False),
        ("sip:dave@partner.example:5061;transport=tcp", "TCP", False),
        ("sip:dave@elsewhere.example;transport=tls", "TLS", False),
        (f"sip:dave@partner.example;transport=tls;maddr={PARTNER}", "TLS", False),
        ("sip:dave@partner.example;transport=tls", "TLS", True),
    ],
)
def test_a_name_is_trusted_where_it_has_to_be_proved(uri: str, transport: str, trusted: bool) -> None:
    town = Town(trusted_peers=("partner.example",), relay_to=("*",))
    town.flows[PARTNER] = Flow(99, transport, Address(HERE, 5060), Address(PARTNER, 5061))
    town.receive(town.proven("INVITE", uri, BOBS, headers=(("Privacy", "id"),)), BOBS)
    (invite,) = town.sent(PARTNER)
    assert isinstance(invite, Request)
    assert ("P-Asserted-Identity" in invite.headers) is trusted
    asserted = [("P-Asserted-Identity", "<sip:boss@example.com>")]
    town.receive(invite.response(486, to_tag="t", headers=asserted), PARTNER)
    (told,) = town.sent(BOBS)
    assert ("P-Asserted-Identity" in told.headers) is trusted


@pytest.mark.parametrize("status", [180, 200, 486])
def test_who_answers_is_believed_of_trusted_peers_alone(status: int) -> None:
    asserted = [("P-Asserted-Identity", "<sip:boss@example.com>")]
    town = Town(trusted_networks=("10.0.0.0/8",), relay_to=("10.0.0.0/8",))
    town.register("carol", EVES)
    for uri, host, believed in (("sip:carol@example.com", EVES, False), (f"sip:x@{TRUSTED}", TRUSTED, True)):
        town.receive(town.proven("INVITE", uri, BOBS), BOBS)
        (invite,) = town.sent(host)
        assert isinstance(invite, Request)
        town.receive(invite.response(status, to_tag="t", headers=asserted), host)
        (told,) = town.sent(BOBS)
        assert ("P-Asserted-Identity" in told.headers) is believed


def a_call_of_the_mcu(town: Town) -> tuple[tuple[tuple[str, str], ...], str]:
    """The MCU, which is trusted for its password, has called Carol: its Route and To for more."""
    town.register("carol", EVES)
    called = town.proven("INVITE", "sip:carol@example.com", TRUSTED, user="part:mcu-1", password="long")
    town.receive(called, TRUSTED)
    (invite,) = town.sent(EVES)
    assert isinstance(invite, Request)
    town.receive(invite.response(200, to_tag="c", headers=[("Contact", f"<sip:phone@{EVES}>")]), EVES)
    (ok,) = town.sent(TRUSTED)
    return tuple(("Route", str(each)) for each in invite.record_route), str(ok.to)


def town_with_an_mcu() -> Town:
    store = PasswordStore({**PASSWORDS, "part:mcu-1": "long"})
    return Town(store, trusted_users=("part:mcu-1",), trusted_user_networks=("10.0.0.0/8",))


@pytest.mark.parametrize("name", ["Proxy-Authorization", "Authorization"])
def test_nobody_further_on_sees_what_was_shown_to_us_in_a_dialog(name: str) -> None:
    town = town_with_an_mcu()
    route, to = a_call_of_the_mcu(town)
    ours, others = 'Digest realm="Example.com", username="part:mcu-1"', 'Digest realm="elsewhere", username="x"'
    told = ((name, ours), (name, others), ("P-Preferred-Identity", BOB))
    town.receive(town.request("INFO", f"sip:phone@{EVES}", TRUSTED, to=to, headers=(*route, *told)), TRUSTED)
    (arrived,) = town.sent(EVES)
    assert isinstance(arrived, Request)
    assert arrived.headers.get_all(name) == (others,)
    assert "P-Preferred-Identity" not in arrived.headers


@pytest.mark.parametrize("status", [407, 401, 200, 180])
@pytest.mark.parametrize(
    "challenge",
    [
        'Digest realm="example.com", nonce="n"',
        'Digest realm="EXAMPLE.com", nonce="n"',
        'Digest nonce="n", realm="x", realm="example.com"',
        'Digest realm="x", nonce="n", realm = "example.com"',
    ],
)
def test_nobody_further_on_asks_for_passwords_of_ours(status: int, challenge: str) -> None:
    town = town_with_an_mcu()
    route, to = a_call_of_the_mcu(town)
    town.receive(town.request("INVITE", f"sip:phone@{EVES}", TRUSTED, to=to, headers=route), TRUSTED)
    (invite,) = town.sent(EVES)
    assert isinstance(invite, Request)
    asking = [("Proxy-Authenticate", challenge), ("WWW-Authenticate", challenge)]
    town.receive(invite.response(status, headers=asking), EVES)
    (told,) = [each for each in town.sent(TRUSTED) if isinstance(each, Response)]
    assert told.status == (403 if status in (401, 407) else status)
    assert "Proxy-Authenticate" not in told.headers
    assert "WWW-Authenticate" not in told.headers


def test_others_further_on_ask_for_passwords_of_theirs() -> None:
    town = town_with_an_mcu()
    route, to = a_call_of_the_mcu(town)
    town.receive(town.request("INVITE", f"sip:phone@{EVES}", TRUSTED, to=to, headers=route), TRUSTED)
    (invite,) = town.sent(EVES)
    assert isinstance(invite, Request)
    asking = ['Digest realm="elsewhere", nonce="n"', 'Digest realm="example.com", nonce="n"', "NTLM"]
    town.receive(invite.response(407, headers=[("Proxy-Authenticate", each) for each in asking]), EVES)
    (told,) = [each for each in town.sent(TRUSTED) if isinstance(each, Response)]
    assert told.status == 407
    assert told.headers.get_all("Proxy-Authenticate") == (asking[0], asking[2])


def test_a_call_that_went_through_us_is_not_asked_again() -> None:
    town = Town()
    town.register("carol", EVES)
    town.receive(town.proven("INVITE", "sip:carol@example.com", BOBS), BOBS)
    (invite,) = town.sent(EVES)
    assert isinstance(invite, Request)
    town.receive(invite.response(200, to_tag="c", headers=[("Contact", f"<sip:phone@{EVES}>")]), EVES)
    (ok,) = town.sent(BOBS)
    route = tuple(("Route", str(each)) for each in invite.record_route)
    to = f"{ok.to}"
    for method in ("ACK", "BYE"):
        asserted = (("P-Asserted-Identity", "<sip:boss@example.com>"),)
        town.receive(
            town.request(method, f"sip:phone@{EVES}", BOBS, to=to, headers=(*route, *asserted)),
            BOBS,
        )
        (arrived,) = town.sent(EVES)
        assert isinstance(arrived, Request)
        assert arrived.method == method
        assert "P-Asserted-Identity" not in arrived.headers


def test_users_relay_to_where_a_setting_says_and_trusted_peers_anywhere() -> None:
    town = Town(trusted_networks=("10.0.0.0/8",), relay_to=("198.51.100.3",), certificate_domains=("partner.example",))
    for uri, good in ((f"sip:x@{EVES}", True), ("sip:x@203.0.113.9", False)):
        made = town.proven("MESSAGE", uri, BOBS)
        town.receive(made, BOBS)
        assert [each.status for each in town.sent(BOBS) if isinstance(each, Response)] == ([] if good else [403])
        assert len(town.sent(uri.partition("@")[2])) == good
    town.receive(town.request("MESSAGE", "sip:x@203.0.113.9", TRUSTED), TRUSTED)
    assert len(town.sent("203.0.113.9")) == 1


def test_who_is_vouched_for_by_another_domain_calls_our_users_and_nobody_else() -> None:
    town = Town(relay_to=("*",), certificate_domains=("partner.example",))
    town.register("carol", EVES)
    partner = "198.51.100.9"
    flow = Flow(99, "TLS", Address(HERE, 5061), Address(partner, 40_000), ("partner.example",))
    town.flows[partner] = flow
    ann = "<sip:ann@partner.example>"
    town.receive(town.request("MESSAGE", "sip:carol@example.com", partner, ann), partner)
    (arrived,) = town.sent(EVES)
    assert arrived.headers.get_all("P-Asserted-Identity") == (ann,)
    assert town.answer(town.request("MESSAGE", "sip:x@203.0.113.9", partner, ann), partner).status == 403


def test_an_ack_of_a_stranger_leaves_for_nowhere() -> None:
    town = Town()
    town.receive(town.request("ACK", "sip:victim@203.0.113.9", STRANGERS, to="<sip:v@x.example>;tag=t"), STRANGERS)
    assert town.sent("203.0.113.9") == []
    assert town.sent(STRANGERS) == []


def test_whoever_asks_what_the_proxy_can_do_is_answered() -> None:
    town = Town()
    assert town.answer(town.request("OPTIONS", "sip:example.com", STRANGERS), STRANGERS).status == 200


def test_users_who_are_known_and_users_who_are_not_cannot_be_told_apart() -> None:
    answers = set()
    for user in ("bob", "nobody"):
        town = Town()
        for method, uri, to in (
            ("REGISTER", "sip:example.com", f"<sip:{user}@example.com>"),
            ("INVITE", "sip:x@example.com", None),
        ):
            address = f"<sip:{user}@example.com>"
            made = town.proven(method, uri, STRANGERS, address, user=user, password="guess", to=to)
            told = bytes(town.answer(made, STRANGERS)).decode().replace(user, "USER")
            answers.add((method, told.partition('nonce="')[0], told.partition('nonce="')[2].partition('"')[2]))
    assert len(answers) == 2


# Answers that come later


def wait(town: Town, method: str = "MESSAGE") -> Request:
    """A request that waits to hear whose password it has; it is for carol's phone."""
    made = town.proven(method, "sip:carol@example.com", BOBS)
    town.receive(made, BOBS)
    assert town.sent(BOBS) == []
    return made


def slow_town() -> Town:
    """Carol is registered in it."""
    town = Town(Slow())
    address = "<sip:carol@example.com>"
    town.receive(town.proven("REGISTER", "sip:example.com", EVES, address, user="carol", to=address), EVES)
    (asked,) = pending(town)
    answer(town, town.registrar, asked, "carol")
    (done,) = town.sent(EVES)
    assert isinstance(done, Response)
    assert done.status == 200
    return town


def pending(town: Town) -> list[str]:
    """What the application is asked since the last call."""
    found = [event.pending_id for event in town.events if isinstance(event, IdentificationPending)]
    town.events.clear()
    return found


def answer(town: Town, core: Registrar | Proxy, asked: str, user: str, password: str | None = None) -> None:
    secret = digest_secret("MD5", user, "example.com", PASSWORDS[user] if password is None else password)
    core.identified(asked, town.authenticator.resolved(asked, secret, now=town.now), now=town.now)
    town.settle()


def test_a_request_waits_until_it_is_known_whose_it_is() -> None:
    town = slow_town()
    for password, status in ((None, None), ("other", 407)):
        wait(town)
        (asked,) = pending(town)
        town.advance(3.0)
        answer(town, town.proxy, asked, "bob", password)
        if status is None:
            (arrived,) = town.sent(EVES)
            assert isinstance(arrived, Request)
            town.receive(arrived.response(200), EVES)
        (told,) = town.sent(BOBS)
        assert isinstance(told, Response)
        assert told.status == (status or 200)


def test_a_call_that_is_given_up_while_it_waits_is_cancelled() -> None:
    town = slow_town()
    invite = wait(town, "INVITE")
    (asked,) = pending(town)
    cancel = invite.evolve(
        method="CANCEL", set={"CSeq": f"{invite.cseq.number} CANCEL", "Contact": None, "Proxy-Authorization": None}
    )
    town.receive(cancel, BOBS)
    told = [message.status for message in town.sent(BOBS) if isinstance(message, Response)]
    assert sorted(told) == [200, 487]
    answer(town, town.proxy, asked, "bob")  # comes too late, and is no mistake
    assert town.sent(EVES) == []


def test_who_waits_for_too_long_is_told_to_come_again() -> None:
    town = slow_town()
    wait(town)
    address = "<sip:bob@example.com>"
    town.receive(town.proven("REGISTER", "sip:example.com", STRANGERS, address, to=address), STRANGERS)
    asked = pending(town)
    assert len(asked) == 2
    town.advance(10.0)
    for host in (BOBS, STRANGERS):
        (told,) = town.sent(host)
        assert isinstance(told, Response)
        assert (told.status, told.headers.get("Retry-After")) == (503, "5")
    for core, late in zip((town.proxy, town.registrar), asked, strict=True):
        answer(town, core, late, "bob")
    assert town.sent(EVES) == town.sent(BOBS) == town.sent(STRANGERS) == []
    assert town.contacts("bob") == []
    assert town.proxy.sizes["undecided"] == 0


def test_so_many_requests_of_one_source_wait_and_those_of_others_do() -> None:
    town = slow_town()
    strangers = [town.proven("MESSAGE", "sip:carol@example.com", STRANGERS) for _ in range(101)]
    address = "<sip:bob@example.com>"
    for made in (*strangers, town.proven("REGISTER", "sip:example.com", STRANGERS, address, to=address)):
        town.receive(made, STRANGERS)
    assert [each.status for each in town.sent(STRANGERS) if isinstance(each, Response)] == [503, 503]
    assert len(pending(town)) == 100
    wait(town)
    (asked,) = pending(town)
    answer(town, town.proxy, asked, "bob")
    assert len(town.sent(EVES)) == 1
    town.register_later("bob", BOBS)
    assert town.contacts("bob") == [f"sip:phone@{BOBS}"]
    town.advance(31.0)
    town.sent(STRANGERS)
    town.receive(town.proven("MESSAGE", "sip:carol@example.com", STRANGERS), STRANGERS)
    assert len(pending(town)) == 1


def test_so_many_requests_wait_and_no_more() -> None:
    town = slow_town()
    hosts = [f"203.0.113.{number}" for number in range(20, 31)]
    for host in hosts:
        for made in [town.proven("MESSAGE", "sip:carol@example.com", host) for _ in range(100)]:
            town.receive(made, host)
    told = [[each.status for each in town.sent(host) if isinstance(each, Response)] for host in hosts]
    assert told == [[]] * 10 + [[503] * 100]
    assert len(pending(town)) == 1_000


def test_a_registration_whose_connection_is_gone_while_it_waits_is_none() -> None:
    town = slow_town()
    flow = town.connect(BOBS)
    address = "<sip:bob@example.com>"
    contact = (
        f'<sip:phone@{BOBS};transport=tcp;ob>;reg-id=1;+sip.instance="<urn:uuid:00000000-0000-1000-8000-AABBCCDDEEFF>"'
    )
    made = town.proven("REGISTER", "sip:example.com", BOBS, address, to=address)
    town.receive(made.evolve(set={"Contact": contact, "Supported": "outbound, path"}), BOBS)
    (asked,) = pending(town)
    town.close(flow)
    answer(town, town.registrar, asked, "bob")
    assert town.contacts("bob") == []
    assert town.registrar.next_timeout() == town.registrar._location.next_end()  # nothing waits


def test_a_request_whose_connection_is_gone_while_it_waits_goes_nowhere_and_leaves_its_place() -> None:
    town = slow_town()
    flow = town.connect(BOBS)
    wait(town, "INVITE")
    (asked,) = pending(town)
    town.close(flow)
    assert town.proxy.sizes["undecided"] == 0
    answer(town, town.proxy, asked, "bob")
    assert town.sent(EVES) == []


def test_nobody_is_asked_about_what_has_no_answer() -> None:
    """A BENOTIFY cannot wait for a store: nobody would be told, and what it asked stay open."""
    store = Slow()
    town = Town(store)
    message = town.proven("MESSAGE", "sip:carol@example.com", BOBS)
    given = (("Proxy-Authorization", message.headers.get("Proxy-Authorization", "")), ("Event", "presence"))
    town.receive(town.request("BENOTIFY", "sip:carol@example.com", BOBS, headers=given), BOBS)
    assert (store.asked, pending(town), town.sent(BOBS)) == (0, [], [])


def test_an_answer_that_nobody_waits_for_is_a_mistake_of_the_caller() -> None:
    town = slow_town()
    wait(town)
    (asked,) = pending(town)
    for core in (town.proxy, town.registrar):
        with pytest.raises(LocalProtocolError, match="nothing waits"):
            core.identified("another", Refused(), now=town.now)
    with pytest.raises(LocalProtocolError, match="is none"):
        town.proxy.identified(asked, Pending("another"), now=town.now)
    found = town.authenticator.resolved(asked, digest_secret("MD5", "bob", "example.com", "zanzibar"), now=town.now)
    assert isinstance(found, Identified)
    town.proxy.identified(asked, found, now=town.now)
    town.settle()
    assert len(town.sent(EVES)) == 1
    with pytest.raises(LocalProtocolError, match="nothing waits"):
        town.proxy.identified(asked, found, now=town.now)
