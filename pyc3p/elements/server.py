"""The parts of a conferencing system put together from settings: the nodes of one process, and how they drain."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Final

import attrs

import c3p
import focus
import mcu
import sip
from mcu import ConferencingServer
from pyc3p.commands.addresses import parse_port_range
from pyc3p.commands.output import Output
from pyc3p.element import Element
from pyc3p.elements import calls, chat, parts
from pyc3p.elements.c3p_http import HttpSettings
from pyc3p.elements.identities import Identities, identities
from pyc3p.elements.mcu_watch import McuWatch
from pyc3p.elements.node import Node
from pyc3p.elements.parts import CoreSettings, McuTrust, SipCores
from pyc3p.elements.places import factory_url, outbound_proxy, place, reached_at, secure_outbound_proxy
from pyc3p.elements.principals import Acquaintance, acquaintances, hosts_of, role_of, server_principal
from pyc3p.elements.recorder import Recorder
from pyc3p.elements.state import ServerState
from pyc3p.elements.tls import C3pTls, SipTls
from pyc3p.ops.log import EventLog
from pyc3p.settings.serve import SERVER_PRINCIPALS, ServeConfig
from pyc3p.settings.tls import TlsSettings
from pyc3p.trace.sinks import Sinks
from pyc3p.workers.workers import Workers
from rtp.aio import MediaPortsConfig
from sip.aio import live_entropy, wall_clock

#: Parts that ask who somebody is.
_ASKING: Final = frozenset({"registrar", "proxy", "focus", "focus-factory"})
#: Seconds for the last BYEs and notifications before sockets are closed.
SHUTDOWN_GRACE = 0.5

if TYPE_CHECKING:
    from pyc3p.elements.nodes import AmongNodes

Observer = Callable[[str, sip.Event], None]


@attrs.define(eq=False)
class Server:
    """The nodes of one process, and the machines that a shutdown talks to."""

    config: ServeConfig
    output: Output
    nodes: list[Node] = attrs.Factory(list)
    cores: SipCores = SipCores()
    mcu_factory: mcu.McuFactory | None = None
    mcu: mcu.Mcu | None = None
    mcus: list[ConferencingServer] = attrs.Factory(list)  #: that one, and others of this process
    workers: Workers | None = None  #: MCUs in processes of their own
    recorder: Recorder | None = None  #: of the MCU in this process
    draining: bool = False
    identities: Identities | None = None  #: None: everybody is believed
    tls: tuple[SipTls | C3pTls, ...] = ()
    state: ServerState | None = None  #: None: nothing outlasts a restart
    unkept: str | None = None  #: why that is so, where something should

    def reload(self) -> bool:
        """Read certificates again; false when there are none. Raises UsageProblem, and all stays as it was."""
        for each in self.tls:
            each.reload()
        for node in self.nodes:
            node.certificates_changed()
        if self.tls and self.workers is not None:
            self.workers.reload()
        return bool(self.tls)

    @property
    def others(self) -> AmongNodes | None:
        """The other nodes, to which this one hands over what it has."""
        return self.state.nodes if self.state is not None else None

    @property
    def busy(self) -> bool:
        """Whether a conference goes on."""
        active = self.cores.focus is not None and bool(self.cores.focus.conferences)
        here = any(each.conferences for each in self.mcus)
        return active or here or (self.workers is not None and self.workers.busy)

    async def start(self) -> None:
        """Open everything; raises Problem."""
        if self.workers is not None:
            await self.workers.start()
        if self.state is not None:
            self.state.attach(self.nodes[0], self.cores, self.mcu_factory, self.output)
        for node in self.nodes:
            await node.start()
        if self.workers is not None:
            await self.workers.ready()

    def worker_lost(self, mcu_id: str) -> None:
        """The process of an MCU ended: the Focus need not wait until it falls silent."""
        if self.cores.focus is not None:
            self.cores.focus.suspect_mcu(mcu_id, now=asyncio.get_running_loop().time())
            self.kick()

    def begin_drain(self) -> None:
        """Take nothing new, in any part."""
        now = asyncio.get_running_loop().time()
        self.draining = True
        for part in (self.cores.focus, self.cores.focus_factory, *self.mcus, self.others):
            if part is not None:
                part.drain(now=now)
        if self.workers is not None:
            self.workers.drain()
        self.kick()

    async def drain(self) -> None:
        """Take nothing new, give conferences some time to end, then end them."""
        loop = asyncio.get_running_loop()
        self.begin_drain()
        end = loop.time() + self.config.drain_timeout
        while (self.busy or not (self.others is None or self.others.has_left)) and loop.time() < end:
            await asyncio.sleep(0.1)
        if self.others is not None:  # requests that still come here are for those who have the conferences now
            await asyncio.sleep(self.config.nodes.linger)
        self.end_conferences()
        grace_ends = loop.time() + SHUTDOWN_GRACE
        if self.workers is not None:
            # The Focus has told them; whoever's Focus is elsewhere, or was not heard, ends its conferences by itself.
            while self.workers.busy and loop.time() < grace_ends - SHUTDOWN_GRACE / 2:
                await asyncio.sleep(0.02)
            self.workers.end_conferences()
        await asyncio.sleep(max(0.0, grace_ends - loop.time()))

    def end_conferences(self) -> None:
        """End what still goes on, and tell everybody who is in it."""
        now, conferences = asyncio.get_running_loop().time(), self.cores.focus
        for uri in conferences.conferences if conferences is not None else ():
            assert conferences is not None
            with contextlib.suppress(focus.LocalProtocolError):  # over in the meantime
                conferences.end_conference(uri, now=now)
        for each in self.mcus:
            each.close(now=now)
        self.kick()

    def kick(self) -> None:
        """Carry what commands to the machines caused."""
        for node in self.nodes:
            node.kick()

    async def close(self) -> None:
        """End what goes on, and close everything."""
        if self.busy:
            self.end_conferences()
            await asyncio.sleep(SHUTDOWN_GRACE)
        await self.stop()

    async def stop(self) -> None:
        """Close everything."""
        if self.workers is not None:
            await self.workers.stop()
        for node in reversed(self.nodes):
            await node.stop()
        if self.recorder is not None:
            await self.recorder.close()
        if self.state is not None:
            await self.state.close()


@attrs.frozen(kw_only=True)
class Build:
    """What every part of a process is built with."""

    config: ServeConfig
    peers: Mapping[str, Acquaintance]  #: by principal of this process; that of a worker by its id
    trace: Sinks | None
    output: Output
    observers: Sequence[Observer] = ()  #: called with the name of an element and each event that it tells
    entropy: sip.Entropy = attrs.Factory(live_entropy)
    state: ServerState | None = None
    sip_tls: SipTls | None
    c3p_tls: C3pTls | None
    conference_policy: focus.ConferencePolicy = focus.ConferenceRules()
    dial_out_policy: mcu.DialOutPolicy | None = None  #: None: the rules of the settings

    @classmethod
    def of(
        cls,
        config: ServeConfig,
        peers: Mapping[str, Acquaintance],
        trace: Sinks | None,
        output: Output,
        observers: Sequence[Observer] = (),
        state: ServerState | None = None,
    ) -> Build:
        """With the certificates that the settings name; raises UsageProblem."""
        return cls(
            config=config,
            peers=peers,
            trace=trace,
            output=output,
            observers=observers,
            state=state,
            sip_tls=SipTls(config.tls) if config.tls != TlsSettings() else None,
            c3p_tls=C3pTls(config.c3p) if config.c3p.secure else None,
        )

    def server(self) -> Server:
        """A server that has no part yet."""
        tls = tuple(each for each in (self.sip_tls, self.c3p_tls) if each is not None)
        return Server(self.config, self.output, tls=tls, state=self.state)

    @property
    def root(self) -> str | None:
        """The secret that keys are made of which a later process is to have as well; None where there is none."""
        return self.config.root or (self.state.secret if self.state is not None else None)


def build_server(
    config: ServeConfig,
    trace: Sinks | None,
    output: Output,
    *,
    observers: Sequence[Observer] = (),
    state: ServerState | None = None,
    conference_policy: focus.ConferencePolicy | None = None,
    dial_out_policy: mcu.DialOutPolicy | None = None,
) -> Server:
    """Put the parts together, all in this process; raises UsageProblem when one lacks what it needs.

    ``observers`` are called with the name of an element and each event that it tells. The policies say who may do
    what, and who may be called; None: the rules that come with the packages, and those of the settings.
    """
    build = attrs.evolve(
        Build.of(config, acquaintances(config), trace, output, observers, state),
        conference_policy=conference_policy or focus.ConferenceRules(),
        dial_out_policy=dial_out_policy,
    )
    server = build.server()
    add_core(server, build)
    if "mcu" in config.parts:
        add_mcu(server, build)
    return server


def add_core(server: Server, build: Build) -> None:
    """All parts but the MCU, those that are to be served. Raises UsageProblem."""
    config, own = build.config, server_principal(build.config)
    if set(config.parts) & _ASKING:
        config.identity.check_open(config.host)
        server.identities = identities(
            config, build.peers[own], root=build.root, entropy=build.entropy, wall_clock=wall_clock()
        )
    if set(config.parts) - {"mcu"}:
        element, server.cores, server.mcu_factory = _core_element(build, own, server.identities)
        node = _node(build, element, build.peers[own], config.http_port)
        server.nodes.append(node)
        if server.cores.focus is not None:
            here = reached_at(config)
            watch = McuWatch(server.cores.focus, moved=node.kick, reached=lambda host: here.get(host, host))
            node.on_peer_gone = watch.connection_ended


def add_mcu(server: Server, build: Build) -> None:
    """The MCU, in this process. Raises UsageProblem."""
    config = build.config
    element, av = _mcu_element(build)
    server.mcu, beside = av, chat.chat_mcu_of(element)
    server.mcus = [av, beside] if beside is not None else [av]
    if (wanted := config.recording.wanted(config.dial_in.prompts.prompts())) is not None:
        server.recorder = recorder = Recorder(av.media_control, wanted, output=build.output)
        build = attrs.evolve(build, observers=(*build.observers, lambda name, event: recorder.observe(event)))
    server.nodes.append(_node(build, element, build.peers[config.mcu_id], config.mcu_http_port, prefix="mcu-"))


def _core_element(build: Build, own: str, known: Identities | None) -> tuple[Element, SipCores, mcu.McuFactory | None]:
    config, peers = build.config, build.peers[own]
    here = place(config, own, config.sip_port, config.http_port, config.tls.port)
    member = build.state.member if build.state is not None else None
    foci = frozenset((*config.c3p.foci, *({own} if "focus" in config.parts else ())))
    store = None if member is not None else focus.KeptRecords(wall_clock=here.wall_clock)
    settings = CoreSettings(
        domain=config.sip_domain,
        aliases=config.aliases,
        store=store,
        numbers=config.dial_in.source(store, build.entropy.child("numbers"))
        if store is not None and {"focus", "focus-factory"} <= set(config.parts)
        else None,  # elsewhere a Focus would not know them, and what leads nowhere is told to nobody
        member=member,
        mcu_factory_url=factory_url(config),
        callback_url=here.url(parts.FOCUS_PATH),
        records_url=None if "focus-factory" in config.parts else config.records_url or None,
        record_readers=foci,
        mcu_factory_principal=role_of(config, "mcu-factory", peers),
        records_principal=role_of(config, "focus-factory", peers),
        proxy=calls.proxy_config(config, build.root),
        authenticator=None if known is None else known.authenticator,
        policy=build.conference_policy,
        registrar=config.limits.registrar(),
        focus=config.limits.focus(),
        factory=attrs.evolve(
            config.limits.factory(),
            mcu_types=_mcu_types(config),
            pstn_lobby_bypass=config.dial_in.lets_in(config.public_host, asks=config.identity.asks),
        ),
    )
    others = frozenset((*foci, *SERVER_PRINCIPALS))
    hosts = hosts_of(config, lambda name: name not in others)
    factory_config = mcu.FactoryConfig(focus_peers=foci, mcu_peers=frozenset(hosts), mcu_hosts=hosts)
    cores = [part for part in config.parts if part not in ("mcu", "mcu-factory")]
    if not cores:
        element, factory = parts.mcu_factory_only(own, factory_config, durable=build.state is not None)
        return element, SipCores(), factory
    mcu_factory = mcu.McuFactory(factory_config) if "mcu-factory" in config.parts else None
    element, made = parts.server(
        here,
        cores,
        settings,
        entropy=build.entropy.child("server"),
        mcu_factory=mcu_factory,
        durable=build.state is not None,
    )
    return element, made, mcu_factory


def _mcu_types(config: ServeConfig) -> tuple[str, ...]:
    """What conferences can have."""
    return (c3p.McuType.AUDIO_VIDEO, *([c3p.McuType.CHAT] if config.chat else []))


def _mcu_element(build: Build) -> tuple[Element, mcu.Mcu]:
    config, peers = build.config, build.peers[build.config.mcu_id]
    foci = frozenset((*config.c3p.foci, *({server_principal(config)} if "focus" in config.parts else ())))
    return parts.av_mcu(
        place(config, config.mcu_id, config.mcu_sip_port, config.mcu_http_port, config.tls.mcu_port),
        entropy=build.entropy.child(config.mcu_id),
        factory_url=factory_url(config) or None,
        more_factories=config.factories,
        outbound_proxy=outbound_proxy(config),
        secure_outbound_proxy=secure_outbound_proxy(config),
        credentials=calls.wallet_of(config, peers, build.output).find,
        ring_timeout=config.ring_timeout,
        max_legs=config.max_legs,
        dead_media=config.dead_media or None,
        capabilities=config.media.capabilities,
        media_policy=config.media.rules((config.sip_domain, *config.aliases)),
        single_port=config.media.single_port,
        trust=McuTrust(
            factory_principal=role_of(config, "mcu-factory", peers),
            focus_peers=foci,
            callback_hosts=hosts_of(config, lambda name: name in foci),
            callers=sip.TrustedPeers(config.identity.trust, config.identity.trusted_peers),
        ),
        policy=build.dial_out_policy or calls.dial_out_rules(config),
        sounding=lambda made: config.sound.of(made, config.dial_in.prompts.prompts()),
        rooms=config.dial_in.rooms(frozenset(name.lower() for name in (config.sip_domain, *config.aliases))),
        gateways=calls.gateways(config),
        with_chat=config.chat,
    )


def _node(build: Build, element: Element, peers: Acquaintance, http_port: int, *, prefix: str = "") -> Node:
    config, trace = build.config, build.trace
    span = parse_port_range(config.media_ports, option="--media-ports")
    media = MediaPortsConfig(host=config.host, port_range=span, shared=config.media.single_port)
    log = EventLog(build.output, element.name, time.monotonic)
    nodes = build.state.nodes if build.state is not None else None
    observers = [*build.observers, *([] if nodes is None else [nodes.observe])]

    def on_event(event: sip.Event) -> None:
        log.tell(event)
        for observer in observers:
            observer(element.name, event)

    return Node(
        element,
        http=HttpSettings(
            host=config.host,
            port=http_port,
            peers=peers,
            tls=build.c3p_tls,
            reached_at=reached_at(config),
            port_option=f"--{prefix}http-port",
        ),
        media=media,
        transport=attrs.evolve(config.limits.transport(), reached_at=reached_at(config)),
        advertise=config.public_host,
        trace=trace.element(element.name) if trace is not None else None,
        on_event=on_event,
        remember=False,
        tls=build.sip_tls,
        sip_port_option=f"--{prefix}sip-port",
    )
