"""``[calls]`` and ``[[gateways]]``: what a mistake says, and what becomes of the rest."""

from __future__ import annotations

from pathlib import Path

import pytest

import mcu
import sip
from pyc3p.commands.addresses import parse_target, server_for
from pyc3p.elements import calls
from pyc3p.problems import UsageProblem
from pyc3p.settings.loading import load_config
from pyc3p.settings.serve import ServeConfig


def loaded(tmp_path: Path, text: str) -> ServeConfig:
    file = tmp_path / "pyc3p.toml"
    file.write_text(text)
    return load_config(file, {})


TRUNK = """
domain = "example.com"

[[gateways]]
prefix = "+1555"
trunk = "trunk.example.net:5080"
strip = 1
prepend = "00"
caller = "sip:15550199@trunk.example.net"
realm = "trunk.example.net"
username = "conference"
password = "zanzibar"

[[gateways]]
prefix = "9"
trunk = "192.0.2.9"
context = "example.com"
"""


def test_gateways_are_ways_to_numbers_and_their_prefixes_may_be_called(tmp_path: Path) -> None:
    config = loaded(tmp_path, TRUNK)
    table, rules = calls.gateways(config), calls.dial_out_rules(config)
    chosen = table.choose("+15550100")
    assert chosen is not None
    assert chosen.address("+15550100") == "sip:0015550100@trunk.example.net:5080;user=phone"
    assert chosen.next_hop == "sip:trunk.example.net:5080"
    assert rules.numbers == ("+1555", "9")
    credentials = calls.trunk_credentials(config)["trunk.example.net"]
    assert (credentials.username, credentials.servers) == ("conference", {"trunk.example.net:5080"})
    assert "zanzibar" not in repr(config)


def test_the_own_domain_and_the_names_of_the_machine_may_be_called() -> None:
    rules = calls.dial_out_rules(ServeConfig(host="127.0.0.1").settled())
    assert rules.domains is not None
    assert {"127.0.0.1", "localhost"} <= rules.domains
    assert rules.numbers == ()


def test_calls_are_opened_by_settings(tmp_path: Path) -> None:
    config = loaded(
        tmp_path,
        """
        secret = "shared"
        [calls]
        domains = ["*"]
        numbers = ["*"]
        denied = ["+1900"]
        attendees = "anybody"
        attendee_numbers = false
        calls_a_minute = 7
        relay_to = [".example.net", "192.0.2.0/24"]
        parts = ["192.0.2.20:5070"]
        """,
    )
    rules, proxy = calls.dial_out_rules(config), calls.proxy_config(config, config.root)
    assert (rules.domains, rules.numbers, rules.denied_prefixes, rules.calls_a_minute) == (None, None, ("+1900",), 7)
    assert rules.dial_out_roles == {"presenter", "attendee"}
    assert rules.number_roles == {"presenter"}
    assert proxy.relay_to == (".example.net", "192.0.2.0/24")
    assert proxy.parts == ("127.0.0.1:5070", "192.0.2.20:5070")
    assert proxy.secret == "shared"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('[calls]\nrelay_to = ["not a host"]', "calls.relay_to: not a host"),
        ('[calls]\nparts = ["192.0.2.0/99"]', "calls.parts: not a network"),
        ('[calls]\nparts = ["*"]', "calls.parts are reached by all, and trusted: name hosts"),
        ('[calls]\nparts = ["0.0.0.0/1", "128.0.0.0/1"]', "calls.parts are reached by all, and trusted: name hosts"),
        ('[calls]\nnumbers = ["+1 555"]', "calls.numbers: '\\+1 555' must be digits"),
        ('[calls]\ndenied = ["*"]', "calls.denied: name prefixes"),
        ('[calls]\nattendees = "all"', "calls.attendees must be nobody, own phone or anybody"),
        ("[calls]\nmax_legs = 0", "calls.max_legs must be at least 1"),
        ('[calls]\nrelay = ["x"]', "did you mean relay_to"),
        ("[[gateways]]\nprefix = '+1'", "needs trunk"),
        ("[[gateways]]\nprefix = '+1x'\ntrunk = 'x'", "must be digits"),
        ("[[gateways]]\nprefix = '+1'\ntrunk = 'sip:x@y'", "trunk must be a host or host:port"),
        (
            "[[gateways]]\nprefix = '+1'\ntrunk = 'x'\nstrip = 3",
            "strip must be from 0 to 2, .*, not 3",
        ),
        ("[[gateways]]\nprefix = '+1'\ntrunk = 'x'\nprepend = 'a'", "prepend must be digits"),
        ("[[gateways]]\nprefix = '+1'\ntrunk = 'x'\ncontext = 'a b'", "context must be a domain"),
        ("[[gateways]]\nprefix = '+1'\ntrunk = 'x'\nnext_hop = 'a b'", "is no SIP address"),
        ("[[gateways]]\nprefix = '+1'\ntrunk = 'x'\ncaller = 'nobody'", "is no SIP address"),
        ("[[gateways]]\nprefix = '+1'\ntrunk = 'x'\nusername = 'me'", "has a username and no realm and password"),
        ("[[gateways]]\nprefix = '+'\ntrunk = 'x'", 'takes every number: .* numbers = \\["\\+1555"\\]'),
    ],
)
def test_a_mistake_is_one_line_that_says_what_to_do(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(UsageProblem, match=told) as raised:
        loaded(tmp_path, text)
    assert "\n" not in str(raised.value)


def test_a_number_is_typed_as_it_is_written_and_asks_the_server_of_this_machine() -> None:
    number = parse_target("tel:+1-555-0100")
    assert mcu.number_in(number) == mcu.TelephoneNumber(digits="+15550100")
    assert server_for([number]) == ("127.0.0.1", 5060)
    assert server_for([number, sip.Uri.parse("sip:bob@192.0.2.1")]) == ("192.0.2.1", 5060)
    for wrong in ("tel:", "tel:bob", "tel:+", "tel:;phone-context=x"):
        with pytest.raises(UsageProblem, match="write it as"):
            parse_target(wrong)
