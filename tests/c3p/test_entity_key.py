"""Which spellings of an entity are one item."""

from __future__ import annotations

from ipaddress import IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from c3p import uri_key


@given(st.ip_addresses(v=6), st.booleans())
def test_ipv6_addresses_count_by_value(address: IPv6Address, long: bool) -> None:
    # RFC 5954 section 4.2
    opaque = "x" * 300 if long else "x"
    texts = {str(address), address.exploded, address.exploded.upper()}
    assert len({uri_key(f"sip:Bob@[{text}]:5060;opaque={opaque}") for text in texts}) == 1


@pytest.mark.parametrize("text", ["sip:bob@[::1", "sip:bob@[zz]", "sip:bob@[1:2]", "[", "sip:b@[fe80::1%eth0]"])
def test_what_is_no_ipv6_address_is_text(text: str) -> None:
    assert uri_key(text.upper()) == uri_key(text)


def test_different_addresses_stay_different() -> None:
    assert uri_key("sip:b@[::1]") != uri_key("sip:b@[::2]")
    assert uri_key("sip:b@[fe80::1%eth0]") != uri_key("sip:b@[fe80::1%eth1]")
