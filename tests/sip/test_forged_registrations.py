"""REGISTER that is not what it says: names, Contacts, credentials, counts and sources of somebody else.

Each attack is tried on both ways to ask for passwords: an authenticator of all cores, and a registrar's own.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sip import (
    Address,
    Authenticator,
    AuthenticatorConfig,
    Credentials,
    DigestClient,
    Endpoint,
    EndpointConfig,
    Flow,
    Listen,
    PasswordStore,
    Pump,
    Registrar,
    RegistrarConfig,
    Request,
    Response,
    SeededEntropy,
    WrongPasswordLimits,
    parse_message,
)
from tests.sip.test_identified_requests import BOBS, EVE, EVES, Town

HERE, EVERYWHERE = "192.0.2.10", "0.0.0.0"
BOB_HOST, EVE_HOST, PROXY = "198.51.100.2", "198.51.100.3", "10.0.0.9"
PASSWORDS = {"bob": "zanzibar", "eve": "secret"}
BOB = "<sip:bob@example.com>"


class Office:
    """A registrar that asks for passwords, by an authenticator or by itself."""

    def __init__(self, shared: bool, *, listen: str = HERE) -> None:
        entropy, store = SeededEntropy(b"office"), PasswordStore(PASSWORDS)
        config = EndpointConfig(
            listen=(Listen("UDP", listen, 5060), Listen("TCP", listen, 5060)), trusted_networks=("10.0.0.0/8",)
        )
        self.endpoint = Endpoint(config, entropy=entropy)
        limits = WrongPasswordLimits(exempt_networks=config.trusted_networks)
        asks = AuthenticatorConfig(domains=("example.com",), wrong_passwords=limits)
        self.registrar = Registrar(
            self.endpoint,
            RegistrarConfig(domains=("example.com",)),
            entropy=entropy,
            credentials=None if shared else store,
            authenticator=Authenticator(asks, store, key=b"key", entropy=entropy) if shared else None,
        )
        self.pump = Pump(self.endpoint, [self.registrar])
        self._number = 0

    def send(self, request: Request, host: str, transport: str = "UDP") -> Response:
        flow = Flow(hash((host, transport)), transport, Address(HERE, 5060), Address(host, 5060))
        self.pump.receive_data(bytes(request), flow=flow, now=0.0)
        (sent,) = [parse_message(each.data) for each in self.pump.data_to_send()]
        assert isinstance(sent, Response)
        return sent

    def register(
        self,
        host: str = BOB_HOST,
        from_: str = BOB,
        to: str = BOB,
        *,
        uri: str = "sip:example.com",
        contact: str | None = None,
        headers: tuple[tuple[str, str], ...] = (),
    ) -> Request:
        self._number += 1
        contact = contact or f"<sip:phone@{host}>"
        return Request.build(
            "REGISTER",
            uri,
            [
                ("Via", f"SIP/2.0/UDP {host};branch=z9hG4bK{self._number}"),
                ("Max-Forwards", "70"),
                ("From", f"{from_};tag=1"),
                ("To", to),
                ("Call-ID", f"of-{host}"),
                ("CSeq", f"{self._number} REGISTER"),
                ("Contact", contact),
                *headers,
            ],
        )

    def proof(self, user: str, host: str, *, uri: str = "sip:example.com", transport: str = "UDP") -> tuple[str, str]:
        """The credentials of a user, for a challenge that was sent to a host, and for a Request-URI."""
        asked = self.send(self.register(host), host, transport)
        assert asked.status == 401
        credentials = Credentials(user, PASSWORDS[user])
        client = DigestClient(lambda realm: credentials, entropy=SeededEntropy(user.encode()))
        (line,) = client.answer(asked, self.register(host, uri=uri))
        return line

    def contacts(self, user: str = "bob") -> list[str]:
        return [str(each.uri) for each in self.registrar.lookup(f"sip:{user}@example.com")]

    def is_stale(self, answer: Response) -> bool:
        return answer.status == 401 and "stale=true" in answer.headers.get("WWW-Authenticate", "")


@pytest.fixture(params=[True, False], ids=["authenticator", "credentials"])
def office(request: pytest.FixtureRequest) -> Office:
    return Office(request.param)


def registered(office: Office) -> str:
    """Bob registers; the credentials that he showed, which somebody overheard."""
    name, value = office.proof("bob", BOB_HOST)
    assert office.send(office.register(headers=((name, value),)), BOB_HOST).status == 200
    assert office.contacts() == [f"sip:phone@{BOB_HOST}"]
    return value


def test_nobody_registers_for_somebody_else_whatever_from_says(office: Office) -> None:
    registered(office)
    for from_ in (BOB, EVE, "<sip:anonymous@anonymous.invalid>", "<sip:bob@example.com:5060>"):
        for headers in ((), (("Expires", "0"),)):
            proof = office.proof("eve", EVE_HOST)
            answer = office.send(office.register(EVE_HOST, from_, headers=(*headers, proof)), EVE_HOST)
            assert answer.status == 403
    every = office.register(EVE_HOST, contact="*", headers=(("Expires", "0"), office.proof("eve", EVE_HOST)))
    assert office.send(every, EVE_HOST).status == 403
    assert office.contacts() == [f"sip:phone@{BOB_HOST}"]


def test_overheard_credentials_are_good_for_nothing_from_anywhere(office: Office) -> None:
    overheard = registered(office)
    for host, transport in ((BOB_HOST, "UDP"), (EVE_HOST, "UDP"), (EVE_HOST, "TCP")):
        forged = office.register(EVE_HOST, headers=(("Authorization", overheard),))
        assert office.is_stale(office.send(forged, host, transport))
    assert office.contacts() == [f"sip:phone@{BOB_HOST}"]


def test_credentials_that_come_before_their_owner_from_another_source_are_good_for_nothing(office: Office) -> None:
    proof = office.proof("bob", BOB_HOST)
    assert office.is_stale(office.send(office.register(EVE_HOST, headers=(proof,)), EVE_HOST))
    assert office.contacts() == []
    assert office.send(office.register(headers=(proof,)), BOB_HOST).status == 200


def test_a_nonce_of_ones_own_is_no_guess_in_the_name_of_another_source(office: Office) -> None:
    _, theirs = office.proof("eve", EVE_HOST)
    guess = theirs.replace('username="eve"', 'username="bob"')
    assert office.is_stale(office.send(office.register(headers=(("Authorization", guess),)), BOB_HOST))


def test_a_proxy_of_ours_says_whom_it_got_a_registration_from(office: Office) -> None:
    def by_proxy(host: str, headers: tuple[tuple[str, str], ...] = ()) -> Request:
        made = office.register(host, headers=headers)
        return made.evolve(prepend=[("Via", f"SIP/2.0/UDP {PROXY};branch=z9hG4bKp{made.cseq.number}")])

    asked = office.send(by_proxy(BOB_HOST), PROXY)
    credentials = Credentials("bob", PASSWORDS["bob"])
    client = DigestClient(lambda realm: credentials, entropy=SeededEntropy(b"b"))
    (proof,) = client.answer(asked, office.register())
    assert office.is_stale(office.send(by_proxy(EVE_HOST, (proof,)), PROXY))
    assert office.send(by_proxy(BOB_HOST, (proof,)), PROXY).status == 200


@pytest.mark.parametrize("count", ["00000002", "000003e8", "ffffffff"])
def test_a_forged_count_changes_nothing_and_takes_none_from_its_owner(office: Office, count: str) -> None:
    name, value = office.proof("bob", BOB_HOST)
    forged = value.replace("nc=00000001", f"nc={count}")
    assert forged != value
    assert office.send(office.register(EVE_HOST, headers=((name, forged),)), BOB_HOST).status == 401
    assert office.contacts() == []
    assert office.send(office.register(headers=((name, value),)), BOB_HOST).status == 200


@pytest.mark.parametrize(
    "change",
    [
        lambda line: line.replace("nc=00000001", "nc=1"),
        lambda line: line.replace("nc=00000001, ", "").replace(", nc=00000001", ""),
        lambda line: line.replace("qop=auth", "qop=auth-int"),
        lambda line: line.replace("algorithm=MD5", "algorithm=SHA-256"),
        lambda line: line.replace('realm="example.com"', 'realm="elsewhere.example"'),
        lambda line: line.replace('nonce="', 'nonce="A'),
    ],
)
def test_altered_credentials_register_nothing(office: Office, change: Callable[[str], str]) -> None:
    name, value = office.proof("bob", BOB_HOST)
    assert change(value) != value
    answer = office.send(office.register(headers=((name, change(value)),)), BOB_HOST)
    assert answer.status in (400, 401)
    assert office.contacts() == []


def test_credentials_for_a_registrar_elsewhere_are_none_for_us(office: Office) -> None:
    # The phone was lured to elsewhere.example, which asked it with a challenge of ours.
    for uri in ("sip:elsewhere.example", "sip:203.0.113.9", "sip:example.com.elsewhere.example", "tel:+1"):
        proof = office.proof("bob", EVE_HOST, uri=uri, transport="TCP")
        answer = office.send(office.register(EVE_HOST, headers=(proof,)), EVE_HOST, "TCP")
        assert answer.status == 400, uri
    assert office.contacts() == []


def test_clients_name_us_as_they_reach_us(office: Office) -> None:
    for uri in ("sip:example.com:5060", "sip:example.com;transport=tcp", f"sip:{HERE}:5060", f"sip:bob@{HERE}"):
        proof = office.proof("bob", BOB_HOST, uri=uri)
        assert office.send(office.register(headers=(proof,)), BOB_HOST).status == 200, uri


# Contacts


@pytest.mark.parametrize("listen", [HERE, EVERYWHERE])
@pytest.mark.parametrize(
    "contact", [f"<sip:bob@{HERE}>", f"<sip:{HERE}:5060;transport=tcp>", f"<sip:x@x;maddr={HERE}>"]
)
@pytest.mark.parametrize("transport", ["UDP", "TCP"])
def test_an_address_of_ours_is_no_contact_for_who_sends_from_it(listen: str, contact: str, transport: str) -> None:
    # Its requests would come back here, and with ten such contacts each of them tenfold.
    office = Office(shared=True, listen=listen)
    for shown, status in ((contact, 403), (f"<sip:bob@{HERE}:5070>", 200)):
        proof = office.proof("bob", HERE, transport=transport)
        answer = office.send(office.register(HERE, contact=shown, headers=(proof,)), HERE, transport)
        assert answer.status == status
    assert office.contacts() == [f"sip:bob@{HERE}:5070"]


def test_a_phone_in_a_network_of_its_own_may_have_an_address_like_ours(office: Office) -> None:
    proof = office.proof("bob", BOB_HOST)
    answer = office.send(office.register(contact=f"<sip:bob@{HERE}>", headers=(proof,)), BOB_HOST)
    assert answer.status == 200
    assert office.registrar.lookup("sip:bob@example.com")[0].flow is not None


def test_who_registers_the_contact_of_somebody_else_gets_none_of_its_requests() -> None:
    town = Town()
    bobs = f"sip:phone@{BOBS}"

    def eve_registers() -> None:
        made = town.proven("REGISTER", "sip:example.com", EVES, EVE, user="eve", to=EVE)
        credentials = {"Contact": f"<{bobs}>"}
        assert town.answer(made.evolve(set=credentials), EVES).status == 200

    eve_registers()
    town.register("bob", BOBS)
    for method in ("MESSAGE", "INVITE"):
        assert town.contacts("eve") == town.contacts("bob") == [bobs]
        town.receive(town.proven(method, bobs, EVES, EVE, user="eve"), EVES)
        assert [each.method for each in town.sent(BOBS) if isinstance(each, Request)] == [method]
        assert not [each for each in town.sent(EVES) if isinstance(each, Request)]
        eve_registers()
    town.receive(town.request("ACK", bobs, EVES, EVE, to=f"<{bobs}>;tag=x"), EVES)
    assert [each.method for each in town.sent(BOBS) if isinstance(each, Request)] == ["ACK"]


def test_of_phones_with_one_private_address_the_first_keeps_what_is_sent_there() -> None:
    town, private = Town(), "sip:phone@192.168.1.5"
    for user, host in (("bob", BOBS), ("eve", EVES), ("bob", BOBS)):
        address = f"<sip:{user}@example.com>"
        made = town.proven("REGISTER", "sip:example.com", host, address, user=user, to=address)
        assert town.answer(made.evolve(set={"Contact": f"<{private}>"}), host).status == 200
    town.receive(town.request("ACK", private, EVES, EVE, to=f"<{private}>;tag=x"), EVES)
    assert [each.method for each in town.sent(BOBS) if isinstance(each, Request)] == ["ACK"]
