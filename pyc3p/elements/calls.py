"""Who may call whom, made of settings: the rules of proxy and MCU, and the ways to trunks."""

from __future__ import annotations

from pathlib import Path

import attrs

import mcu
import sip
from pyc3p.commands.credentials import Wallet, open_wallet
from pyc3p.commands.output import Output
from pyc3p.elements.identities import part_credentials_of
from pyc3p.elements.places import mcu_ports
from pyc3p.elements.principals import Acquaintance
from pyc3p.settings.serve import ServeConfig
from pyc3p.trace.trace import text_address


def proxy_config(config: ServeConfig, root: str | None) -> sip.ProxyConfig:
    """How the proxy relays. The ``root`` secret lets a later process know the dialogs of this one."""
    mcus = range(1, max(1, config.workers) + 1) if "mcu" in config.parts else ()
    here = tuple(text_address((config.public_host, mcu_ports(config, number).sip)) for number in mcus)
    return attrs.evolve(
        config.limits.proxy(),
        relay_to=config.calls.relay_to,
        parts=(*here, *config.calls.parts),
        secret=root or "",
    )


def dial_out_rules(config: ServeConfig) -> mcu.DialOutRules:
    """Whom conferences may call."""
    return config.calls.dial_out_rules((config.sip_domain, *config.aliases), config.gateways)


def gateways(config: ServeConfig) -> mcu.GatewayTable:
    """Where numbers are called."""
    return mcu.GatewayTable(tuple(each.gateway for each in config.gateways))


def trunk_credentials(config: ServeConfig) -> dict[str, sip.Credentials]:
    """What trunks are given when they ask, by realm. Nobody else gets it: whoever is called may name the realm."""
    found: dict[str, sip.Credentials] = {}
    for each in config.gateways:
        if each.realm:
            server = sip.Uri.parse(f"sip:{each.trunk}").host_port
            before = found.get(each.realm)
            same = before is not None and (before.username, before.password) == (each.username, each.password)
            servers = before.servers if before is not None and same else frozenset[str]()
            found[each.realm] = sip.Credentials(each.username, each.password, servers | {server})
    return found


def wallet_of(config: ServeConfig, peers: Acquaintance, output: Output) -> Wallet:
    """What the MCU proves itself with: at our proxy that it is a part of this system, elsewhere what it was given."""
    wallet = open_wallet(Path(config.credentials).expanduser() if config.credentials else None, any_realm=False)
    wallet.known = {**trunk_credentials(config), **wallet.known}
    own = part_credentials_of(config, peers)
    if own is not None and config.sip_domain not in wallet.known:
        wallet.known[config.sip_domain] = own
    wallet.on_unknown = lambda realm: output.tell(
        f"the realm {realm!r} wants a password that is not known; name it in a file with --credentials, or "
        "give its gateway realm, username and password",
        realm=realm,
    )
    return wallet
