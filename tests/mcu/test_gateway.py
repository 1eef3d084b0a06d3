"""Telephone numbers and the gateways that reach them."""

from __future__ import annotations

import pytest

from mcu import Gateway, GatewayTable, TelephoneNumber, number_in
from mcu.telephone_number import global_number
from sip import Uri

TABLE = GatewayTable(
    (
        Gateway(prefix="+", domain="world.example.com"),
        Gateway(prefix="+49", domain="de.example.com", strip=3, prepend="0"),
        Gateway(prefix="9", domain="pbx.example.com", strip=1),
    )
)


@pytest.mark.parametrize(
    ("number", "address"),
    [
        ("+4930123456", "sip:030123456@de.example.com;user=phone"),
        ("+12025550123", "sip:+12025550123@world.example.com;user=phone"),
        ("9555", "sip:555@pbx.example.com;user=phone"),
    ],
)
def test_longest_prefix_wins_and_shapes_the_number(number: str, address: str) -> None:
    gateway = TABLE.choose(number)
    assert gateway is not None
    assert gateway.address(number) == address


def test_a_number_without_gateway_has_no_way_out() -> None:
    assert TABLE.choose("555") is None
    assert GatewayTable().choose("+4930") is None


def test_separators_and_parameters_mean_nothing() -> None:
    assert global_number("+1-202-(555).0123;phone-context=x") == "+12025550123"


@pytest.mark.parametrize("text", ["", "+", "abc+", "12x", "+;ext=1"])
def test_what_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a telephone number"):
        global_number(text)


@pytest.mark.parametrize(
    ("uri", "digits", "context"),
    [
        ("tel:+1-555-0100", "+15550100", None),
        ("tel:+1(555)0100;phone-context=example.com", "+15550100", None),  # of global numbers it says nothing
        ("tel:7042;phone-context=Example.COM.", "7042", "example.com"),
        ("tel:863-1234;phone-context=+1-914-555", "8631234", "+1914555"),
        ("tel:7042;ext=3", "7042", None),
        ("sip:+15550100@example.com", "+15550100", None),
        ("sip:%2B1-555-0100@example.com", "+15550100", None),
        ("sip:1001@example.com;user=phone", "1001", None),
        ("sip:0015550100@example.com", "0015550100", None),
        ("sip:7042;phone-context=example.com@example.com;user=phone", "7042", "example.com"),
        ("sip:+1-555-0100,p@example.com", "+15550100", None),  # gateways dial as far as they understand
        ("sip:+15550100ww22%23@example.com", "+15550100", None),
        ("sip:+15550100%00@example.com", "+15550100", None),
        ("sip:0015550100p22@example.com", "0015550100", None),
    ],
)
def test_the_number_that_a_uri_stands_for(uri: str, digits: str, context: str | None) -> None:
    assert number_in(Uri.parse(uri)) == TelephoneNumber(digits=digits, context=context)


@pytest.mark.parametrize(
    "uri",
    [
        "sip:bob@example.com",
        "sip:1001@example.com",
        "sip:1001,p@example.com",
        "sip:20261201-party@example.com",
        "sip:+bob@example.com",
        "sip:example.com",
        "tel:bob",
        "tel:+",
    ],
)
def test_users_and_extensions_are_no_numbers(uri: str) -> None:
    assert number_in(Uri.parse(uri)) is None


def test_a_local_number_is_called_where_it_means_something() -> None:
    here = Gateway(prefix="", domain="pbx.example.com", context="Example.com")
    city = Gateway(prefix="", domain="city.example.com", context="+1-914-555")
    table = GatewayTable((here, city))
    assert table.choose(TelephoneNumber(digits="7042", context="example.com")) is here
    assert table.choose(TelephoneNumber(digits="8631234", context="+1914555")) is city
    assert table.choose(TelephoneNumber(digits="7042", context="example.org")) is None


def test_a_trunk_may_want_digits_only() -> None:
    assert (
        Gateway(prefix="+", domain="t.example", plus=False).address("+15550100") == "sip:15550100@t.example;user=phone"
    )
