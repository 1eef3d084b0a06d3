"""What a registrar takes for a contact, and whom it gives a GRUU."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sip import (
    Claim,
    Endpoint,
    EndpointConfig,
    NameAddr,
    PasswordStore,
    Response,
    SeededEntropy,
    Uri,
    parse_message,
    read_piece,
)
from tests.sip.test_proxy import request
from tests.sip.test_registrar import BOB, INSTANCE, TCP, Element


def test_gruus_are_given_only_where_requests_to_them_arrive() -> None:
    # Behind a proxy that is not in Path whatever is sent to the contact gets lost.
    element = Element()
    contact = f"<sip:bob@192.0.2.7>;{INSTANCE}"
    asks = "gruu, gruu-10, path"
    assert "gruu" not in str(element.register(contact, vias=2, Supported=asks).contact[0])
    shown = str(element.register(contact, cseq=2, vias=2, Supported=asks, Path="<sip:192.0.2.5;lr>").contact[0])
    assert "pub-gruu=" in shown
    assert ";gruu=" in shown


@pytest.mark.parametrize("user", ["bo%0D%0Ab", "bo%22b", 'bo"b', "b;x", "%00", "b%FFb"])
def test_a_gruu_is_a_uri_whatever_the_address_of_record_holds(user: str) -> None:
    element = Element(domains=())
    to = f"<sip:{user}:secret@my_host:5070;x=1>"
    contact = f"<sip:b@192.0.2.1>;{INSTANCE}"
    response = element.register(contact, to=to, uri="sip:my_host", Supported="gruu, gruu-10")
    assert response.status == 200
    (shown,) = response.contact
    assert isinstance(shown, NameAddr)
    for name in ("gruu", "pub-gruu"):
        gruu = Uri.parse(shown.params[name] or "")
        assert (gruu.user, gruu.password, gruu.port) == (Uri.parse(f"sip:{user}@my_host").user, None, None)
        assert len(element.registrar.lookup(gruu)) == 1


UNREACHABLE = [
    "<mailto:bob@example.com>",
    "<tel:+12125551212>",
    "<http://example.com/bob>",
    "<urn:service:sos>",
    '<sip:bo"b@192.0.2.1>',
]
NO_NAMES = [
    "<sip:bob@a..b>",
    "<sip:bob@-x.example>",
    f"<sip:bob@{'x' * 64}.example>",
    f"<sip:bob@{'x.' * 127}example>",
    "<sip:bob@ex\u00e4mple.com>",
]
ITSELF = "<sip:bob@example.com>"  # the address-of-record: it would come back here


@pytest.mark.parametrize("contact", UNREACHABLE)
@pytest.mark.parametrize("vias", [1, 2])
def test_a_contact_that_nobody_reaches_is_passed_over_and_refused_when_there_is_no_other(
    contact: str, vias: int
) -> None:
    element = Element()
    assert element.register(contact, vias=vias).status == 403
    assert element.events == []
    response = element.register(contact, BOB, cseq=2, vias=vias)
    assert [str(each) for each in response.contact] == [f"{BOB};expires=3600"]
    assert element.register(contact, cseq=3, vias=vias, Expires="0").status == 200


@pytest.mark.parametrize("contact", NO_NAMES)
def test_a_name_that_nobody_can_look_up_is_refused_also_where_a_flow_or_a_path_leads_there(contact: str) -> None:
    assert Element().register(contact, vias=2).status == 403
    assert Element().register(contact).status == 403
    assert Element().register(contact, flow=TCP).status == 403
    assert Element().register(contact, vias=2, Path="<sip:192.0.2.5;lr>").status == 403


def test_an_address_of_record_as_its_own_contact_needs_a_flow_or_a_path() -> None:
    assert Element().register(ITSELF, vias=2).status == 403
    assert Element().register(ITSELF).status == 200
    assert Element().register(ITSELF, vias=2, Path="<sip:192.0.2.5;lr>").status == 200


@pytest.mark.parametrize("path", ["<mailto:a@b>", "<sip:a..b;lr>", "<sip:192.0.2.5", "tel:1"])
def test_a_path_that_leads_nowhere_is_a_bad_request(path: str) -> None:
    element = Element()
    assert element.register(BOB, vias=2, Path=path).status == 400
    assert element.contacts() == []


CONTACTS = [BOB, *UNREACHABLE, *NO_NAMES, ITSELF, "*", "<sip:x@[::1%eth0]>", "", ",", "<>", '"a" "b" <sip:b@h>']
JUNK = ["", "x y", "gruu, gruu-10, outbound, path", "9" * 14, "-1", "\udcff", '"', "<mailto:x>", ","]
PARAMS = ["", f";{INSTANCE}", f";{INSTANCE};reg-id=x", ";q=x;expires=\u0661", ';+sip.instance="<\udcff>"']
HEADERS = ["Expires", "Path", "Supported", "User_Agent", "Authorization", "ms_keep_alive", "Require"]


@given(
    contact=st.sampled_from(CONTACTS),
    to=st.sampled_from(["<sip:bob@example.com>", "<mailto:a@b>", "<sip:%00\udcff@example.com>", "<sip:example.com>"]),
    more=st.dictionaries(st.sampled_from(HEADERS), st.sampled_from(JUNK)),
    params=st.sampled_from(PARAMS),
    credentials=st.booleans(),
)
@settings(max_examples=150, deadline=None)
def test_whatever_is_in_a_register_it_gets_one_answer_and_the_next_one_works(
    contact: str, to: str, more: dict[str, str], params: str, credentials: bool
) -> None:
    element = Element(credentials=PasswordStore({"bob": "x"}) if credentials else None)
    for vias in (1, 2):
        response = element.register(contact + params, to=to, vias=vias, call_id=f"bad{vias}", **more)
        assert response.status != 200 or to.startswith("<sip:")
        written = [each for piece in element.registrar.snapshot() for each in read_piece(piece, 1)["bindings"]]
        assert {NameAddr.parse(each["contact"]).uri.scheme for each in written} <= {"sip"}
        later = Element()
        assert later.registrar.restore(element.registrar.snapshot(), now=later.now) == []
        assert later.registrar.snapshot() == element.registrar.snapshot()
    if not credentials:
        assert element.register(BOB, call_id="good").status == 200
    element.advance(10_000.0)
    assert element.pump.next_timeout() is None


@pytest.mark.parametrize("contact", ["sip:x@a..b", "sip:x@-b", "mailto:x@example.com", "tel:+15550100", "http://x/"])
def test_a_dialog_to_where_nothing_can_be_sent_does_not_begin(contact: str) -> None:
    endpoint = Endpoint(EndpointConfig(), entropy=SeededEntropy(b"one"))
    endpoint.add_core("ua", lambda request, flow: True, claim=Claim.ELEMENT, methods=("INVITE",))
    endpoint.receive_data(bytes(request(contact=f"<{contact}>")), flow=TCP, now=0.0)
    (sent,) = endpoint.data_to_send()
    refusal = parse_message(sent.data)
    assert isinstance(refusal, Response)
    assert refusal.status == 400
