"""Telephone numbers and the gateways that reach them."""

from __future__ import annotations

import pytest

from mcu import Gateway, GatewayTable
from mcu.gateway import global_number

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
