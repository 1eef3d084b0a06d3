"""The parts of a system, each put together as an element that a simulation or a process can run.

Every part gets its addresses and its entropy from outside, so that the same farm runs on loopback and in virtual time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import attrs

import focus
import mcu
import rtp
import sip
from focus import FactoryConfig, FocusConfig, ProvisioningConfig, ProvisioningService
from pyc3p.element import C3PService, Element, HookedPump, Timed
from pyc3p.elements import chat
from pyc3p.phone import Phone, PhoneConfig
from pyc3p.placement.forwarding import Forwarding
from pyc3p.placement.member import Member
from pyc3p.placement.placed import PlacedFocus
from sip import Proxy, ProxyConfig, Registrar, RegistrarConfig

FOCUS_PATH: Final = "/LiveServer/Focus"
FACTORY_PATH: Final = "/LiveServer/FocusFactory"
MCU_FACTORY_PATH: Final = "/LiveServer/MCUFactory"
MCU_PATH: Final = "/LiveServer/audio-video"

#: Realm to credentials, for the challenges of other servers.
Lookup = Callable[[str], sip.Credentials | None]


@attrs.frozen(kw_only=True)
class Place:
    """Where an element is: what it listens on, and what peers are told."""

    name: str  #: of the element: its column in a ladder, its principal over HTTP
    host: str
    sip_port: int = 0
    http_port: int = 0
    public_host: str = ""  #: empty: ``host``
    transports: tuple[str, ...] = ("UDP", "TCP")
    tls_port: int | None = None  #: SIP over TLS; None: nothing listens for it
    https: bool = False  #: whether its C3P goes over HTTPS
    wall_clock: float = 0.0  #: POSIX time at monotonic 0
    #: Networks of parts and proxies that no limit by source holds for, beside loopback and the element's own addresses
    trusted: tuple[str, ...] = ()
    limits: sip.EndpointConfig = sip.EndpointConfig()  #: what an endpoint here has limits from

    @property
    def reachable(self) -> str:
        """Address that peers use."""
        return self.public_host or self.host

    def url(self, path: str) -> str:
        """Where C3P is posted to this element."""
        host = f"[{self.reachable}]" if ":" in self.reachable else self.reachable
        return f"{'https' if self.https else 'http'}://{host}:{self.http_port}{path}"

    def sip_uri(self, user: str | None = None, transport: str | None = None) -> sip.Uri:
        """Its SIP address."""
        params = {"transport": transport} if transport else {}
        return sip.Uri("sip", self.reachable, user, port=self.sip_port or None, params=params)

    def endpoint(
        self,
        entropy: sip.Entropy,
        *,
        user_agent: str = "pyc3p",
        credentials: Lookup | None = None,
        authenticator: sip.Authenticator | None = None,
    ) -> sip.Endpoint:
        """A SIP endpoint at this place; ``authenticator`` is that of its cores."""
        listen = tuple(
            sip.Listen(transport, self.host, self.sip_port, public_host=self.public_host or None)
            for transport in self.transports
        )
        if self.tls_port is not None:
            listen += (sip.Listen("TLS", self.host, self.tls_port, public_host=self.public_host or None),)
        own = (host for host in (self.host, self.public_host) if sip.is_numeric(host))
        config = attrs.evolve(
            self.limits,
            listen=listen,
            user_agent=user_agent,
            credentials=credentials,
            recognises=None if authenticator is None else authenticator.recognises,
            trusted_networks=(*self.limits.trusted_networks, *own, *self.trusted),
        )
        return sip.Endpoint(config, entropy=entropy.child("endpoint"), wall_clock=self.wall_clock)


@attrs.frozen(kw_only=True)
class SipCores:
    """The cores that share one endpoint of a server; those that were not asked for are None."""

    registrar: Registrar | None = None
    proxy: Proxy | None = None
    focus_factory: focus.FocusFactory | None = None
    ways_in: focus.WaysIn | None = None  #: calls with media, to MCUs and dial-in numbers
    focus: focus.Focus | None = None
    provisioning: ProvisioningService | None = None
    forwarding: Forwarding | None = None  #: where there are other nodes
    placed: PlacedFocus | None = None

    @property
    def all(self) -> tuple[sip.Core, ...]:
        """Those that are there."""
        cores = (
            *(self.focus_factory, self.forwarding, self.focus, self.provisioning, self.ways_in),
            *(self.registrar, self.proxy),
        )
        return tuple(core for core in cores if core is not None)

    @property
    def services(self) -> dict[str, C3PService]:
        """What they answer over HTTP."""
        found: dict[str, C3PService] = {}
        if self.focus is not None:
            found[FOCUS_PATH] = self.focus
        if self.focus_factory is not None:
            found[FACTORY_PATH] = self.focus_factory
        return found


@attrs.frozen(kw_only=True)
class CoreSettings:
    """What the cores of a server need to know of the rest of the system."""

    domain: str
    aliases: tuple[str, ...] = ()  #: other names of the domain, such as the address of the server
    store: focus.ConferenceStore | None  #: of conference records; None: they are asked for (`focus.RecordWanted`)
    mcu_factory_url: str | None = None
    callback_url: str | None = None
    records_url: str | None = None
    record_readers: frozenset[str] = frozenset()
    mcu_factory_principal: str = "mcu-factory"
    records_principal: str = "focus-factory"
    policy: focus.ConferencePolicy = focus.ConferenceRules()
    numbers: focus.DialInNumbers | None = None  #: by which plain phones call conferences; None: they cannot
    member: Member | None = None  #: among other nodes; None: this is the only one
    proxy: ProxyConfig = ProxyConfig()  #: but for its domains
    authenticator: sip.Authenticator | None = None  #: who somebody is; None: everybody is believed
    #: What the cores have limits from; what is named above goes before.
    registrar: RegistrarConfig = RegistrarConfig()
    focus: FocusConfig = FocusConfig()
    factory: FactoryConfig = FactoryConfig()
    provisioning: ProvisioningConfig = ProvisioningConfig()


def sip_cores(parts: Sequence[str], endpoint: sip.Endpoint, settings: CoreSettings, entropy: sip.Entropy) -> SipCores:
    """The cores named by ``parts`` (registrar, proxy, focus-factory, focus) on one endpoint."""
    domain, known = settings.domain, settings.authenticator
    identify = focus.from_header if known is None else known.asked_at(lambda: endpoint.now)
    factory = conferences = ways_in = provisioning = registrar = proxy = forwarding = placed = None
    if "focus" in parts and settings.member is not None:
        # Before the Focus: it is asked first.
        forwarding = _forwarding(endpoint, settings, lambda: conferences, entropy.child("forwarding"))
        if known is not None:
            identify = forwarding.asked_at(known, lambda: endpoint.now)
    if "focus" in parts:
        conferences = focus.Focus(
            endpoint,
            attrs.evolve(
                settings.focus,
                domain=domain,
                aliases=settings.aliases,
                mcu_factory_url=settings.mcu_factory_url,
                callback_url=settings.callback_url,
                records_url=settings.records_url,
                mcu_factory_principal=settings.mcu_factory_principal,
                records_principal=settings.records_principal,
                policy=settings.policy,
                identify=identify,
                placed=settings.member is not None,
                numbers=settings.numbers,
            ),
            store=settings.store,
            entropy=entropy.child("focus"),
        )
        ways_in = focus.WaysIn(endpoint, conferences, entropy=entropy.child("ways in"), proxy=settings.proxy)
        if settings.member is not None and forwarding is not None:
            placed = PlacedFocus(endpoint, conferences, forwarding, settings.member)
    if "focus-factory" in parts:
        factory = focus.FocusFactory(
            endpoint,
            attrs.evolve(
                settings.factory,
                domain=domain,
                aliases=settings.aliases,
                record_readers=settings.record_readers,
                identify=identify,
                numbers=settings.numbers,
            ),
            store=settings.store,
            entropy=entropy.child("focus-factory"),
            activations=conferences,
        )
        provisioning = focus.ProvisioningService(
            endpoint,
            attrs.evolve(settings.provisioning, domain=domain, aliases=settings.aliases, identify=identify),
        )
    if "registrar" in parts:
        told = () if provisioning is None else focus.REGISTRATION_HEADERS
        registrar = Registrar(
            endpoint,
            attrs.evolve(settings.registrar, domains=(domain, *settings.aliases), headers=told),
            entropy=entropy.child("registrar"),
            authenticator=settings.authenticator,
        )
    if "proxy" in parts:
        proxy = _proxy(endpoint, settings, registrar, entropy.child("proxy"))
    return SipCores(
        registrar=registrar,
        proxy=proxy,
        focus_factory=factory,
        focus=conferences,
        provisioning=provisioning,
        ways_in=ways_in,
        forwarding=forwarding,
        placed=placed,
    )


def _forwarding(
    endpoint: sip.Endpoint,
    settings: CoreSettings,
    conferences: Callable[[], focus.Focus | None],
    entropy: sip.Entropy,
) -> Forwarding:
    """The way to other nodes, before a Focus that is yet to be made."""

    believed = sip.AuthenticatorConfig() if settings.authenticator is None else settings.authenticator.config
    return Forwarding(
        endpoint,
        domains=(settings.domain, *settings.aliases),
        is_here=lambda key: (made := conferences()) is not None and made.ownership.is_active(key),
        secret=settings.proxy.secret,
        entropy=entropy,
        trusted=believed.trusted_networks,
        trusted_peers=believed.trusted_peers,
        numbers=settings.numbers,
        refuses=lambda request, flow: (made := conferences()) is not None and made.inside.refuses_number(request, flow),
    )


def _proxy(endpoint: sip.Endpoint, settings: CoreSettings, registrar: Registrar | None, entropy: sip.Entropy) -> Proxy:
    """A proxy that finds the users of the registrar, and relays for those who are registered."""
    config = attrs.evolve(settings.proxy, domains=(settings.domain, *settings.aliases))
    if settings.numbers is not None:  # what has their form is nobody's name
        config = attrs.evolve(config, is_nobody=settings.numbers.is_number)
    if registrar is None:
        return Proxy(endpoint, config, entropy=entropy, authenticator=settings.authenticator)
    return Proxy(
        endpoint,
        config,
        entropy=entropy,
        location=registrar.lookup,
        moved=registrar.flow_after,
        bound=registrar.at,
        registered=registrar.knows,
        authenticator=settings.authenticator,
    )


def server(
    place: Place,
    parts: Sequence[str],
    settings: CoreSettings,
    *,
    entropy: sip.Entropy,
    mcu_factory: mcu.McuFactory | None = None,
    durable: bool = False,
) -> tuple[Element, SipCores]:
    """An element with any of the SIP cores of a server, and the MCU Factory if given.

    ``durable``: it says what is to be written of its state, and nothing leaves before that is written.
    """
    endpoint = place.endpoint(entropy, authenticator=settings.authenticator)
    cores = sip_cores(parts, endpoint, settings, entropy)
    services: dict[str, C3PService] = dict(cores.services)
    if mcu_factory is not None:
        services[MCU_FACTORY_PATH] = mcu_factory
    mates = (mcu_factory, cores.placed, settings.authenticator)
    others: list[Timed] = [each for each in mates if each is not None]
    pump = HookedPump(endpoint, cores.all, durable=durable)
    stores: list[sip.Durable] = [settings.store] if isinstance(settings.store, sip.Durable) else []
    element = Element.of(place.name, pump=pump, services=services, others=others, stores=stores)
    return element, cores


def mcu_factory_only(
    name: str, config: mcu.FactoryConfig | None = None, *, durable: bool = False
) -> tuple[Element, mcu.McuFactory]:
    """An element that is an MCU Factory and nothing else; it speaks no SIP. ``durable`` is that of `server`."""
    factory = mcu.McuFactory(config or mcu.FactoryConfig())
    return Element.of(name, services={MCU_FACTORY_PATH: factory}, others=[factory], durable=durable), factory


@attrs.frozen(kw_only=True)
class McuTrust:
    """Whom an MCU believes."""

    factory_principal: str = "mcu-factory"
    focus_peers: frozenset[str] | None = None  #: principals that may command it
    callback_hosts: Mapping[str, frozenset[str]] | None = None  #: where each of them may be
    callers: sip.TrustedPeers = sip.TrustedPeers()  #: who is believed about who calls


def av_mcu(
    place: Place,
    *,
    entropy: sip.Entropy,
    factory_url: str | None,
    outbound_proxy: sip.Uri | None,
    ring_timeout: float = 60.0,
    max_legs: int = 250,
    dead_media: float | None = 60.0,
    policy: mcu.DialOutPolicy | None = None,
    sounding: Callable[[mcu.McuConfig], mcu.McuConfig] | None = None,
    rooms: mcu.RoomSettings | None = None,
    gateways: mcu.GatewayTable | None = None,
    credentials: Lookup | None = None,
    capabilities: rtp.Capabilities | None = None,
    media_policy: mcu.MediaPolicy | None = None,
    single_port: bool = False,
    trust: McuTrust | None = None,
    secure_outbound_proxy: sip.Uri | None = None,
    more_factories: tuple[tuple[str, str], ...] = (),
    with_chat: bool = False,
) -> tuple[Element, mcu.Mcu]:
    """An A/V MCU; its principal is the name of its place. ``credentials`` are for proxies, PBXs and trunks.

    With ``with_chat`` there is a chat MCU beside it, of the same principal, which `chat.chat_mcu_of` finds.
    Without ``trust`` every authenticated peer may command it, from anywhere.
    """
    trust = trust or McuTrust()
    endpoint = place.endpoint(entropy, credentials=credentials)
    config = mcu.McuConfig(
        mcu_id=place.name,
        http_url=place.url(MCU_PATH),
        sip_contact=place.sip_uri("mcu"),
        outbound_proxy=outbound_proxy,
        gateways=gateways or mcu.GatewayTable(),
        secure_outbound_proxy=secure_outbound_proxy,
        factory_url=factory_url,
        more_factories=more_factories,
        ring_timeout=ring_timeout,
        max_legs=max_legs,
        dead_media=dead_media,
        capabilities=capabilities or rtp.Capabilities(),
        media_policy=media_policy or mcu.MediaRules(),
        single_port=single_port,
        factory_principal=trust.factory_principal,
        focus_peers=trust.focus_peers,
        callback_hosts=trust.callback_hosts,
        trusted_peers=trust.callers,
        rooms=rooms,
    )
    if sounding is not None:  # what it plays by itself
        config = sounding(config)
    core = mcu.Mcu(endpoint, config, entropy=entropy.child("mcu"), policy=policy)
    cores: list[sip.Core] = [core]
    services: dict[str, C3PService] = {MCU_PATH: core}
    if with_chat:
        beside = mcu.ChatMcu(
            endpoint,
            chat.config_beside(config, url=place.url(chat.CHAT_PATH), contact=place.sip_uri("chat")),
            entropy=entropy.child("chat"),
            policy=policy,
        )
        cores.append(beside)
        services[chat.CHAT_PATH] = beside
    return Element.of(place.name, pump=HookedPump(endpoint, cores), services=services), core


def client(
    place: Place, config: focus.ClientConfig, *, entropy: sip.Entropy, credentials: Lookup | None = None
) -> tuple[Element, focus.Client]:
    """A conferencing client."""
    endpoint = place.endpoint(entropy, credentials=credentials)
    core = focus.Client(endpoint, config, entropy=entropy.child("client"))
    return Element.of(place.name, pump=HookedPump(endpoint, [core])), core


def phone(
    place: Place,
    config: PhoneConfig,
    *,
    entropy: sip.Entropy,
    source: rtp.AudioSource | None = None,
    credentials: Lookup | None = None,
) -> tuple[Element, Phone]:
    """A legacy phone."""
    endpoint = place.endpoint(entropy, user_agent="legacy phone", credentials=credentials)
    core = Phone(endpoint, config, entropy=entropy.child("phone"), source=source)
    return Element.of(place.name, pump=HookedPump(endpoint, [core])), core
