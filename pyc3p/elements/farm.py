"""A whole system in one place: every part of a conference as an element of its own.

The same farm runs in virtual time (:mod:`pyc3p.simnet`) and on loopback (:mod:`pyc3p.commands.demo`), at other places.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import attrs

import c3p
import focus
import mcu
import rtp
import sip
from pyc3p.element import Element
from pyc3p.elements import parts
from pyc3p.elements.farm_edge import EDGE, Edge, edge_proxy
from pyc3p.elements.parts import CoreSettings, McuTrust, Place, SipCores
from pyc3p.phone import Phone, PhoneConfig, Reaction
from pyc3p.placement.member import Member
from pyc3p.placement.store import INCARNATION_OCTETS, Node

#: Names of the servers, in the order of the columns of a ladder; clients stand before and phones after them.
SERVERS: Final = ("focus-factory", "focus", "mcu-factory", "mcu", "proxy")


#: What shares an endpoint with what.
_ROLES: Final = {"focus-factory": ("focus-factory",), "focus": ("focus",), "proxy": ("registrar", "proxy")}
#: In which order the servers are put together; the MCUs, the people and the phones come after them.
_ORDER: Final = ("mcu-factory", *_ROLES)
#: The secret that several nodes have in common where the plan has none, by which they know what one of them sent on.
_OF_ALL: Final = "of all nodes"


@attrs.frozen(kw_only=True)
class Person:
    """Somebody with a conferencing client."""

    name: str  #: of the element
    user: str
    display_name: str
    guest: bool = False  #: whether it comes with a passcode, and is nobody
    transport: str = "tcp"  #: by which it reaches its Focus Factory; the Focus is found by DNS


@attrs.frozen(kw_only=True)
class Handset:
    """A legacy phone on somebody's desk."""

    name: str  #: of the element
    user: str
    source: rtp.AudioSource | None = None
    reaction: Reaction = Reaction.ANSWER
    ring_time: float = 0.5  #: seconds until it is answered
    hang_up_after: float | None = None  #: seconds after the answer
    forward_to: str | None = None  #: user to whom it redirects calls, where that is its reaction
    dead_media: float | None = 60.0  #: seconds in which it hears nothing, then it hangs up; None: never, as most phones
    srtp: mcu.Srtp = mcu.Srtp.OFF


@attrs.frozen(kw_only=True)
class FarmPlan:
    """Who and what there is."""

    domain: str = "example.com"
    people: Sequence[Person] = (
        Person(name="presenter", user="ann", display_name="Ann"),
        Person(name="watcher", user="wes", display_name="Wes"),
    )
    handsets: Sequence[Handset] = ()
    mcus: Sequence[str] = ("mcu",)
    #: Names of nodes that share the conferences, each with a Focus, a Focus Factory and an MCU Factory, behind a proxy
    #: that is called ``edge``. None: one Focus, and the Factories apart. Whoever runs them gives them a store.
    foci: Sequence[str] = ()
    chat: bool = False  #: whether each of them has a chat MCU beside it
    ring_timeout: float = 60.0  #: seconds the MCU lets a phone ring
    outbound_proxy: sip.Uri | None = None  #: where phones register and calls go out; None: the farm's own proxy
    dial_out_policy: mcu.DialOutPolicy | None = None
    conference_policy: focus.ConferencePolicy = focus.ConferenceRules()
    factory: focus.FactoryConfig = focus.FactoryConfig()  #: what new conferences are like
    media_policy: mcu.MediaPolicy | None = None  #: None: no SRTP, and the users of the domain are known
    durable: bool = False  #: whether servers keep their state
    secret: str = ""  #: by which a server knows the calls that it let through before it was started again; empty: none

    @property
    def names(self) -> tuple[str, ...]:
        """All elements, in the order of the columns of a ladder."""
        before = (EDGE, *self.foci) if self.foci else SERVERS[: SERVERS.index("mcu")]
        return (
            *(person.name for person in self.people),
            *before,
            *self.mcus,
            "proxy",
            *(handset.name for handset in self.handsets),
        )


