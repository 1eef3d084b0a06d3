from __future__ import annotations

from ipaddress import IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sip import LocalProtocolError, MalformedHeader, SipError, Uri, aor_key, canonical_host, conference_key, refuse
from sip.testing import sip_uris, tel_uris, uris

CONFERENCE = "sip:alice@example.com;gruu;opaque=app:conf:focus:id:7A1B"


@given(uris())
def test_a_uri_survives_printing_and_strict_parsing(uri: Uri) -> None:
    again = Uri.parse(str(uri), refuse)
    assert again == uri
    assert hash(again) == hash(uri)
    assert str(again) == str(uri)
    assert (again.user, again.password, again.host, again.port) == (uri.user, uri.password, uri.host, uri.port)
    assert again.params == uri.params
    assert again.headers == uri.headers


@given(st.text(max_size=40) | st.text('sip:tela@b.c1;=?&%[]<>" ', max_size=30))
def test_any_text_is_a_uri_or_refused(text: str) -> None:
    for candidate in (text, "sip:" + text):
        try:
            uri = Uri.parse(candidate)
        except SipError:
            continue
        assert str(uri) == candidate.strip(" \t")
        assert isinstance(uri.headers, tuple)
        assert isinstance(hash(uri), int)


@given(sip_uris())
def test_equal_uris_are_equivalent(uri: Uri) -> None:
    assert uri.equivalent(Uri.parse(str(uri)))


def test_the_parts_of_a_uri() -> None:
    uri = Uri.parse("sips:Alice%20B:se%3Acret@ATLANTA.example:5071;transport=TCP;lr;maddr=192.0.2.1?Subject=a%26b&X=")
    assert (uri.scheme, uri.user, uri.password, uri.host, uri.port) == (
        "sips",
        "Alice B",
        "se:cret",
        "atlanta.example",
        5071,
    )
    assert dict(uri.params) == {"transport": "TCP", "lr": None, "maddr": "192.0.2.1"}
    assert uri.transport == "tcp"
    assert uri.lr
    assert uri.headers == (("Subject", "a&b"), ("X", ""))


@pytest.mark.parametrize("written", ["sip:bob@Example.COM.", "sip:b%6Fb@example.com.", "sip:bob@example.com.;user=ip"])
def test_a_name_with_the_dot_of_the_root_is_the_same_name_and_prints_as_it_came(written: str) -> None:
    uri = Uri.parse(written)
    plain = Uri.parse(written.replace("com.", "com").replace("COM.", "COM"))
    assert uri.host == canonical_host("EXAMPLE.com.") == "example.com"
    assert uri == plain
    assert uri.equivalent(plain)
    assert aor_key(uri) == aor_key(plain)
    assert str(uri) == written
    assert str(uri.with_params(lr=None)).lower().startswith(written.lower())
    assert uri.host_port == "example.com."


def test_an_ipv6_host_has_no_brackets_and_gets_them_back() -> None:
    uri = Uri.parse("sip:a@[2001:DB8::1]:5060")
    assert (uri.host, uri.port, uri.host_port) == ("2001:db8::1", 5060, "[2001:db8::1]:5060")
    assert str(Uri("sip", "2001:db8::1", "a", port=5060)) == "sip:a@[2001:db8::1]:5060"
    assert Uri("sip", "[2001:db8::1]", "a").host == "2001:db8::1"


@pytest.mark.parametrize(
    ("text", "user", "host"),
    [
        ("sip:user;par=u%40example.net@example.com", "user;par=u@example.net", "example.com"),
        ("sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*@example.com", None, "example.com"),
        ("sip:null-%00-null@example.com", "null-\0-null", "example.com"),
        ("sip:+1-212-555-1212:1234@gateway.example;user=phone", "+1-212-555-1212", "gateway.example"),
        ("sip:*67#5551@example.com", "*67#5551", "example.com"),
        ("sip:example.com?to=sip:a@b.example", None, "example.com"),
        ("sip:my_host", None, "my_host"),
        ("sip:h\u00f6st.example", None, "h\u00f6st.example"),
    ],
)
def test_where_the_user_part_ends(text: str, user: str | None, host: str) -> None:
    uri = Uri.parse(text)
    assert uri.host == host
    if user is not None:
        assert uri.user == user
    assert str(uri) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "sip:",
        "sip:@",
        "sip:a@b@c.example",
        "sip:a@",
        "sip:a b@example.com",
        "sip:a@example.com:port",
        "sip:a@example.com:70000",
        "sip:a@2001:db8::1",
        "sip:a@[2001:db8::1",
        "sip:a@[2001:db8::zz]",
        "sip:a@[2001::db8::1]",
        "sip:a@example.com;=x",
        "<sip:a@example.com>",
        "sip:a@exa\r\nmple.com",
        "sip:a@example.com;x=\r\ny",
        "alice",
        "1:2",
    ],
)
def test_what_is_no_uri_is_refused(text: str) -> None:
    with pytest.raises(MalformedHeader):
        Uri.parse(text)


