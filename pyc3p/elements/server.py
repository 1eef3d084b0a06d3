"""The parts of a conferencing system put together from settings: the nodes of one process, and how they drain."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import attrs

import focus
import mcu
import sip
from pyc3p.commands.addresses import parse_port_range, parse_proxy
from pyc3p.commands.credentials import Wallet, open_wallet
from pyc3p.commands.narration import narrate
from pyc3p.commands.output import Output
from pyc3p.element import Element
from pyc3p.elements import calls, parts
from pyc3p.elements.c3p_http import HttpSettings
from pyc3p.elements.identities import Identities, identities, part_credentials_of
from pyc3p.elements.node import Node
from pyc3p.elements.parts import CoreSettings, McuTrust, Place, SipCores
from pyc3p.elements.principals import (
    Acquaintance,
    MutualSecrets,
    acquaint,
    check_root,
    hosts_of,
    role_of,
    server_principal,
)
from pyc3p.elements.tls import C3pTls, SipTls
from pyc3p.problems import UsageProblem
from pyc3p.settings.serve import SERVER_PRINCIPALS, ServeConfig
from pyc3p.settings.tls import TlsSettings
from pyc3p.trace.trace import Trace
from rtp.aio import MediaPortsConfig
from sip.aio import live_entropy, wall_clock

#: Parts that ask who somebody is.
_ASKING: Final = frozenset({"registrar", "proxy", "focus", "focus-factory"})
#: Seconds for the last BYEs and notifications before sockets are closed.
FAREWELL = 0.5


@attrs.define(eq=False)
class Server:
    """The nodes of one process, and the machines that a shutdown talks to."""

    config: ServeConfig
    nodes: list[Node] = attrs.Factory(list)
    cores: SipCores = SipCores()
    mcu: mcu.Mcu | None = None
    identities: Identities | None = None  #: None: everybody is believed
    tls: tuple[SipTls | C3pTls, ...] = ()

    def reload(self) -> bool:
        """Read certificates again; false when there are none. Raises UsageProblem, and all stays as it was."""
        for each in self.tls:
            each.reload()
        for node in self.nodes:
            node.certificates_changed()
        return bool(self.tls)

    @property
    def busy(self) -> bool:
        """Whether a conference goes on."""
        active = self.cores.focus is not None and bool(self.cores.focus.conferences)
        return active or (self.mcu is not None and bool(self.mcu.conferences))

    async def start(self) -> None:
        """Open everything; raises Problem."""
        for node in self.nodes:
            await node.start()

    async def drain(self) -> None:
        """Take nothing new, give conferences some time to end, then end them."""
        loop = asyncio.get_running_loop()
        if self.mcu is not None:
            self.mcu.drain(now=loop.time())
            self._kick()
        end = loop.time() + self.config.drain_timeout
        while self.busy and loop.time() < end:
            await asyncio.sleep(0.1)
        self._end_conferences(loop.time())
        self._kick()
        await asyncio.sleep(FAREWELL)

    def _end_conferences(self, now: float) -> None:
        conferences = self.cores.focus
        for uri in conferences.conferences if conferences is not None else ():
            assert conferences is not None
            with contextlib.suppress(focus.LocalProtocolError):  # over in the meantime
                conferences.end_conference(uri, now=now)
        if self.mcu is not None:
            self.mcu.close(now=now)

    def _kick(self) -> None:
        for node in self.nodes:
            node.kick()

    async def stop(self) -> None:
        """Close everything."""
        for node in reversed(self.nodes):
            await node.stop()


@attrs.frozen(kw_only=True)
class _Build:
    """What every part of a process is built with."""

    config: ServeConfig
    peers: Mapping[str, Acquaintance]  #: by principal of this process
    entropy: sip.Entropy
    trace: Trace | None
    output: Output
    sip_tls: SipTls | None
    c3p_tls: C3pTls | None


def build_server(config: ServeConfig, trace: Trace | None, output: Output) -> Server:
    """Put the parts together; raises UsageProblem when one lacks what it needs."""
    root = config.secret or os.environ.get("PYC3P_SECRET") or None
    if set(config.parts) & _ASKING:
        config.identity.check_open(config.host)
    _check(config, root)
    mutual = MutualSecrets()
    own = server_principal(config)
    principals = [own] * bool(set(config.parts) - {"mcu"}) + [config.mcu_id] * ("mcu" in config.parts)
    build = _Build(
        config=config,
        peers={name: acquaint(config, name, root=root, mutual=mutual) for name in principals},
        entropy=live_entropy(),
        trace=trace,
        output=output,
        sip_tls=SipTls(config.tls) if config.tls != TlsSettings() else None,
        c3p_tls=C3pTls(config.c3p) if config.c3p.secure else None,
    )
    server = Server(config, tls=tuple(each for each in (build.sip_tls, build.c3p_tls) if each is not None))
    if set(config.parts) & _ASKING:
        server.identities = identities(
            config, build.peers[own], root=root, entropy=build.entropy, wall_clock=wall_clock()
        )
    if set(config.parts) - {"mcu"}:
        element, server.cores = _core_element(build, own, server.identities)
        server.nodes.append(_node(build, element, own, config.http_port))
    if "mcu" in config.parts:
        element, server.mcu = _mcu_element(build)
        server.nodes.append(_node(build, element, config.mcu_id, config.mcu_http_port))
    return server


def _check(config: ServeConfig, root: str | None) -> None:
    have = set(config.parts)
    alone = config.whole and not config.mcus
    if not (alone or root or config.c3p.peers) and have & {"focus", "mcu", "mcu-factory"}:
        raise UsageProblem(
            "parts in several processes need secrets: on one machine set PYC3P_SECRET, or secret in the TOML file, to "
            "one for all; else give each what `pyc3p pair-secrets` prints for it"
        )
    if root is not None:
        check_root(config, root)
    if have & {"focus", "mcu"} and "mcu-factory" not in have and not config.mcu_factory_url:
        raise UsageProblem("where is the MCU Factory? Serve the part mcu-factory as well, or say --mcu-factory-url")
    if "focus" in have and "focus-factory" not in have and not config.records_url:
        raise UsageProblem("where are the conference records? Serve focus-factory as well, or say --records-url")
    urls = (config.mcu_factory_url, config.records_url)
    if config.c3p.secure and any(url.startswith("http:") for url in urls):
        raise UsageProblem("with a certificate in [c3p] the other parts are at https:// URLs, not at http:// ones")


def _place(config: ServeConfig, name: str, sip_port: int, http_port: int, tls_port: int | None = None) -> Place:
    return Place(
        name=name,
        host=config.host,
        public_host=config.advertise,
        sip_port=sip_port,
        http_port=http_port,
        tls_port=tls_port if config.tls.certificate else None,
        https=config.c3p.secure,
        wall_clock=wall_clock(),
        trusted=config.identity.trust,
        limits=config.limits.endpoint(),
    )


def _core_element(build: _Build, own: str, known: Identities | None) -> tuple[Element, SipCores]:
    config, peers = build.config, build.peers[own]
    place = _place(config, own, config.sip_port, config.http_port, config.tls.port)
    foci = frozenset((*config.c3p.foci, *({own} if "focus" in config.parts else ())))
    settings = CoreSettings(
        domain=config.sip_domain,
        aliases=config.aliases,
        store=focus.MemoryStore(wall_clock=place.wall_clock),
        mcu_factory_url=_factory_url(config),
        callback_url=place.url(parts.FOCUS_PATH),
        records_url=None if "focus-factory" in config.parts else config.records_url or None,
        record_readers=foci,
        mcu_factory_principal=role_of(config, "mcu-factory", peers),
        records_principal=role_of(config, "focus-factory", peers),
        proxy=calls.proxy_config(config),
        authenticator=None if known is None else known.authenticator,
        registrar=config.limits.registrar(),
        focus=config.limits.focus(),
        factory=config.limits.factory(),
    )
    others = frozenset((*foci, *SERVER_PRINCIPALS))
    hosts = hosts_of(config, lambda name: name not in others)
    factory_config = mcu.FactoryConfig(focus_peers=foci, mcu_peers=frozenset(hosts), mcu_hosts=hosts)
    factory = mcu.McuFactory(factory_config) if "mcu-factory" in config.parts else None
    cores = [part for part in config.parts if part not in ("mcu", "mcu-factory")]
    if not cores and factory is not None:
        element, _ = parts.mcu_factory_only(own, factory_config)
        return element, SipCores()
    return parts.server(place, cores, settings, entropy=build.entropy.child("server"), mcu_factory=factory)


def _factory_url(config: ServeConfig) -> str:
    if "mcu-factory" in config.parts:
        return _place(config, "", 0, config.http_port).url(parts.MCU_FACTORY_PATH)
    return config.mcu_factory_url


def _mcu_element(build: _Build) -> tuple[Element, mcu.Mcu]:
    config, peers = build.config, build.peers[build.config.mcu_id]
    foci = frozenset((*config.c3p.foci, *({server_principal(config)} if "focus" in config.parts else ())))
    return parts.av_mcu(
        _place(config, config.mcu_id, config.mcu_sip_port, config.mcu_http_port, config.tls.mcu_port),
        entropy=build.entropy.child(config.mcu_id),
        factory_url=_factory_url(config),
        outbound_proxy=_outbound_proxy(config),
        secure_outbound_proxy=_secure_outbound_proxy(config),
        credentials=_wallet(config, peers, build.output).find,
        ring_timeout=config.ring_timeout,
        max_legs=config.max_legs,
        dead_media=config.dead_media or None,
        capabilities=config.media.capabilities,
        media_policy=config.media.rules((config.sip_domain, *config.aliases)),
        trust=McuTrust(
            factory_principal=role_of(config, "mcu-factory", peers),
            focus_peers=foci,
            callback_hosts=hosts_of(config, lambda name: name in foci),
        ),
        policy=calls.dial_out_rules(config),
        gateways=calls.gateways(config),
    )


def _wallet(config: ServeConfig, peers: Acquaintance, output: Output) -> Wallet:
    """What the MCU proves itself with: at our proxy that it is a part of this system, elsewhere what it was given."""
    wallet = open_wallet(Path(config.credentials).expanduser() if config.credentials else None, any_realm=False)
    wallet.known = {**calls.trunk_credentials(config), **wallet.known}
    own = part_credentials_of(config, peers)
    if own is not None and config.sip_domain not in wallet.known:
        wallet.known[config.sip_domain] = own
    wallet.on_unknown = lambda realm: output.tell(
        f"the realm {realm!r} wants a password that is not known; name it in a file with --credentials, or "
        "give its gateway realm, username and password",
        realm=realm,
    )
    return wallet


def _outbound_proxy(config: ServeConfig) -> sip.Uri | None:
    if config.outbound_proxy:
        return parse_proxy(config.outbound_proxy, option="--outbound-proxy")
    return _place(config, "", config.sip_port, 0).sip_uri() if "proxy" in config.parts else None


def _secure_outbound_proxy(config: ServeConfig) -> sip.Uri | None:
    """Our own proxy for sips targets; another proxy is asked by the rules of its name."""
    if config.outbound_proxy or "proxy" not in config.parts or not config.tls.certificate:
        return None
    return sip.Uri("sips", config.public_host, port=config.tls.port)


def _node(build: _Build, element: Element, principal: str, http_port: int) -> Node:
    config, trace = build.config, build.trace
    prefix = "mcu-" if principal == config.mcu_id else ""
    media = MediaPortsConfig(host=config.host, port_range=parse_port_range(config.media_ports, option="--media-ports"))

    def on_event(event: sip.Event) -> None:
        text = narrate(event)
        if text is not None:
            build.output.tell(text, event=type(event).__name__)

    return Node(
        element,
        http=HttpSettings(
            host=config.host,
            port=http_port,
            peers=build.peers[principal],
            tls=build.c3p_tls,
            port_option=f"--{prefix}http-port",
        ),
        media=media,
        transport=config.limits.transport(),
        advertise=config.public_host,
        trace=trace.element(element.name) if trace is not None else None,
        on_event=on_event,
        remember=False,
        tls=build.sip_tls,
        sip_port_option=f"--{prefix}sip-port",
    )
