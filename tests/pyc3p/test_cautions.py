"""Settings that meet themselves, or do not do what they seem to: said in one line before anybody relies on them."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import attrs
import pytest

from pyc3p.commands.serve import run_serve
from pyc3p.elements.cautions import cautions
from pyc3p.elements.ports import check_ports
from pyc3p.elements.system import build_system
from pyc3p.problems import UsageProblem
from pyc3p.settings.calls import CallSettings
from pyc3p.settings.gateways import GatewaySettings
from pyc3p.settings.identity import IdentitySettings
from pyc3p.settings.media import MediaSettings, MediaTargetSettings
from pyc3p.settings.ops import OpsSettings
from pyc3p.settings.serve import ServeConfig
from pyc3p.settings.tls import TlsSettings
from tests.certificates import Authority
from tests.pyc3p.test_serve import Kept, serve_config

CALLS = CallSettings(numbers=("+1",))


def said(**settings: object) -> list[str]:
    return list(cautions(attrs.evolve(ServeConfig(), **settings)))


def secured(tmp_path: Path, *names: str) -> TlsSettings:
    made = Authority(tmp_path).certify(*names)
    return TlsSettings(certificate=made.certificate, key=made.key)


def test_usual_settings_need_no_word(tmp_path: Path) -> None:
    assert said() == []
    tls = secured(tmp_path, "example.com", "sip.example.com")
    assert said(domain="example.com", tls=tls) == []
    assert said(media=MediaSettings(srtp="required", over_plain=True)) == []
    assert said(media=MediaSettings(srtp="required"), outbound_proxy="sip:192.0.2.1;transport=tls") == []
    assert said(media=MediaSettings(srtp="required"), outbound_proxy="sips:192.0.2.1") == []


def test_a_port_for_tls_without_a_certificate() -> None:
    (line,) = said(tls=TlsSettings(port=5062))
    assert line == "tls.port is set, but nothing listens for TLS: name a certificate with tls.certificate"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("trusted_peers", ("edge.example.com",)),
        ("certificate_domains", ("partner.example",)),
        ("user_certificates", True),
    ],
)
def test_people_known_by_certificates_where_nobody_can_show_one(tmp_path: Path, name: str, value: object) -> None:
    identity = IdentitySettings(**{name: value})  # type: ignore[arg-type]
    (line,) = said(identity=identity)
    assert line.startswith(f"identity.{name} believes who connects with a certificate, but nothing listens for TLS: ")
    assert said(identity=identity, domain="example.com", tls=secured(tmp_path, "example.com")) == []


def test_a_certificate_that_does_not_stand_for_the_domain(tmp_path: Path) -> None:
    tls = secured(tmp_path, "sip.example.com")
    (line,) = said(domain="example.com", tls=tls)
    assert line.startswith("tls.certificate stands for sip.example.com, and not for the domain example.com: ")
    assert "--domain" in line
    assert said(domain="sip.example.com", tls=tls) == []
    assert said(domain="example.com", tls=secured(tmp_path, "sip:example.com")) == []  # RFC 5922 section 4


@pytest.mark.parametrize(
    ("srtp", "what"), [("required", "no phone is called"), ("optional", "no phone is offered keys")]
)
def test_keys_that_nobody_is_offered(srtp: str, what: str, tmp_path: Path) -> None:
    (line,) = said(media=MediaSettings(srtp=srtp))
    assert line.startswith(f"media.srtp is {srtp}, and {what}: phones are called by way of sip:127.0.0.1:5060, without")
    assert "over_plain = true" in line
    (line,) = said(parts=("mcu",), media=MediaSettings(srtp=srtp))
    assert f"{what}: phones are called directly, without TLS" in line
    (line,) = said(media=MediaSettings(srtp=srtp), tls=secured(tmp_path, "127.0.0.1"))
    assert f"{what} but to sips: addresses: " in line
    (line,) = said(media=MediaSettings(targets=(MediaTargetSettings(domain="trunk.example", srtp=srtp),)))
    assert line.startswith(f"srtp of trunk.example in [[media.targets]] is {srtp}, and ")
    assert said(parts=("proxy",), media=MediaSettings(srtp=srtp)) == []


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        (
            {"mcu_sip_port": 5060},
            "the proxy, registrar or Focus and the MCU would both listen on port 5060; choose another with --sip-port "
            "and --mcu-sip-port",
        ),
        ({"http_port": 8445}, "choose another with --http-port and --mcu-http-port"),
        ({"ops": OpsSettings(port=8444)}, "the port for operators would both listen on port 8444"),
        ({"http_port": 5060}, "port 5060; choose another with --sip-port and --http-port"),
        ({"sip_port": 5072, "workers": 3}, "worker 3 of the MCU would both listen on port 5072"),
        ({"media_ports": "5000-5999"}, "port 5060 of the proxy, registrar or Focus is among --media-ports 5000-5999"),
        ({"sip_port": 2000, "media_ports": "5000-5999"}, "port 5070 of the MCU is among --media-ports 5000-5999"),
    ],
)
def test_two_parts_at_one_port_are_named_with_both_options(settings: dict[str, object], complaint: str) -> None:
    with pytest.raises(UsageProblem, match=complaint):
        build_system(attrs.evolve(ServeConfig(), **settings), None, Kept())


def test_parts_that_are_not_served_take_no_port() -> None:
    check_ports(ServeConfig(parts=("mcu",), sip_port=5070))
    check_ports(ServeConfig(parts=("registrar", "proxy"), mcu_sip_port=5060, media_ports="5000-5999"))


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"strip": -1}, "strip must be from 0 to 2, the length of the prefix, not -1"),
        ({"strip": 3}, "strip must be from 0 to 2, the length of the prefix, not 3"),
        ({"caller": "nobody"}, r"gateways: prefix '\+1': caller: 'nobody' is no SIP address"),
        ({"asserted": "nobody"}, r"gateways: prefix '\+1': asserted: 'nobody' is no SIP address"),
    ],
)
def test_what_is_wrong_with_a_gateway_is_named(change: dict[str, object], complaint: str) -> None:
    with pytest.raises(UsageProblem, match=complaint):
        GatewaySettings(prefix="+1", trunk="192.0.2.1", **change)  # type: ignore[arg-type]


def test_a_gateway_to_which_nothing_would_go() -> None:
    one, other = GatewaySettings(prefix="+1", trunk="192.0.2.1"), GatewaySettings(prefix="+1", trunk="192.0.2.2")
    with pytest.raises(UsageProblem, match=r"two gateways have the prefix '\+1', 192.0.2.1 and 192.0.2.2: nothing"):
        ServeConfig(gateways=(one, other), calls=CALLS)
    ServeConfig(gateways=(one, attrs.evolve(other, context="example.com")), calls=CALLS)


@pytest.mark.parametrize("name", ["trusted_peers", "certificate_domains"])
def test_the_setting_with_the_wrong_host_is_named(name: str) -> None:
    with pytest.raises(UsageProblem, match=f"identity.{name} wants the name or address of a host, not 'a b'"):
        IdentitySettings(**{name: ("a b",)})  # type: ignore[arg-type]


def test_they_are_told_at_the_start(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    config = serve_config(media=MediaSettings(srtp="required"))
    monkeypatch.setattr(asyncio.Event, "wait", lambda event: asyncio.sleep(0))
    assert run_serve(config, as_json=True) == 0
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    (line,) = [each for each in told if "caution" in each]
    assert line["level"] == "warning"
    assert line["text"].startswith("media.srtp is required, and no phone is called")