@pytest.mark.parametrize(
    "text",
    [
        "sip:a@my_host",
        "sip:a#b@example.com",
        "sip:a%zz@example.com",
        "sip:@example.com",
        "sip:a@example.com:",
        'sip:a@example.com;transport="tcp"',
        "sip:a@example.com;;lr",
        "sip:a@example.com;x=",
        "sip:a@example.com;x=1;x=2",
        "sip:a@example.com?nothing",
        "sip:a@[2001:db8:::192.0.2.1]",
        "sip:a@[fe80::1%eth0]",
        "sip:a@[fe80::1%25eth0]:5060;lr",
        " sip:a@example.com ",
    ],
)
def test_what_peers_get_wrong_is_tolerated_and_reported(text: str) -> None:
    said: list[str] = []
    uri = Uri.parse(text, said.append)
    assert said
    assert uri.user != "x"
    with pytest.raises(SipError):
        Uri.parse(text, refuse)


def test_quoted_parameters_lose_their_quotes() -> None:
    assert Uri.parse('sip:a@example.com;transport="tcp"').transport == "tcp"


def test_three_colons_are_two() -> None:
    assert Uri.parse("sip:a@[2001:db8:::192.0.2.1]").host == "2001:db8::c000:201"


def test_escapes_and_case_do_not_matter_for_equality() -> None:
    assert Uri.parse("SIP:%61lice@ATLANTA.example") == Uri.parse("sip:alice@atlanta.example")
    assert Uri.parse("sip:a%3bb@h.example") == Uri.parse("sip:a%3Bb@h.example")
    assert Uri.parse("sip:a%3Bb@h.example") != Uri.parse("sip:a;b@h.example")  # reserved: not the same (19.1.4)
    assert Uri.parse("sip:Alice@h.example") != Uri.parse("sip:alice@h.example")
    assert Uri.parse("sip:a@h.example;b=1;c=2") == Uri.parse("sip:a@h.example;c=2;b=1")
    assert Uri.parse("sip:a@h.example") != Uri.parse("sip:a@h.example:5060")
    assert Uri.parse("sip:a@h.example") != "sip:a@h.example"


# RFC 3261 section 19.1.4, its examples.
@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("sip:%61lice@atlanta.com;transport=TCP", "sip:alice@AtLanTa.CoM;Transport=tcp"),
        ("sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5"),
        ("sip:carol@chicago.com", "sip:carol@chicago.com;security=on"),
        (
            "sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com",
            "sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com",
        ),
        (
            "sip:alice@atlanta.com?subject=project%20x&priority=urgent",
            "sip:alice@atlanta.com?priority=urgent&subject=project%20x",
        ),
        ("tel:+1-201-555-0123", "tel:+12015550123"),
    ],
)
def test_equivalent_uris(one: str, other: str) -> None:
    assert Uri.parse(one).equivalent(Uri.parse(other))
    assert Uri.parse(other).equivalent(Uri.parse(one))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("SIP:ALICE@AtLanTa.CoM;Transport=udp", "sip:alice@AtLanTa.CoM;Transport=UDP"),
        ("sip:bob@biloxi.com", "sip:bob@biloxi.com:5060"),
        ("sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp"),
        ("sip:bob@biloxi.com", "sip:bob@biloxi.com:6000;transport=tcp"),
        ("sip:carol@chicago.com;security=on", "sip:carol@chicago.com;security=off"),
        ("sip:carol@chicago.com?Subject=a", "sip:carol@chicago.com"),
        ("sip:a@example.com", "sips:a@example.com"),
        ("tel:+12015550123", "tel:+12015550123;ext=1"),
        ("http://a.example", "http://b.example"),
    ],
)
def test_uris_that_are_not_equivalent(one: str, other: str) -> None:
    assert not Uri.parse(one).equivalent(Uri.parse(other))


@given(st.ip_addresses(v=6), st.integers(0, 3))
def test_ipv6_addresses_compare_by_value_however_they_are_written(address: IPv6Address, style: int) -> None:
    # RFC 5954 section 4.2
    written = [str(address), address.exploded, str(address).upper(), address.exploded.upper()][style]
    one, other = Uri.parse(f"sip:a@[{written}]:5060;x=1"), Uri.parse(f"sip:a@[{address.exploded}]:5060;x=1")
    assert one == other
    assert hash(one) == hash(other)
    assert one.equivalent(other)
    assert aor_key(one) == aor_key(other) == aor_key(Uri("sip", written, "a"))
    assert conference_key(one) == conference_key(other)
    assert str(one) == f"sip:a@[{written}]:5060;x=1"
    assert str(one.with_params(y="2")) == f"sip:a@[{written.lower()}]:5060;x=1;y=2"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("sip:bob@[::ffff:192.0.2.128]", "sip:bob@[::ffff:c000:280]"),
        ("sip:bob@[2001:db8::9:1]", "sip:bob@[2001:db8::9:01]"),
        ("sip:bob@[0:0:0:0:0:FFFF:129.144.52.38]", "sip:bob@[::FFFF:129.144.52.38]"),
        ("sip:bob@[fe80::1%eth0]", "sip:bob@[FE80:0::1%25eth0]"),
    ],
)
def test_the_examples_of_rfc_5954_are_equivalent(one: str, other: str) -> None:
    assert Uri.parse(one).equivalent(Uri.parse(other))
    assert aor_key(Uri.parse(one)) == aor_key(Uri.parse(other))


