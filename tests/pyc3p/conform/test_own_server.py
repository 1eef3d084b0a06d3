"""Our own server passes whole."""

from __future__ import annotations

import pytest

from pyc3p.conform import BenchSettings, Verdict, parse_sip_target
from pyc3p.elements.loopback import reserved_ports
from pyc3p.settings.dial_in import DialInSettings
from tests.pyc3p.conform.element import own_server, told, tried

HASTE = BenchSettings(patience=3.0, rate=5000.0)


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_our_registrar_and_proxy_passes_every_case(transport: str) -> None:
    with own_server() as server:
        report = tried(parse_sip_target(f"{transport}:{server.address}"), bench=HASTE)
    assert not told(report)
    assert "takes registrations" in report.traits
    assert "passes requests on to a user who is registered" in report.traits
    assert report.count(Verdict.PASSED) > 100


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_our_mcu_passes_every_case_when_it_is_called(transport: str) -> None:
    with reserved_ports(4) as ports:
        free = tuple(ports)
    places = dict(zip(("sip_port", "http_port", "mcu_sip_port", "mcu_http_port"), free, strict=True))
    with own_server(dial_in=DialInSettings(open_rooms=True), **places):
        report = tried(parse_sip_target(f"{transport}:127.0.0.1:{places['mcu_sip_port']}", user="room"), bench=HASTE)
    assert not told(report)
    assert "takes calls" in report.traits
    assert "has session timers" in report.traits
    assert report.count(Verdict.PASSED) > 90
