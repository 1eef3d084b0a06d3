"""Settings of every kind are refused where they are written, with the class, the field and what is wanted."""

from __future__ import annotations

import inspect
from typing import Any, Final

import attrs
import pytest

import focus
import focus.aio
import mcu
import pyc3p.phone
import sip
import sip.aio

HERE: Final = sip.Uri.parse("sip:mcu@192.0.2.1")
#: What those need that have fields without a default.
NEEDED: Final[dict[str, dict[str, object]]] = {
    "Account": {"aor": "sip:ann@example.com"},
    "ChatMcuConfig": {"mcu_id": "chat", "http_url": "http://192.0.2.1/chat", "sip_contact": HERE},
    "ClientConfig": {"aor": "sip:ann@example.com"},
    "ConferencingServerConfig": {"mcu_id": "mcu", "http_url": "http://192.0.2.1/mcu", "sip_contact": HERE},
    "DigestConfig": {"realm": "example.com"},
    "Gateway": {"prefix": "+1555", "domain": "trunk.example.com"},
    "Listen": {"transport": "UDP", "host": "192.0.2.1", "port": 5060},
    "McuConfig": {"mcu_id": "mcu", "http_url": "http://192.0.2.1/mcu", "sip_contact": HERE},
    "PhoneConfig": {"aor": "sip:ann@example.com", "contact": HERE},
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
DOORS: Final = (sip, sip.aio, focus, focus.aio, mcu, pyc3p.phone)
SETTINGS: Final = sorted(
    {
        kind
        for door in DOORS
        for name in door.__all__
        if inspect.isclass(kind := getattr(door, name)) and attrs.has(kind) and name.endswith(ENDINGS)
    },
    key=lambda kind: (kind.__module__, kind.__name__),
)
FIELDS: Final = [(kind, field.name) for kind in SETTINGS for field in attrs.fields(kind) if field.init]


def made(kind: type, **more: object) -> Any:
    return kind(**{**NEEDED.get(kind.__name__, {}), **more})


def wrong_values(value: object) -> list[object]:
    """What a field cannot have that has this value now."""
    if isinstance(value, tuple | frozenset):
        return ["example.com", 7, b"example.com"]
    if isinstance(value, bool):
        return ["no", 0.5]
    if isinstance(value, int | float):
        return [f"{value}", True, ()]
    if isinstance(value, str):
        return [7, b"example.com", ("example.com",)]
    if callable(value):
        return [7, "from_header"]
    return [7, "7"] if attrs.has(type(value)) else []


@pytest.mark.parametrize("kind", SETTINGS, ids=lambda kind: kind.__name__)
def test_what_is_right_is_taken(kind: type) -> None:
    settings = made(kind)
    assert attrs.evolve(settings) == settings


@pytest.mark.parametrize(("kind", "name"), FIELDS, ids=lambda each: each if isinstance(each, str) else each.__name__)
def test_a_value_of_a_wrong_type_is_refused_and_named(kind: type, name: str) -> None:
    value = getattr(made(kind), name)
    if name in ("media_policy", "policy"):
        return  # protocols: anything may be one
    for wrong in wrong_values(value):
        with pytest.raises(sip.LocalProtocolError) as caught:
            made(kind, **{name: wrong})
        assert name in str(caught.value)
        assert repr(wrong) in str(caught.value) or isinstance(wrong, str | tuple)


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
