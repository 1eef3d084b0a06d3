from pathlib import Path

import pytest

import sip
from pyc3p.commands.addresses import (
    is_loopback,
    local_host_towards,
    parse_address,
    parse_conference,
    parse_port_range,
    parse_target,
    server_address,
    server_of,
    without_port,
)
from pyc3p.elements.loopback import reserved_ports
from pyc3p.problems import Problem, UsageProblem
from pyc3p.settings.loading import load_config
from pyc3p.settings.serve import PARTS, ServeConfig


def test_options_go_over_the_file_and_the_file_over_defaults(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_text('parts = ["mcu"]\nsip_port = 6060\nring_timeout = 20\nunsafe_capture = true\n')
    config = load_config(path, {"sip_port": 7070, "host": None})
    assert (config.parts, config.sip_port, config.ring_timeout) == (("mcu",), 7070, 20.0)
    assert config.host == "127.0.0.1"
    assert config.unsafe_capture


def test_addresses_follow_from_each_other() -> None:
    assert ServeConfig().sip_domain == "127.0.0.1"
    config = ServeConfig(host="0.0.0.0", advertise="192.0.2.1")
    assert (config.public_host, config.sip_domain) == ("192.0.2.1", "192.0.2.1")
    assert ServeConfig(domain="example.com").sip_domain == "example.com"


@pytest.mark.parametrize(
    ("settings", "host", "domain", "aliases"),
    [
        ({}, "127.0.0.1", "127.0.0.1", ("localhost",)),
        ({"host": "localhost"}, "127.0.0.1", "localhost", ("127.0.0.1",)),
        ({"host": "[::1]"}, "::1", "::1", ("localhost",)),
        ({"host": "127.0.0.2", "domain": "example.com"}, "127.0.0.2", "example.com", ("127.0.0.2", "localhost")),
        ({"host": "192.0.2.1"}, "192.0.2.1", "192.0.2.1", ()),
        ({"host": "0.0.0.0", "advertise": "192.0.2.1"}, "0.0.0.0", "192.0.2.1", ("localhost", "127.0.0.1")),
        ({"host": "host.invalid"}, "host.invalid", "host.invalid", ()),
    ],
)
def test_a_server_knows_the_names_of_its_address(
    settings: dict[str, str], host: str, domain: str, aliases: tuple[str, ...]
) -> None:
    config = ServeConfig(**settings).settled()  # type: ignore[arg-type]
    assert (config.host, config.sip_domain, config.aliases) == (host, domain, aliases)


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST.", "pbx.localhost", "127.0.0.1", "127.9.9.9", "::1", "[::1]"])
def test_loopback_has_several_names(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["example.com", "localhost.example.com", "192.0.2.1", "::2", ""])
def test_other_hosts_are_not_loopback(host: str) -> None:
    assert not is_loopback(host)
    assert server_address(host, 5060) == (host, 5060)


def test_localhost_where_nobody_listens_is_the_usual_address() -> None:
    with reserved_ports(1) as (port,):
        assert server_address("localhost", port) == ("127.0.0.1", port)


def test_only_all_c3p_parts_together_need_no_shared_secret() -> None:
    assert ServeConfig(parts=PARTS).whole
    assert not ServeConfig(parts=("focus", "mcu")).whole
    assert "geheim" not in repr(ServeConfig(secret="geheim"))


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("sip_prt = 1", "no setting sip_prt; did you mean sip_port"),
        ("wholly_else = 1", "no setting wholly_else"),
        ('sip_port = "5060"', "sip_port must be a whole number"),
        ("ring_timeout = true", "ring_timeout must be a number"),
        ("host = 5", "host must be a text"),
        ("parts = 5", "parts must be a list"),
        ('parts = ["pbx"]', "no part pbx"),
        ("parts = []", "no part at all"),
        ("sip_port = 70000", "sip_port must be a port number"),
        ('media_ports = "1-2"', "--media-ports wants a range"),
        ('host = "0.0.0.0"', "needs --advertise"),
        ("= 5", "is not TOML"),
        ("domain = '\xff'", "no text in UTF-8"),
        ("max_legs = 0", "max_legs must be at least 1"),
        ("drain_timeout = inf", "drain_timeout must be some seconds"),
    ],
)
def test_a_wrong_setting_is_named(tmp_path: Path, text: str, complaint: str) -> None:
    path = tmp_path / "a.toml"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(UsageProblem, match=complaint):
        load_config(path, {})


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageProblem, match="cannot be read"):
        load_config(tmp_path / "none.toml", {})


@pytest.mark.parametrize(
    "text", ["sip:bob@example.com", "bob@example.com", "tel:+4930123456", "sips:bob@[2001:db8::1]"]
)
def test_addresses_that_can_be_called(text: str) -> None:
    assert str(parse_target(text)).endswith(text)


@pytest.mark.parametrize("text", ["", "bob", "sip:", "sip:example.com", "http://example.com", "sip:bob@", "sip:b ob@x"])
def test_addresses_that_cannot_be_called(text: str) -> None:
    with pytest.raises(UsageProblem, match="no SIP address; write it as"):
        parse_target(text)


def test_hosts_and_ports() -> None:
    assert parse_address("h", default_port=1, option="--x") == ("h", 1)
    assert parse_address("h:2", default_port=1, option="--x") == ("h", 2)
    assert parse_address("[::1]:2", default_port=1, option="--x") == ("::1", 2)
    assert parse_address("::1", default_port=1, option="--x") == ("::1", 1)
    for wrong in ("", ":5", "h:x", "h:0", "h:70000"):
        with pytest.raises(UsageProblem, match="--x wants"):
            parse_address(wrong, default_port=1, option="--x")
    assert parse_port_range("30000-30009", option="--x") == (30000, 30009)


def test_the_server_of_an_address_is_its_host() -> None:
    assert server_of(sip.Uri.parse("sip:bob@192.0.2.1")) == ("192.0.2.1", 5060)
    assert server_of(sip.Uri.parse("sip:bob@192.0.2.1:5080")) == ("192.0.2.1", 5080)
    with pytest.raises(UsageProblem, match="add --server HOST"):
        server_of(sip.Uri.parse("tel:+4930123"))
    bob = sip.Uri.parse("sip:bob@192.0.2.1:5080")
    assert str(without_port(bob, ("192.0.2.1", 5080))) == "sip:bob@192.0.2.1"
    assert without_port(bob, ("192.0.2.2", 5080)) is bob


def test_a_conference_is_given_by_uri_or_link() -> None:
    uri = "sip:ann@example.com;gruu;opaque=app:conf:focus:id:0123456789ABCDEF"
    assert parse_conference(f"meet:{uri}?conversation-id=x") == uri
    with pytest.raises(UsageProblem, match="is no conference; it looks like"):
        parse_conference("sip:ann@example.com")


def test_the_way_to_a_server_begins_at_an_address_of_ours() -> None:
    assert local_host_towards("127.0.0.1", 5060) == "127.0.0.1"
    with pytest.raises(Problem, match="there is no way to"):
        local_host_towards("not a host", 5060)
