"""The registrar: what REGISTER gets, and where users are afterwards."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from sip import (
    Address,
    BindingsChanged,
    Credentials,
    DigestClient,
    Endpoint,
    EndpointConfig,
    Flow,
    Listen,
    NameAddr,
    PasswordStore,
    Pump,
    Registrar,
    RegistrarConfig,
    Request,
    Response,
    SeededEntropy,
    parse_message,
)

LOCAL = Address("192.0.2.10", 5060)
TCP = Flow(7, "TCP", LOCAL, Address("192.0.2.1", 40001))
UDP = Flow(8, "UDP", LOCAL, Address("192.0.2.1", 5060))

INSTANCE = '+sip.instance="<urn:uuid:4b1682a8-f968-5701-83fc-7c6741dc6697>"'


class Element:
    """A registrar on an endpoint of its own, in a network where proxies may be."""

    def __init__(
        self,
        *,
        credentials: PasswordStore | None = None,
        trusted: tuple[str, ...] = ("192.0.2.0/24",),
        **settings: object,
    ) -> None:
        entropy = SeededEntropy(b"registrar")
        listen = (Listen("UDP", "192.0.2.10", 5060), Listen("TCP", "192.0.2.10", 5060))
        config = EndpointConfig(listen=listen, trusted_networks=trusted)
        self.endpoint = Endpoint(config, entropy=entropy, wall_clock=1_000_000.0)
        settings = {"domains": ("example.com",), **settings}
        self.registrar = Registrar(
            self.endpoint,
            RegistrarConfig(**settings),  # type: ignore[arg-type]
            entropy=entropy,
            credentials=credentials,
        )
        self.pump = Pump(self.endpoint, [self.registrar])
        self.events: list[object] = []
        self.now = 0.0
        self._branch = 0

    def send(self, request: Request, flow: Flow = TCP) -> Response:
        self.events += self.pump.receive_data(bytes(request), flow=flow, now=self.now)
        (sent,) = self.pump.data_to_send()
        response = parse_message(sent.data)
        assert isinstance(response, Response)
        return response

    def register(
        self,
        *contacts: str,
        cseq: int = 1,
        call_id: str = "c1",
        flow: Flow = TCP,
        to: str = "<sip:bob@example.com>",
        uri: str = "sip:example.com",
        vias: int = 1,
        **headers: str | Iterable[str],
    ) -> Response:
        self._branch += 1
        lines = [("Via", f"SIP/2.0/TCP 192.0.2.1:5060;branch=z9hG4bK{self._branch}.{n}") for n in range(vias)]
        more = [(name.replace("_", "-"), value) for name, value in headers.items()]
        request = Request.build(
            "REGISTER",
            uri,
            [
                *lines,
                ("Max-Forwards", "70"),
                ("From", f"{to};tag=1"),
                ("To", to),
                ("Call-ID", call_id),
                ("CSeq", f"{cseq} REGISTER"),
                *[("Contact", contact) for contact in contacts],
                *more,
            ],
        )
        return self.send(request, flow)

    def close(self, flow: Flow) -> None:
        self.events += self.pump.settle(self.endpoint.flow_closed(flow, now=self.now), now=self.now)

    def contacts(self, user: str = "sip:bob@example.com") -> list[str]:
        return [str(each.uri) for each in self.registrar.lookup(user)]

    def advance(self, seconds: float) -> None:
        self.now += seconds
        self.events += self.pump.handle_timeout(now=self.now)


BOB = "<sip:bob@192.0.2.1:5070>"


def test_a_registered_contact_is_found_and_listed_with_its_lifetime() -> None:
    element = Element()
    response = element.register(BOB, Expires="600")
    assert response.status == 200
    assert [str(each) for each in response.contact] == [f"{BOB};expires=600"]
    assert response.headers.get("Expires") == "600"
    assert element.contacts() == ["sip:bob@192.0.2.1:5070"]


def test_the_answer_has_the_date_where_somebody_has_told_it() -> None:
    element = Element()
    element.advance(86_400)
    assert element.register(BOB).headers.get("Date") == "Tue, 13 Jan 1970 13:46:40 GMT"


def test_the_lifetime_in_the_contact_comes_before_the_header_and_both_before_the_default() -> None:
    element = Element(max_expires=5000)
    first = element.register(BOB + ";expires=100", Expires="600")
    assert first.headers.get("Expires") == "100"
    assert element.register(BOB, cseq=2).headers.get("Expires") == "3600"
    assert element.register(BOB + ";expires=99999", cseq=3).headers.get("Expires") == "5000"
    assert element.register(BOB + ";expires=soon", cseq=4).headers.get("Expires") == "3600"


def test_too_short_a_lifetime_is_refused_with_the_one_that_would_do() -> None:
    element = Element(min_expires=60)
    response = element.register(BOB, Expires="10")
    assert (response.status, response.headers.get("Min-Expires")) == (423, "60")
    assert element.contacts() == []


def test_a_query_lists_what_is_there() -> None:
    element = Element()
    assert element.register().headers.get("Expires") == "0"
    element.register(BOB, Expires="600")
    response = element.register(cseq=2)
    assert len(response.contact) == 1
    assert response.headers.get("Expires") == "600"


def test_expires_0_removes_and_the_answer_still_says_expires() -> None:
    element = Element()
    element.register(BOB)
    response = element.register(BOB, cseq=2, Expires="0")
    assert (response.status, response.contact, response.headers.get("Expires")) == (200, (), "0")
    assert element.contacts() == []


def test_removing_what_was_never_there_is_fine() -> None:
    assert Element().register(BOB, Expires="0").status == 200


def test_star_removes_everything() -> None:
    element = Element()
    element.register(BOB, "<sip:bob@192.0.2.2>")
    assert element.register("*", cseq=2, Expires="0").status == 200
    assert element.contacts() == []


@pytest.mark.parametrize(("contacts", "expires"), [(("*",), "60"), (("*", BOB), "0"), (("*",), "")])
def test_star_with_anything_else_is_a_bad_request(contacts: tuple[str, ...], expires: str) -> None:
    element = Element()
    element.register(BOB)
    assert element.register(*contacts, cseq=2, Expires=expires).status == 400
    assert len(element.contacts()) == 1


@pytest.mark.parametrize("contacts", [(BOB,), ("*",)])
def test_an_older_request_of_the_same_call_changes_nothing(contacts: tuple[str, ...]) -> None:
    element = Element()
    element.register(BOB, cseq=5)
    assert element.register(*contacts, cseq=5, Expires="0").status == 500
    assert len(element.contacts()) == 1
    assert element.register(*contacts, cseq=1, call_id="after-a-restart", Expires="0").status == 200
    assert element.contacts() == []


def test_several_contacts_change_together_or_not_at_all() -> None:
    element = Element()
    element.register(BOB, cseq=5)
    assert element.register("<sip:bob@192.0.2.3>", BOB, cseq=4).status == 500
    assert len(element.contacts()) == 1


@pytest.mark.parametrize("domain", ["example.com.", "EXAMPLE.COM."])
def test_a_domain_is_served_also_with_the_dot_of_the_root(domain: str) -> None:
    element = Element()
    assert element.register(BOB, to=f"<sip:bob@{domain}>", uri=f"sip:{domain}").status == 200
    assert element.contacts() == element.contacts(f"sip:bob@{domain}") == ["sip:bob@192.0.2.1:5070"]


def test_contacts_are_compared_as_uris_not_as_text() -> None:
    element = Element()
    element.register("<sip:bob@HOST.example;transport=tcp>")
    element.register("Bob <sip:bob@host.example;transport=TCP>", cseq=2)
    assert len(element.contacts()) == 1


@pytest.mark.parametrize(
    ("contacts", "bound"),
    [
        ((BOB, BOB), [f"{BOB};expires=3600"]),
        ((f"{BOB};expires=100", f"{BOB};expires=200"), [f"{BOB};expires=200"]),
        ((BOB, f"{BOB};expires=0"), []),
        ((f"{BOB};expires=0", BOB), [f"{BOB};expires=3600"]),
        ((f"{BOB};{INSTANCE}", f"<sip:bob@192.0.2.1>;{INSTANCE}"), [f"<sip:bob@192.0.2.1>;{INSTANCE};expires=3600"]),
    ],
)
def test_of_a_contact_that_comes_twice_in_one_request_the_last_counts(
    contacts: tuple[str, ...], bound: list[str]
) -> None:
    element = Element()
    assert element.register(BOB).status == 200
    response = element.register(*contacts, cseq=2, call_id="another")
    assert response.status == 200
    assert [str(each) for each in response.contact] == bound


@pytest.mark.parametrize("granted", ["gruu", "pub-gruu", "temp-gruu", "Temp-GRUU"])
@pytest.mark.parametrize("supported", ["path", "gruu, gruu-10"])
def test_what_only_a_registrar_grants_is_not_taken_from_a_client(granted: str, supported: str) -> None:
    response = Element().register(f'{BOB};{granted}="sip:eve@example.com;gr=1";audio', Supported=supported)
    assert response.status == 200
    assert [str(each) for each in response.contact] == [f"{BOB};audio;expires=3600"]


def test_the_same_device_on_a_new_connection_replaces_its_old_contact() -> None:
    element = Element()
    element.register(f"<sip:bob@192.0.2.1:1;transport=tcp>;{INSTANCE}")
    element.register(f"<sip:bob@192.0.2.1:2;transport=tcp>;{INSTANCE}", call_id="c2")
    assert element.contacts() == ["sip:bob@192.0.2.1:2;transport=tcp"]


def test_bindings_end() -> None:
    element = Element()
    element.register(BOB, Expires="600")
    assert element.pump.next_timeout() == pytest.approx(600.0)
    element.advance(599.0)
    assert len(element.contacts()) == 1
    element.advance(1.0)
    assert element.contacts() == []
    assert [e.cause for e in element.events if isinstance(e, BindingsChanged)] == ["registered", "expired"]


def test_preferences_order_the_contacts() -> None:
    element = Element()
    element.register("<sip:bob@192.0.2.1>;q=0.2", "<sip:bob@192.0.2.2>;q=0.8", "<sip:bob@192.0.2.3>;q=nonsense")
    assert element.contacts() == ["sip:bob@192.0.2.3", "sip:bob@192.0.2.2", "sip:bob@192.0.2.1"]


def test_names_of_one_domain_have_the_same_users_and_two_domains_may_not() -> None:
    one = Element()
    one.register(BOB, to="<sip:Bob@192.0.2.10>", uri="sip:192.0.2.10")
    assert len(one.contacts("sip:bob@example.com")) == 1
    two = Element(one_domain=False)
    two.register(BOB)
    assert two.contacts("sip:bob@192.0.2.10") == []
    assert len(two.contacts("sip:BOB@example.com")) == 1


def test_other_domains_are_not_ours() -> None:
    element = Element()
    assert element.register(BOB, to="<sip:bob@example.org>").status == 404
    assert element.register(BOB, to="<sip:example.com>").status == 404
    assert element.register(BOB, uri="sip:example.org").status == 404
    assert Element(domains=()).register(BOB, to="<sip:bob@example.org>", uri="sip:example.org").status == 200


def test_a_path_is_kept_and_shown_to_those_who_know_it() -> None:
    element = Element()
    path = ("<sip:a.example;lr>", "<sip:b.example;lr>")
    response = element.register(BOB, Path=", ".join(path), Supported="path", vias=2)
    assert [str(each) for each in response.header("Path") or ()] == list(path)  # type: ignore[call-overload]
    (binding,) = element.registrar.lookup("sip:bob@example.com")
    assert [str(each) for each in binding.route] == list(path)
    assert binding.flow is None
    assert "Path" not in element.register(BOB, cseq=2, Path=path[0], vias=2).headers


@pytest.mark.parametrize("flow", [TCP, UDP], ids=["TCP", "UDP"])
@pytest.mark.parametrize("vias", [1, 2])
@pytest.mark.parametrize("path", [{}, {"Path": "<sip:203.0.113.5;lr>"}], ids=["no Path", "Path"])
def test_of_strangers_the_flow_is_the_only_way_back(flow: Flow, vias: int, path: dict[str, str]) -> None:
    element = Element(trusted=())
    elsewhere = "<sip:+19005550100@203.0.113.5;user=phone>"
    response = element.register(elsewhere, Supported="path", vias=vias, flow=flow, **path)
    assert response.status == 200
    assert "Path" not in response.headers
    (binding,) = element.registrar.lookup("sip:bob@example.com")
    assert (binding.flow, binding.route) == (flow, ())
    later = Element(trusted=())
    later.registrar.restore(element.registrar.snapshot(), now=0.0)
    found = later.registrar.lookup("sip:bob@example.com")  # never the place that he named
    assert [each.flow and (each.flow.transport, each.flow.remote) for each in found] == (
        [("UDP", UDP.remote)] if flow is UDP else []
    )


def test_the_flow_is_remembered_only_when_it_is_the_clients_own() -> None:
    element = Element()
    element.register(BOB)
    assert element.registrar.lookup("sip:bob@example.com")[0].flow == TCP
    assert element.registrar.knows(TCP)
    element.register(BOB, cseq=2, vias=2)
    assert element.registrar.lookup("sip:bob@example.com")[0].flow is None
    assert not element.registrar.knows(TCP)


def test_gruus_are_given_to_those_who_ask_and_find_that_device() -> None:
    element = Element()
    element.register("<sip:bob@192.0.2.9>", call_id="another-phone")
    response = element.register(f"<sip:bob@192.0.2.1>;{INSTANCE}", Supported="gruu-10, gruu")
    shown = next(c for c in response.contact if isinstance(c, NameAddr) and "gruu" in c.params)
    opaque = "user:epid:qIIWS2j5AVeD_HxnQdxmlwAA"
    assert shown.params["gruu"] == f"sip:bob@example.com;opaque={opaque};gruu"
    assert f'gruu="sip:bob@example.com;opaque={opaque};gruu"' in str(shown)
    assert shown.params["pub-gruu"] == "sip:bob@example.com;gr=urn:uuid:4b1682a8-f968-5701-83fc-7c6741dc6697"
    for gruu in (shown.params["gruu"], shown.params["pub-gruu"]):
        assert element.contacts(str(gruu)) == ["sip:bob@192.0.2.1"]
    assert element.contacts("sip:bob@example.com;opaque=user:epid:other;gruu") == []
    assert "gruu" not in str(element.register(cseq=2).contact[0])


def test_microsofts_keep_alive_is_granted() -> None:
    response = Element(keep_alive=120).register(BOB, ms_keep_alive="UAC;hop-hop=yes")
    assert response.headers.get("ms-keep-alive") == "UAS; tcp=no; hop-hop=yes; end-end=no; timeout=120"


def test_a_client_that_registers_flows_is_told_how_to_keep_them_alive() -> None:
    element = Element(flow_timer=90)
    contact = f"<sip:bob@192.0.2.1>;{INSTANCE};reg-id=1"
    response = element.register(contact, Supported="outbound, path")
    assert (response.require, response.headers.get("Flow-Timer")) == (("outbound",), "90")
    assert element.register(contact, cseq=2, Supported="outbound", flow=UDP).require == ()
    assert element.registrar.lookup("sip:bob@example.com")[0].flow == UDP
    second = f"<sip:bob@192.0.2.1>;{INSTANCE};reg-id=2"
    element.register(second, cseq=3, Supported="outbound")
    assert len(element.contacts()) == 2


def test_settings_add_headers() -> None:
    element = Element(headers=(("Allow-Events", "conference"),), service_route=(NameAddr.parse("<sip:192.0.2.10;lr>"),))
    response = element.register(BOB)
    assert response.headers.get("Allow-Events") == "conference"
    assert response.headers.get("Service-Route") == "<sip:192.0.2.10;lr>"


def test_limits_hold() -> None:
    element = Element(max_contacts=2, max_users=1)
    contacts = [f"<sip:bob@192.0.2.{n}>" for n in range(3)]
    assert element.register(*contacts).status == 403
    assert element.register(*contacts[:2]).status == 200
    assert element.register(BOB, to="<sip:carol@example.com>").status == 503
    assert element.register(*contacts[:2], cseq=2).status == 200


def test_a_contact_that_is_too_large_is_not_kept() -> None:
    element = Element(max_contact=200)
    assert element.register(BOB, User_Agent="x" * 1000).status == 200
    assert element.registrar.lookup("sip:bob@example.com")[0].user_agent == "x" * 100
    assert element.register(f"<sip:bob@192.0.2.1;x={'y' * 200}>", cseq=2).status == 513
    assert len(element.contacts()) == 1


def test_who_listens_everywhere_serves_every_address() -> None:
    element = Element()
    element.endpoint.set_listen([Listen("UDP", "0.0.0.0", 5060)])
    assert element.register(BOB, to="<sip:bob@198.51.100.1>", uri="sip:198.51.100.1").status == 200
    assert element.contacts("sip:bob@203.0.113.1") == ["sip:bob@192.0.2.1:5070"]


def test_a_contact_that_cannot_be_read_is_a_bad_request() -> None:
    assert Element().register("<sip:bob@192.0.2.1").status == 400


def test_with_credentials_a_client_has_to_show_its_own() -> None:
    element = Element(credentials=PasswordStore({"bob": "zanzibar", "eve": "secret"}))
    request = Request.build("REGISTER", "sip:example.com")

    def answer(username: str, password: str) -> str:
        challenge = element.register(BOB, call_id="asks-for-a-nonce")
        assert challenge.status == 401
        client = DigestClient(
            {"example.com": Credentials(username, password)}.get, entropy=SeededEntropy(username.encode())
        )
        return client.answer(challenge, request)[0][1]

    assert element.register(BOB, cseq=2, Authorization=answer("bob", "wrong")).status == 401
    assert element.register(BOB, cseq=3, Authorization=answer("eve", "secret")).status == 403
    assert element.contacts() == []
    good = answer("bob", "zanzibar")
    assert element.register(BOB, cseq=4, Authorization=good).status == 200
    assert "stale=true" in element.register(BOB, cseq=5, Authorization=good).headers.get("WWW-Authenticate", "")
    bad = good.replace("nc=00000001", "nc=first")
    assert element.register(BOB, cseq=6, Authorization=bad).status == 400


def test_changes_are_told() -> None:
    element = Element()
    element.register(BOB)
    element.register(cseq=2)
    element.register(BOB, cseq=3, Expires="0")
    told = [(e.aor, e.cause, len(e.bindings)) for e in element.events if isinstance(e, BindingsChanged)]
    assert told == [("bob", "registered", 1), ("bob", "removed", 0)]


def test_of_two_phones_the_one_that_went_is_told_and_not_the_one_that_stays() -> None:
    element, desk = Element(), "<sip:bob@192.0.2.3>"
    element.register(BOB, Expires="600")
    element.register(desk, call_id="c2")
    element.register(f"{desk};expires=0", call_id="c2", cseq=2)
    element.advance(600.0)
    changes = [e for e in element.events if isinstance(e, BindingsChanged)]
    at = [(e.cause, [str(each.uri) for each in e.gone]) for e in changes]
    bob = BOB.strip("<>")
    assert at == [("registered", []), ("registered", []), ("removed", ["sip:bob@192.0.2.3"]), ("expired", [bob])]
