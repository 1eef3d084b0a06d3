"""The ports that the parts of one process take, so that none of them is taken twice."""

from __future__ import annotations

from collections.abc import Iterator

import attrs

from pyc3p.commands.addresses import parse_port_range
from pyc3p.elements.places import mcu_ports
from pyc3p.problems import UsageProblem
from pyc3p.settings.serve import ServeConfig


@attrs.frozen
class _Port:
    option: str  #: what chooses it
    whose: str
    number: int
    sip: bool  #: over UDP as well


def check_ports(config: ServeConfig) -> None:
    """Raise UsageProblem when two parts of ours would listen on one port, or the media could be given one of them."""
    taken: dict[int, _Port] = {}
    for port in _ports(config):
        other = taken.setdefault(port.number, port)
        if other is not port:
            options = other.option if other.option == port.option else f"{other.option} and {port.option}"
            raise UsageProblem(
                f"{other.whose} and {port.whose} would both listen on port {port.number}; choose another with {options}"
            )
    if "mcu" not in config.parts:
        return
    first, last = parse_port_range(config.media_ports, option="--media-ports")
    if met := next((each for each in taken.values() if each.sip and first <= each.number <= last), None):
        raise UsageProblem(
            f"port {met.number} of {met.whose} is among --media-ports {config.media_ports}; choose another with "
            f"{met.option}, or other media ports"
        )


def _ports(config: ServeConfig) -> Iterator[_Port]:
    have, secure = set(config.parts), bool(config.tls.certificate)
    if have - {"mcu", "mcu-factory"}:
        yield _Port("--sip-port", "the proxy, registrar or Focus", config.sip_port, True)
        if secure:
            yield _Port("tls.port", "the proxy, registrar or Focus (TLS)", config.tls.port, False)
    if have - {"mcu", "registrar", "proxy"}:
        yield _Port("--http-port", "the Focus or a factory (HTTP)", config.http_port, False)
    if config.ops.port:
        yield _Port("--ops-port", "the port for operators", config.ops.port, False)
    for number in range(1, max(1, config.workers) + 1 if "mcu" in have else 1):
        ports, whose = mcu_ports(config, number), "the MCU" if config.workers < 2 else f"worker {number} of the MCU"
        yield _Port("--mcu-sip-port", whose, ports.sip, True)
        yield _Port("--mcu-http-port", f"{whose} (HTTP)", ports.http, False)
        if secure:
            yield _Port("tls.mcu_port", f"{whose} (TLS)", ports.tls, False)