#: Makes an element in place of one of ours: it is given the farm, its place and its entropy.
Builder = Callable[["Farm", Place, sip.Entropy], Element]


@attrs.define(eq=False, kw_only=True)
class Farm:
    """The elements, and the machines in them that a test or a demonstration commands."""

    plan: FarmPlan
    places: dict[str, Place]
    store: focus.MemoryStore  #: of conference records
    numbers: focus.DialInNumbers
    replace: Mapping[str, Builder] = attrs.Factory(dict)  #: what is made by somebody else, by name
    elements: dict[str, Element] = attrs.Factory(dict)
    cores: dict[str, SipCores] = attrs.Factory(dict)
    mcu_factory: mcu.McuFactory = attrs.field(init=False)  #: where it is an element of its own
    mcu_factories: dict[str, mcu.McuFactory] = attrs.Factory(dict)  #: of nodes, by name
    edge: Edge | None = None  #: before several nodes
    clock: Callable[[], float] = lambda: 0.0  #: monotonic seconds, for the leases of nodes that begin
    mcus: dict[str, mcu.Mcu] = attrs.Factory(dict)
    clients: dict[str, focus.Client] = attrs.Factory(dict)
    phones: dict[str, Phone] = attrs.Factory(dict)

    @property
    def outbound_proxy(self) -> sip.Uri:
        """Where phones register, and through which the MCU calls them."""
        return self.plan.outbound_proxy or self.places["proxy"].sip_uri()

    def aor(self, user: str) -> str:
        """The address of a user of this domain."""
        return f"sip:{user}@{self.plan.domain}"


def build_farm(
    plan: FarmPlan,
    places: Mapping[str, Place],
    entropy: sip.Entropy,
    replace: Mapping[str, Builder] | None = None,
    *,
    clock: Callable[[], float] = lambda: 0.0,
) -> Farm:
    """Put every part together; ``places`` has one for each of ``plan.names``.

    ``replace`` makes some of them in place of ours; ``clock`` is for the leases of several nodes. Raises ValueError for
    a name that is none of the plan's.
    """
    if unknown := sorted(set(replace or {}) - set(plan.names)):
        raise ValueError(f"no such element: {', '.join(unknown)}")
    first = plan.foci[0] if plan.foci else "focus-factory"
    store = focus.MemoryStore(wall_clock=places[first].wall_clock)
    numbers = focus.RecordNumbers(store, entropy.child("numbers"))
    farm = Farm(plan=plan, places=dict(places), store=store, numbers=numbers, replace=replace or {}, clock=clock)
    for name in (EDGE, *plan.foci, "proxy") if plan.foci else _ORDER:
        build_element(farm, name, entropy.child(name))
    others = [*plan.mcus, *(person.name for person in plan.people), *(handset.name for handset in plan.handsets)]
    for name in others:
        build_element(farm, name, entropy.child(name))
    return farm


def build_element(farm: Farm, name: str, entropy: sip.Entropy) -> Element:
    """Put one part together, for the first time or anew, and note it in the farm."""
    plan, places = farm.plan, farm.places
    if name in farm.replace:
        farm.elements[name] = farm.replace[name](farm, places[name], entropy)
    elif name == "mcu-factory":
        farm.elements[name], farm.mcu_factory = parts.mcu_factory_only(name, durable=plan.durable)
    elif name == EDGE:
        farm.edge = farm.edge or Edge({each: places[each] for each in plan.foci})
        farm.elements[name] = edge_proxy(places[name], farm.edge, plan.domain, entropy=entropy)
    elif name in plan.foci:
        _add_node(farm, name, entropy)
    elif name in _ROLES:
        farm.elements[name], farm.cores[name] = parts.server(
            places[name], _ROLES[name], _core_settings(farm), entropy=entropy, durable=plan.durable
        )
    elif name in plan.mcus:
        factory, *more = ((each, places[each].url(parts.MCU_FACTORY_PATH)) for each in plan.foci or ("mcu-factory",))
        farm.elements[name], farm.mcus[name] = parts.av_mcu(
            places[name],
            entropy=entropy,
            factory_url=factory[1],
            more_factories=tuple((url, each) for each, url in more),
            trust=McuTrust(factory_principal=factory[0], focus_peers=frozenset(plan.foci) if plan.foci else None),
            outbound_proxy=farm.outbound_proxy,
            ring_timeout=plan.ring_timeout,
            policy=plan.dial_out_policy,
            media_policy=plan.media_policy or mcu.MediaRules(known_domains=frozenset({plan.domain})),
            with_chat=plan.chat,
        )
    else:
        for person in plan.people:
            if person.name == name:
                farm.elements[name], farm.clients[name] = parts.client(
                    places[name], _client_config(farm, person, entropy), entropy=entropy
                )
        for handset in plan.handsets:
            if handset.name == name:
                _add_phone(farm, handset, entropy)
    return farm.elements[name]