def test_equivalence_is_not_transitive() -> None:
    on, plain, off = (Uri.parse(f"sip:carol@chicago.com{end}") for end in (";security=on", "", ";security=off"))
    assert on.equivalent(plain)
    assert plain.equivalent(off)
    assert not on.equivalent(off)


def test_keys_fold_what_tables_must_not_tell_apart() -> None:
    assert aor_key(Uri.parse("sip:Alice@Example.COM;transport=tcp")) == aor_key(
        Uri.parse("sips:alice@example.com:5061")
    )
    assert conference_key(Uri.parse(CONFERENCE)) == conference_key(
        Uri.parse(CONFERENCE.upper().replace("SIP", "sip", 1))
    )
    assert conference_key(Uri.parse(CONFERENCE)) != conference_key(Uri.parse(CONFERENCE + "1"))
    assert aor_key(Uri.parse("tel:+1-201")) == aor_key(Uri.parse("tel:+1(201);ext=1"))
    assert aor_key(Uri.parse("urn:x:Y")) == "urn:x:Y"


def test_other_schemes_keep_their_text() -> None:
    uri = Uri.parse("HTTP://www.example.com/a?b#c")
    assert (uri.scheme, uri.opaque_part, uri.host, uri.user) == ("http", "//www.example.com/a?b#c", "", None)
    with pytest.raises(LocalProtocolError):
        uri.with_params(lr=None)


def test_a_telephone_number_has_parameters() -> None:
    uri = Uri.parse("tel:7042;phone-context=example.com")
    assert uri.params["phone-context"] == "example.com"
    assert str(uri.with_params(ext="5")) == "tel:7042;phone-context=example.com;ext=5"


@given(tel_uris())
def test_a_telephone_number_is_equivalent_to_itself(uri: Uri) -> None:
    assert uri.equivalent(Uri.parse(str(uri)))


def test_changing_parameters_keeps_the_rest_as_it_was() -> None:
    uri = Uri.parse("sip:%61:b@H.example;Opaque=app:x%3b1;lr?a=b")
    assert str(uri.with_params(lr=None, transport="tcp")) == "sip:%61:b@h.example;Opaque=app:x%3b1;lr;transport=tcp?a=b"
    assert str(uri.without_params("OPAQUE")) == "sip:%61:b@h.example;lr?a=b"
    assert str(uri.without_params().without_headers()) == "sip:%61:b@h.example"
    assert uri.opaque == "app:x;1"


def test_names_of_parameters_may_be_escaped() -> None:
    # RFC 4475 section 3.1.1.3; unescaping happens once.
    uri = Uri.parse("sip:cal%6Cer@host5.example.net;%6C%72;n%61me=v%61lue%25%34%31")
    assert uri.lr
    assert uri.params["name"] == "value%41"
    assert uri.user == "caller"


def test_what_a_component_cannot_hold_is_escaped_or_refused() -> None:
    uri = Uri("sip", "example.com", "a@b\r\n", params={"x": "1;lr", "y z": None}, headers=[("Subject", "a&b=c")])
    assert str(uri) == "sip:a%40b%0D%0A@example.com;x=1%3Blr;y%20z?Subject=a%26b%3Dc"
    for broken in ({"host": "a\r\nb"}, {"host": "a", "port": 70000}, {"host": "a", "scheme": "http"}, {"host": ""}):
        with pytest.raises(LocalProtocolError):
            Uri(**{"scheme": "sip", **broken})  # type: ignore[arg-type]
    with pytest.raises(LocalProtocolError):
        Uri("sip", "example.com", "\ud800")


def test_octets_that_are_no_utf_8_survive() -> None:
    uri = Uri.parse("sip:%FF%C3@example.com")
    assert Uri("sip", "example.com", uri.user) == uri


def test_a_repr_hides_the_password() -> None:
    assert "secret" not in repr(Uri.parse("sip:alice:secret@example.com"))
    assert "alice" in repr(Uri.parse("sip:alice@example.com"))


def test_what_is_broken_in_a_tel_uri_is_found_when_it_is_read() -> None:
    for text in ("tel:+1;a,b", "tel:+1;\0=1", "tel:+1\0", "tel:+1;=x", "urn:a\x7f"):
        with pytest.raises(MalformedHeader):
            Uri.parse(text)
    with pytest.raises(MalformedHeader):
        Uri.parse("tel:CALL-ME", refuse)
    assert str(Uri.parse("tel:CALL-ME")) == "tel:CALL-ME"


def test_a_parameter_may_have_characters_that_no_token_has() -> None:
    uri = Uri.parse("sip:a@example.com;(x)=[y];z)")
    assert dict(uri.params) == {"(x)": "[y]", "z)": None}
    assert uri == Uri("sip", "example.com", "a", params={"(x)": "[y]", "z)": None})
