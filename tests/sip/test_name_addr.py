from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sip import LocalProtocolError, MalformedHeader, NameAddr, SipError, Uri, parse_message, refuse
from sip.testing.network import raw_request


@pytest.mark.parametrize(
    ("text", "name", "uri", "params"),
    [
        ("<sip:a@b.example>", None, "sip:a@b.example", {}),
        ("Alice <sip:a@b.example;lr>;tag=1", "Alice", "sip:a@b.example;lr", {"tag": "1"}),
        ('"A \\"B\\" <x>;y" <sip:a@b.example>;tag=1', 'A "B" <x>;y', "sip:a@b.example", {"tag": "1"}),
        ("sip:a@b.example;tag=1", None, "sip:a@b.example", {"tag": "1"}),
        ("sip:b.example ; tag = 1 ; flag", None, "sip:b.example", {"tag": "1", "flag": None}),
        ("caller<sip:a@b.example>", "caller", "sip:a@b.example", {}),
        ("T. desk phone <sip:a@[2001:db8::1]>", "T. desk phone", "sip:a@[2001:db8::1]", {}),
        ('"" <sip:a@b.example>', "", "sip:a@b.example", {}),
        ("<tel:+1-201-555-0123>;tag=x", None, "tel:+1-201-555-0123", {"tag": "x"}),
        ("isbn:2983792873", None, "isbn:2983792873", {}),
        ('<sip:b.example>;+sip.instance="<urn:uuid:0>"', None, "sip:b.example", {"+sip.instance": "<urn:uuid:0>"}),
        ('<sip:b.example>;methods="INVITE, BYE"', None, "sip:b.example", {"methods": "INVITE, BYE"}),
        ("\u0410\u043b\u0438\u0441\u0430 <sip:a@b.example>", "\u0410\u043b\u0438\u0441\u0430", "sip:a@b.example", {}),
    ],
)
def test_the_parts_of_an_address(text: str, name: str | None, uri: str, params: dict[str, str | None]) -> None:
    address = NameAddr.parse(text)
    assert address.display_name == name
    assert str(address.uri) == uri
    assert dict(address.params) == params
    assert str(address) == text


