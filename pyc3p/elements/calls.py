"""Who may call whom, made of settings: the rules of proxy and MCU, and the ways to trunks."""

from __future__ import annotations

import mcu
import sip
from pyc3p.elements.places import mcu_ports
from pyc3p.elements.principals import root_of
from pyc3p.settings.serve import ServeConfig
from pyc3p.trace.trace import text_address


def proxy_config(config: ServeConfig) -> sip.ProxyConfig:
    """How the proxy relays. The secret lets a later process know the dialogs of this one."""
    mcus = range(1, max(1, config.workers) + 1) if "mcu" in config.parts else ()
    here = tuple(text_address((config.public_host, mcu_ports(config, number).sip)) for number in mcus)
    return sip.ProxyConfig(
        relay_to=config.calls.relay_to,
        parts=(*here, *config.calls.parts),
        secret=root_of(config) or "",
    )


def dial_out_rules(config: ServeConfig) -> mcu.DialOutRules:
    """Whom conferences may call."""
    return config.calls.dial_out_rules((config.sip_domain, *config.aliases), config.gateways)


def gateways(config: ServeConfig) -> mcu.GatewayTable:
    """Where numbers are called."""
    return mcu.GatewayTable(tuple(each.gateway for each in config.gateways))


def trunk_credentials(config: ServeConfig) -> dict[str, sip.Credentials]:
    """What trunks are given when they ask, by realm."""
    return {each.realm: sip.Credentials(each.username, each.password) for each in config.gateways if each.realm}
