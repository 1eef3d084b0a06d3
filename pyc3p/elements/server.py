"""The parts of a conferencing system put together from settings: the nodes of one process, and how they drain."""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import os
import secrets
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
from pyc3p.elements import parts
from pyc3p.elements.identities import Identities, identities, part_credentials
from pyc3p.elements.node import HttpSettings, Node
from pyc3p.elements.parts import CoreSettings, Place, SipCores
from pyc3p.problems import UsageProblem
from pyc3p.settings.serve import SERVER_PRINCIPALS, ServeConfig
from pyc3p.trace.trace import Trace
from rtp.aio import MediaPortsConfig
from sip.aio import live_entropy, wall_clock

SERVER = "focus"  #: principal of the process that holds the Focus
#: Parts that ask who somebody is.
_ASKING: Final = frozenset({"registrar", "proxy", "focus", "focus-factory"})
#: Seconds for the last BYEs and notifications before sockets are closed.
FAREWELL = 0.5


def bearer(secret: str, principal: str) -> str:
    """The bearer secret of one principal, derived from the one that all processes share."""
    return hmac.digest(secret.encode(), f"c3p bearer {principal}".encode(), "sha256").hex()


@attrs.define(eq=False)
class Server:
    """The nodes of one process, and the machines that a shutdown talks to."""

    config: ServeConfig
    nodes: list[Node] = attrs.Factory(list)
    cores: SipCores = SipCores()
    mcu: mcu.Mcu | None = None
    identities: Identities | None = None  #: None: everybody is believed

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


def build_server(config: ServeConfig, trace: Trace | None, output: Output) -> Server:
    """Put the parts together; raises UsageProblem when one lacks what it needs."""
    _check(config)
    secret = config.secret or os.environ.get("PYC3P_SECRET") or secrets.token_hex(16)
    entropy = live_entropy()
    server = Server(config)
    if set(config.parts) & _ASKING:
        config.identity.check_open(config.host)
        server.identities = identities(config, secret, entropy=entropy, wall_clock=wall_clock())
    if set(config.parts) - {"mcu"}:
        element, server.cores = _core_element(config, entropy, server.identities)
        server.nodes.append(_node(element, config, secret, SERVER, config.http_port, trace, output))
    if "mcu" in config.parts:
        element, server.mcu = _mcu_element(config, entropy, secret, output)
        server.nodes.append(_node(element, config, secret, config.mcu_id, config.mcu_http_port, trace, output))
    return server


def _check(config: ServeConfig) -> None:
    have = set(config.parts)
    alone = config.whole and not config.mcus
    if not alone and not (config.secret or os.environ.get("PYC3P_SECRET")) and have & {"focus", "mcu", "mcu-factory"}:
        raise UsageProblem(
            "parts in several processes need a secret that they share: set PYC3P_SECRET, or secret in the TOML file"
        )
    if have & {"focus", "mcu"} and "mcu-factory" not in have and not config.mcu_factory_url:
        raise UsageProblem("where is the MCU Factory? Serve the part mcu-factory as well, or say --mcu-factory-url")
    if "focus" in have and "focus-factory" not in have and not config.records_url:
        raise UsageProblem("where are the conference records? Serve focus-factory as well, or say --records-url")


def _place(config: ServeConfig, name: str, sip_port: int, http_port: int) -> Place:
    return Place(
        name=name,
        host=config.host,
        public_host=config.advertise,
        sip_port=sip_port,
        http_port=http_port,
        wall_clock=wall_clock(),
        limits=config.limits.endpoint(),
    )


def _core_element(config: ServeConfig, entropy: sip.Entropy, known: Identities | None) -> tuple[Element, SipCores]:
    place = _place(config, SERVER, config.sip_port, config.http_port)
    settings = CoreSettings(
        domain=config.sip_domain,
        aliases=config.aliases,
        store=focus.MemoryStore(wall_clock=place.wall_clock),
        mcu_factory_url=_factory_url(config),
        callback_url=place.url(parts.FOCUS_PATH),
        records_url=None if "focus-factory" in config.parts else config.records_url or None,
        record_readers=frozenset({SERVER}),
        authenticator=None if known is None else known.authenticator,
        registrar=config.limits.registrar(),
        focus=config.limits.focus(),
        factory=config.limits.factory(),
    )
    factory = mcu.McuFactory(mcu.FactoryConfig()) if "mcu-factory" in config.parts else None
    cores = [part for part in config.parts if part not in ("mcu", "mcu-factory")]
    if not cores and factory is not None:
        element, _ = parts.mcu_factory_only(SERVER)
        return element, SipCores()
    return parts.server(place, cores, settings, entropy=entropy.child("server"), mcu_factory=factory)


def _factory_url(config: ServeConfig) -> str:
    if "mcu-factory" in config.parts:
        return _place(config, "", 0, config.http_port).url(parts.MCU_FACTORY_PATH)
    return config.mcu_factory_url


def _mcu_element(config: ServeConfig, entropy: sip.Entropy, secret: str, output: Output) -> tuple[Element, mcu.Mcu]:
    return parts.av_mcu(
        _place(config, config.mcu_id, config.mcu_sip_port, config.mcu_http_port),
        entropy=entropy.child(config.mcu_id),
        factory_url=_factory_url(config),
        outbound_proxy=_outbound_proxy(config),
        credentials=_wallet(config, secret, output).find,
        ring_timeout=config.ring_timeout,
        max_legs=config.max_legs,
        dead_media=config.dead_media or None,
        capabilities=config.media.capabilities,
        media_policy=config.media.rules((config.sip_domain, *config.aliases)),
    )


def _wallet(config: ServeConfig, secret: str, output: Output) -> Wallet:
    """What the MCU proves itself with: at our proxy that it is a part of this system, elsewhere what it was given."""
    wallet = open_wallet(Path(config.credentials).expanduser() if config.credentials else None, any_realm=False)
    if config.identity.asks and config.sip_domain not in wallet.known:
        wallet.known[config.sip_domain] = part_credentials(secret, config.mcu_id)
    wallet.on_unknown = lambda realm: output.tell(
        f"the realm {realm!r} wants a password that is not known; name it in a file with --credentials",
        realm=realm,
    )
    return wallet


def _outbound_proxy(config: ServeConfig) -> sip.Uri | None:
    if config.outbound_proxy:
        return parse_proxy(config.outbound_proxy, option="--outbound-proxy")
    return _place(config, "", config.sip_port, 0).sip_uri() if "proxy" in config.parts else None


def _node(
    element: Element,
    config: ServeConfig,
    secret: str,
    principal: str,
    http_port: int,
    trace: Trace | None,
    output: Output,
) -> Node:
    peers = (*SERVER_PRINCIPALS, config.mcu_id, *config.mcus)
    known = {bearer(secret, peer): peer for peer in peers}
    prefix = "mcu-" if principal == config.mcu_id else ""
    media = MediaPortsConfig(host=config.host, port_range=parse_port_range(config.media_ports, option="--media-ports"))

    def on_event(event: sip.Event) -> None:
        text = narrate(event)
        if text is not None:
            output.tell(text, event=type(event).__name__)

    return Node(
        element,
        http=HttpSettings(
            host=config.host,
            port=http_port,
            secret=bearer(secret, principal),
            known=known,
            port_option=f"--{prefix}http-port",
        ),
        media=media,
        transport=config.limits.transport(),
        advertise=config.public_host,
        trace=trace.element(element.name) if trace is not None else None,
        on_event=on_event,
        remember=False,
        sip_port_option=f"--{prefix}sip-port",
    )
