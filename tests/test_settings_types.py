"""Settings of every kind are refused where they are written, with the class, the field and what is wanted."""

from __future__ import annotations

import inspect
import math
import re
from pathlib import Path
from typing import Any, Final

import attrs
import pytest

import c3p
import c3p.aio
import focus
import focus.aio
import mcu
import pyc3p.conform
import pyc3p.phone
import rtp
import rtp.aio
import sip
import sip.aio

HERE: Final = sip.Uri.parse("sip:mcu@192.0.2.1")
#: What those need that have fields without a default.
NEEDED: Final[dict[str, dict[str, object]]] = {
    "Account": {"aor": "sip:ann@example.com"},
    "ChatMcuConfig": {"mcu_id": "chat", "http_url": "http://192.0.2.1/chat", "sip_contact": HERE},
    "ClientConfig": {"aor": "sip:ann@example.com"},
    "Credentials": {"username": "ann", "password": "secret"},
    "ConferencingServerConfig": {"mcu_id": "mcu", "http_url": "http://192.0.2.1/mcu", "sip_contact": HERE},
    "DigestConfig": {"realm": "example.com"},
    "Gateway": {"prefix": "+1555", "domain": "trunk.example.com"},
    "Listen": {"transport": "UDP", "host": "192.0.2.1", "port": 5060},
    "McuConfig": {"mcu_id": "mcu", "http_url": "http://192.0.2.1/mcu", "sip_contact": HERE},
    "PhoneConfig": {"aor": "sip:ann@example.com", "contact": HERE},
    "RecordNumbers": {"store": focus.MemoryStore(), "entropy": sip.SeededEntropy(b"numbers")},
    "StaticMcu": {"mcu_id": "mcu", "http_url": "http://192.0.2.1/mcu", "sip_uri": "sip:mcu@192.0.2.1"},
    "UserAgentConfig": {"accounts": sip.Account(aor="sip:ann@example.com")},
}
ENDINGS: Final = (
    "Config",
    "Settings",
    "Rules",
    "Limits",
    "Account",
    "Gateway",
    "Listen",
    "GatewayTable",
    "TlsContexts",
)
BY_NAME: Final = {
    *(rtp.Capabilities, rtp.SourcePolicy, rtp.UnprovenPolicy),
    *(sip.Credentials, mcu.Prompts, mcu.StaticMcu, focus.RecordNumbers),
}
#: Limits that are worked out of other settings, and not written by hand.
WORKED_OUT: Final = {rtp.DelayLimits}
DOORS: Final = (c3p, c3p.aio, sip, sip.aio, rtp, rtp.aio, focus, focus.aio, mcu, pyc3p.phone, pyc3p.conform)
SETTINGS: Final = sorted(
    {
        kind
        for door in DOORS
        for name in door.__all__
        if inspect.isclass(kind := getattr(door, name)) and attrs.has(kind) and not issubclass(kind, c3p.Node)
        if (name.endswith(ENDINGS) or kind in BY_NAME) and kind not in WORKED_OUT
    },
    key=lambda kind: (kind.__module__, kind.__name__),
)
LOCAL_ERRORS: Final = (sip.LocalProtocolError, rtp.LocalProtocolError, c3p.LocalProtocolError, mcu.LocalProtocolError)
FIELDS: Final = [(kind, field.name) for kind in SETTINGS for field in attrs.fields(kind) if field.init]


def made(kind: type, **more: object) -> Any:
    return kind(**{**NEEDED.get(kind.__name__, {}), **more})


def wrong_values(value: object) -> list[object]:
    """What a field cannot have that has this value now."""
    if isinstance(value, tuple | frozenset):
        return ["example.com", 7, b"example.com", ""]
    if isinstance(value, bool):
        return ["no", 0.5, ""]
    if isinstance(value, int | float):
        return [f"{value}", True, (), "", math.nan]
    if isinstance(value, str):
        return [7, b"example.com", ("example.com",), -1]
    if isinstance(value, bytes):
        return ["sound", 7, -1]
    if callable(value):
        return [7, "from_header"]
    return [7, "7", "", -1] if attrs.has(type(value)) else []