@pytest.mark.parametrize(
    "text",
    [
        '"Mr. J. User <sip:j.user@example.com>',
        "<sip:a@b.example",
        "<>",
        "Alice",
        '"Alice"',
        '"Alice <sip:a@b.example>',
        '"Bob "<sip:eve@b.example>" Smith" <sip:bob@b.example>',
        '"Alice "B" <sip:a@b.example>;x="1',
        '"Alice" "B <sip:a@b.example>',
        '"A"B" <sip:a@b.example>, "C"D" <sip:c@d.example>',
        '""A" <B>" C <sip:a@b.example>" x',
        "sip:a@b.example?Route=%3Csip:x%3E",
        "sip:a@b.example, sip:c@d.example",
        "<sip:a@b.example> junk",
        "<sip:a@b.example>;tag=1 2",
        '<sip:a@b.example>;x="1',
        "<sip:a b@c.example>",
        "*",
    ],
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(MalformedHeader):
        NameAddr.parse(text)


@pytest.mark.parametrize(
    ("text", "name", "uri"),
    [
        ("Bell, Alexander <sip:a.g.bell@example.com>;tag=43", "Bell, Alexander", "sip:a.g.bell@example.com"),
        ('"Watson" < sip:t.watson@example.org >', "Watson", "sip:t.watson@example.org"),
        ("Alice sip:a@b.example", "Alice", "sip:a@b.example"),
        ("<sip:a@b.example>;;tag=1", None, "sip:a@b.example"),
        ('""Bob" Smith" <sip:bob@b.example>', '"Bob" Smith', "sip:bob@b.example"),
        ('"Bob "Bobby" Smith" <sip:bob@b.example>;tag=1', 'Bob "Bobby" Smith', "sip:bob@b.example"),
        ('Bob "The Builder" <sip:bob@b.example>', 'Bob "The Builder"', "sip:bob@b.example"),
        ('"Bob" Smith <sip:bob@b.example>', '"Bob" Smith', "sip:bob@b.example"),
        ('"A" "B" <sip:bob@b.example>;x="<urn:uuid:1>"', 'A" "B', "sip:bob@b.example"),
        ('"a"b" <sip:bob@b.example>;tag=1', 'a"b', "sip:bob@b.example"),
        ('"Bob <sip:x@y.example>" z" <sip:bob@b.example>', 'Bob <sip:x@y.example>" z', "sip:bob@b.example"),
        ('Bob "The" Builder" <sip:bob@b.example>;x="y"', 'Bob "The" Builder"', "sip:bob@b.example"),
        ('"Bob Smith" sip:bob@b.example', "Bob Smith", "sip:bob@b.example"),
        ("<sip:a@b.example>;tag=a/b=", None, "sip:a@b.example"),
        ("<sip:a@b.example>;tag=1;tag=2", None, "sip:a@b.example"),
    ],
)
def test_what_peers_get_wrong_is_tolerated_and_reported(text: str, name: str | None, uri: str) -> None:
    said: list[str] = []
    address = NameAddr.parse(text, said.append)
    assert (address.display_name, str(address.uri)) == (name, uri)
    assert said
    with pytest.raises(SipError):
        NameAddr.parse(text, refuse)


@given(st.lists(st.sampled_from(['"', '""', "Bob", " ", "The", "é", "<x>", "\\", "'"]), max_size=9), st.booleans())
def test_a_name_with_any_quotes_in_it_never_hides_the_address_behind_it(parts: list[str], quoted: bool) -> None:
    name = f'"{"".join(parts)}"' if quoted else "".join(parts)
    try:
        address = NameAddr.parse(f'{name} <sip:bob@b.example>;tag=1;x="<sip:eve@b.example>"')
    except MalformedHeader:
        return
    assert (str(address.uri), address.tag) == ("sip:bob@b.example", "1")
    again = NameAddr.parse(str(address.with_params(y="2")), refuse)
    assert (again.display_name or "", again.uri, again.tag) == (address.display_name or "", address.uri, "1")


def test_a_display_name_is_quoted_and_cannot_break_out() -> None:
    address = NameAddr("sip:a@b.example", 'x" <sip:evil@b.example>;tag=1 \\')
    again = NameAddr.parse(str(address))
    assert again == address
    assert str(again.uri) == "sip:a@b.example"
    assert again.tag is None
    with pytest.raises(LocalProtocolError):
        NameAddr("sip:a@b.example", "x\r\nVia: y")


def test_parameters_are_quoted_and_cannot_break_out() -> None:
    address = NameAddr("sip:a@b.example", params={"x": '1;tag=2"', "y": "\u20ac"})
    assert NameAddr.parse(str(address), refuse) == address
    for broken in ({"a b": "1"}, {"x": "1\r\n2"}, {"": "1"}, {"x;y": None}):
        with pytest.raises(LocalProtocolError):
            NameAddr("sip:a@b.example", params=broken)  # type: ignore[arg-type]


def test_changing_parameters_keeps_the_others_as_written() -> None:
    address = NameAddr.parse('Bob <sip:b@c.example>;Q="0.50";tag=1')
    assert str(address.with_tag("2")) == 'Bob <sip:b@c.example>;Q="0.50";tag=2'
    assert str(address.without_params("tag")) == 'Bob <sip:b@c.example>;Q="0.50"'
    assert str(address.without_params()) == "Bob <sip:b@c.example>"
    assert address.tag == "1"


def test_contact_parameters_have_meaning() -> None:
    contact = NameAddr.parse("<sip:a@b.example>;q=0.25;expires=60")
    assert (contact.q, contact.expires) == (0.25, 60)
    odd = NameAddr.parse("<sip:a@b.example>;q=best;expires=never")
    assert (odd.q, odd.expires) == (1.0, None)
    assert NameAddr.parse("<sip:a@b.example>").expires is None
    assert NameAddr.parse("<sip:a@b.example>;expires=280297596632815").expires == 2**32 - 1


def test_equality_is_about_meaning() -> None:
    one = NameAddr.parse('"Bob" <sip:b@C.example>;TAG=1')
    other = NameAddr(Uri.parse("sip:b@c.example"), "Bob", {"tag": "1"})
    assert one == other
    assert hash(one) == hash(other)
    assert one != NameAddr.parse("<sip:b@c.example>;tag=1")
    assert one != "x"
    assert "Bob" in repr(one)


@given(st.text('<>";=,sip:a@b.c \\\t', max_size=30))
def test_any_text_is_an_address_or_refused(text: str) -> None:
    try:
        address = NameAddr.parse(text)
    except SipError:
        return
    assert str(address) == text
    assert isinstance(hash(address), int)


ODD = ('"a"b" <sip:b@h.example>', '"Bob <sip:x@y.example>" z" <sip:b@h.example>;q=1', '"A "B" C" <sip:b@h.example>')
EVEN = ("<sip:b@h.example>", '"Bob" <sip:b@h.example>;x="<a>,b"', '"Bob, B" <sip:b@h.example>')


@given(st.lists(st.sampled_from(ODD + EVEN), min_size=1, max_size=5), st.sampled_from([",", ", ", " ,\t"]))
def test_odd_quotes_in_a_list_hide_no_address(items: list[str], comma: str) -> None:
    told = parse_message(raw_request("OPTIONS", extra=(f"Contact: {comma.join(items)}",)))
    if all(item in EVEN for item in items) or '"Bob, B" <sip:b@h.example>' not in items:
        assert [str(each.uri) for each in told.contact if isinstance(each, NameAddr)] == ["sip:b@h.example"] * len(
            items
        )