def _add_node(farm: Farm, name: str, entropy: sip.Entropy) -> None:
    """One of several; each time that it is made is another life of it."""
    plan, place = farm.plan, farm.places[name]
    incarnation = entropy.child("incarnation").token(INCARNATION_OCTETS)
    node = Node(name=name, incarnation=incarnation, address=str(place.sip_uri(transport="tcp")))
    settings = attrs.evolve(
        _core_settings(farm),
        mcu_factory_url=place.url(parts.MCU_FACTORY_PATH),
        mcu_factory_principal=name,
        callback_url=place.url(parts.FOCUS_PATH),
        proxy=sip.ProxyConfig(trusted=place.trusted, secret=plan.secret or _OF_ALL),
        member=Member(node, now=farm.clock()),
    )
    factory = farm.mcu_factories[name] = mcu.McuFactory(mcu.FactoryConfig(focus_peers=frozenset(plan.foci)))
    farm.elements[name], farm.cores[name] = parts.server(
        place, ("focus", "focus-factory"), settings, entropy=entropy, mcu_factory=factory, durable=True
    )


def _core_settings(farm: Farm) -> CoreSettings:
    places, alone = farm.places, not farm.plan.foci
    return CoreSettings(
        domain=farm.plan.domain,
        store=farm.store,
        mcu_factory_url=places["mcu-factory"].url(parts.MCU_FACTORY_PATH) if alone else None,
        callback_url=places["focus"].url(parts.FOCUS_PATH) if alone else None,
        policy=farm.plan.conference_policy,
        numbers=farm.numbers,
        factory=attrs.evolve(farm.plan.factory, mcu_types=_mcu_types(farm.plan)),
        proxy=sip.ProxyConfig(secret=farm.plan.secret),
    )


def _mcu_types(plan: FarmPlan) -> tuple[str, ...]:
    return (c3p.McuType.AUDIO_VIDEO, *([c3p.McuType.CHAT] if plan.chat else []))


def _client_config(farm: Farm, person: Person, entropy: sip.Entropy) -> focus.ClientConfig:
    port = "" if farm.plan.foci else f":{farm.places['focus-factory'].sip_port}"
    user = f"{person.user}@{farm.plan.domain}"
    return focus.ClientConfig(
        aor=focus.guest_aor(entropy.child("guest")) if person.guest else f"sip:{user}",
        display_name=person.display_name,
        # The Focus Factory is an element of its own here, so its address has a port of its own.
        factory_uri=f"sip:{user}{port};transport={person.transport};gruu;opaque=app:conf:focusfactory",
    )


def _add_phone(farm: Farm, handset: Handset, entropy: sip.Entropy) -> None:
    place = farm.places[handset.name]
    config = PhoneConfig(
        aor=farm.aor(handset.user),
        contact=place.sip_uri(handset.user),
        registrar=sip.Uri("sip", farm.plan.domain),
        outbound_proxy=farm.outbound_proxy,
        reaction=handset.reaction,
        ring_time=handset.ring_time,
        hang_up_after=handset.hang_up_after,
        dead_media=handset.dead_media,
        forward_to=None if handset.forward_to is None else sip.Uri.parse(farm.aor(handset.forward_to)),
    ).with_srtp(handset.srtp)
    farm.elements[handset.name], farm.phones[handset.name] = parts.phone(
        place, config, entropy=entropy, source=handset.source
    )