@pytest.mark.parametrize("kind", SETTINGS, ids=lambda kind: kind.__name__)
def test_what_is_right_is_taken(kind: type) -> None:
    settings = made(kind)
    assert attrs.evolve(settings) == settings


@pytest.mark.parametrize(("kind", "name"), FIELDS, ids=lambda each: each if isinstance(each, str) else each.__name__)
def test_a_value_of_a_wrong_type_is_refused_and_named(kind: type, name: str) -> None:
    value = getattr(made(kind), name)
    if name in ("media_policy", "policy"):
        return  # protocols: anything may be one
    secret = not attrs.fields_dict(kind)[name].repr
    for wrong in wrong_values(value):
        says = refusal(kind, name, wrong)
        assert repr(wrong) in says or isinstance(wrong, str | tuple) or secret
        assert not secret or repr(wrong) not in says.partition("must be")[2] or wrong == ""


def refusal(kind: type, name: str, wrong: object) -> str:
    """What is said of a value: it names the field, and what is wanted."""
    with pytest.raises(LOCAL_ERRORS) as caught:
        made(kind, **{name: wrong})
    assert re.search(rf"\b{name}\b.* must be .+", str(caught.value)), str(caught.value)
    return str(caught.value)


def of_type(*types: type) -> list[tuple[type, str]]:
    """Fields that hold such a value, or may."""
    names = {each.__name__ for each in types}
    return [
        (kind, name)
        for kind, name in FIELDS
        if names & set(re.findall(r"\w+", str(getattr(attrs.fields(kind), name).type).partition("[")[0]))
    ]


@pytest.mark.parametrize(("kind", "name"), of_type(int, float), ids=lambda each: getattr(each, "__name__", each))
def test_a_number_below_0_is_refused_unless_it_means_something(kind: type, name: str) -> None:
    if (kind, name) == (mcu.SpeakerSettings, "floor"):
        assert made(kind, floor=-30.0).floor == -30.0  # decibels
        return
    assert "-1" in refusal(kind, name, -1)
    assert "nan" in refusal(kind, name, math.nan)


EMPTY_MEANS_SOMETHING: Final = {
    *((mcu.Gateway, "prefix"), (mcu.Gateway, "prepend")),
    *((sip.Credentials, "username"), (sip.Credentials, "password")),  # a quoted-string may be empty (RFC 3261 25.1)
}


@pytest.mark.parametrize(("kind", "name"), of_type(str), ids=lambda each: getattr(each, "__name__", each))
def test_a_name_that_is_empty_is_refused_unless_it_means_something(kind: type, name: str) -> None:
    if (kind, name) in EMPTY_MEANS_SOMETHING or getattr(attrs.fields(kind), name).default == "":
        assert getattr(made(kind, **{name: ""}), name) == ""
    else:
        refusal(kind, name, "")


@pytest.mark.parametrize("name", ["t1", "t2", "refresh_retry", "keep_alive_interval"])
def test_what_would_go_on_for_ever_without_waiting_is_refused(name: str) -> None:
    with pytest.raises(sip.LocalProtocolError, match=rf"{name} must be a number above 0, not 0"):
        sip.EndpointConfig(**{name: 0})


def test_a_secret_is_not_shown_where_it_is_refused() -> None:
    with pytest.raises(sip.LocalProtocolError) as caught:
        sip.Credentials("ann", 76543210)  # type: ignore[arg-type]
    assert "password must be a str, not a int that is not shown" in str(caught.value)
    assert "76543210" not in str(caught.value)


def test_ports_are_a_range_with_room_for_a_pair() -> None:
    for wrong in ((5, 4), (5, 5), (4, 4), (3, 4), (0, 0), (40_000, 70_000)):
        with pytest.raises(rtp.LocalProtocolError, match="port_range must be"):
            rtp.aio.MediaPortsConfig(port_range=wrong)
    assert rtp.aio.MediaPortsConfig(port_range=(3, 5)).port_range == (3, 5)
    with pytest.raises(rtp.LocalProtocolError, match="port must be a port, a number from 0 to 65535, not 70000"):
        rtp.Capabilities(port=70_000)


