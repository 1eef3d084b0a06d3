"""Where the parts of a system are, by the settings: addresses, URLs, proxies."""

from __future__ import annotations

import attrs

import sip
from pyc3p.commands.addresses import EVERYWHERE, numeric_host, parse_proxy
from pyc3p.elements import parts
from pyc3p.elements.parts import Place
from pyc3p.elements.principals import addresses_of_nodes
from pyc3p.problems import UsageProblem
from pyc3p.settings.serve import ServeConfig
from sip.aio import wall_clock


@attrs.frozen(kw_only=True)
class McuPorts:
    """Where one process of the MCU listens."""

    sip: int
    http: int
    tls: int  #: SIP over TLS, when there is a certificate


def mcu_ports(config: ServeConfig, number: int) -> McuPorts:
    """Those of one process of the MCU, from 1. Raises UsageProblem when they do not exist, or two would meet.

    Each has the next number; those of SIP the next but one with TLS, whose usual port follows that without.
    """
    step = 2 if config.tls.certificate else 1
    sips = [_port(config.mcu_sip_port, n, step, "mcu_sip_port") for n in range(number)]
    tls = [_port(config.tls.mcu_port, n, step, "tls.mcu_port") if config.tls.certificate else 0 for n in range(number)]
    if met := set(sips) & set(tls):
        raise UsageProblem(
            f"mcu_sip_port {config.mcu_sip_port} and tls.mcu_port {config.tls.mcu_port} meet at {min(met)} with "
            f"{config.workers} workers; let one be even and one odd"
        )
    return McuPorts(
        sip=sips[-1],
        http=_port(config.mcu_http_port, number - 1, 1, "mcu_http_port"),
        tls=tls[-1] if config.tls.certificate else config.tls.mcu_port,
    )


def _port(first: int, index: int, step: int, name: str) -> int:
    port = first + index * step
    if port > 65535:
        raise UsageProblem(
            f"{name} {first} leaves no port for worker {index + 1}; choose a lower one, or fewer workers"
        )
    return port


def place(config: ServeConfig, name: str, sip_port: int, http_port: int, tls_port: int | None = None) -> Place:
    """One node of this process."""
    return Place(
        name=name,
        host=config.host,
        public_host=config.advertise,
        sip_port=sip_port,
        http_port=http_port,
        tls_port=tls_port if config.tls.certificate else None,
        https=config.c3p.secure,
        wall_clock=wall_clock(),
        trusted=(*config.identity.trust, *addresses_of_nodes(config)),
        limits=config.limits.endpoint(),
    )


def reached_at(config: ServeConfig) -> dict[str, str]:
    """Where this process reaches what is advertised: itself, at the address that it listens on.

    The advertised one may be that of a router, which takes nothing from within.
    """
    if not config.advertise or config.advertise == config.host:
        return {}
    here = config.host
    if here in EVERYWHERE:
        here = "::1" if ":" in config.advertise else "127.0.0.1"
    return dict.fromkeys((config.advertise, numeric_host(config.advertise)), here)


def factory_url(config: ServeConfig) -> str:
    """Where MCUs announce themselves."""
    if "mcu-factory" in config.parts:
        return place(config, "", 0, config.http_port).url(parts.MCU_FACTORY_PATH)
    return config.mcu_factory_url


def outbound_proxy(config: ServeConfig) -> sip.Uri | None:
    """The proxy through which an MCU calls, None when it calls directly."""
    if config.outbound_proxy:
        return parse_proxy(config.outbound_proxy, option="--outbound-proxy")
    return place(config, "", config.sip_port, 0).sip_uri() if "proxy" in config.parts else None


def secure_outbound_proxy(config: ServeConfig) -> sip.Uri | None:
    """Our own proxy for sips targets; another proxy is asked by the rules of its name."""
    if config.outbound_proxy or "proxy" not in config.parts or not config.tls.certificate:
        return None
    return sip.Uri("sips", config.public_host, port=config.tls.port)