@pytest.mark.parametrize(
    "give",
    [
        lambda one: sip.Networks(one),
        lambda one: sip.TrustedPeers(networks=one),
        lambda one: sip.TrustedPeers(names=one),
        lambda one: sip.Places(one),
        lambda one: sip.are_everybody(one),
        lambda one: sip.aio.SystemResolver(nameservers=one),
        lambda one: an_endpoint().add_core("me", lambda *_: True, claim=sip.Claim.ELEMENT, methods=one),
        lambda one: an_endpoint().add_core("me", lambda *_: True, claim=sip.Claim.ELEMENT, methods=(), events=one),
        lambda one: sip.Request.build("OPTIONS", "sip:192.0.2.1", headers=one),
        lambda one: sip.Headers(one),
    ],
)
def test_one_name_is_not_taken_for_its_letters(give: Any) -> None:
    with pytest.raises(ValueError, match=r"must be (several|pairs), such as .* not '192.0.2.1'"):
        give("192.0.2.1")


def test_a_mapping_of_headers_is_not_taken_for_the_letters_of_its_names() -> None:
    with pytest.raises(sip.LocalProtocolError, match=r"headers must be pairs, such as \[\('Subject', 'lunch'\)\]"):
        sip.Request.build("OPTIONS", "sip:192.0.2.1", headers={"To": "<sip:ann@example.com>"})  # type: ignore[arg-type]


def an_endpoint() -> sip.Endpoint:
    return sip.Endpoint(sip.EndpointConfig(), entropy=sip.SeededEntropy(b"settings"))


@pytest.mark.parametrize("package", ["c3p", "rtp"])
def test_packages_that_do_not_know_one_another_check_alike(package: str) -> None:
    root = Path(sip.__file__).parents[1]
    here, there = (root / each / "field_types.py" for each in (package, "sip"))
    assert here.read_text().replace(f"from {package}.errors", "from sip.errors") == there.read_text()


@pytest.mark.parametrize(
    ("kind", "name"),
    [(kind, name) for kind, name in FIELDS if name.endswith("_url") or (name == "domain" and kind is not mcu.Gateway)],
    ids=lambda each: each if isinstance(each, str) else each.__name__,
)
@pytest.mark.parametrize(
    "wrong", ["nothing here", "sip:example.com", "192.0.2.1:1/mcu", "http://[", "http://:80", "ann@"]
)
def test_an_address_of_another_kind_is_refused(kind: type, name: str, wrong: str) -> None:
    with pytest.raises(sip.LocalProtocolError, match=name):
        made(kind, **{name: wrong})


def test_lists_and_sets_are_taken_for_what_they_are_meant_to_be() -> None:
    rules = mcu.DialOutRules(numbers=["+1555"], domains={"example.net"}, denied_prefixes=["+1900"])  # type: ignore
    assert (rules.numbers, rules.domains, rules.denied_prefixes) == (("+1555",), {"example.net"}, ("+1900",))
    assert isinstance(rules.domains, frozenset)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: mcu.DialOutRules(domains="partner.example.net"), "several, such as {'partner.example.net'}"),
        (lambda: sip.UserAgentConfig(accounts="sip:ann@example.com"), "sip.Account(aor='sip:ann@example.com')"),
        (lambda: made(mcu.McuConfig, sip_contact="sip:a@192.0.2.1"), "as in sip.Uri.parse('sip:a@192.0.2.1')"),
        (lambda: mcu.MediaRules(offer="off"), "one of Srtp.OFF"),
    ],
)
def test_the_message_says_how_it_is_written(make: Any, says: str) -> None:
    with pytest.raises(sip.LocalProtocolError) as caught:
        make()
    assert says in str(caught.value)
