"""A Focus, a Focus Factory, clients and scripted MCUs at one site, without sockets and in virtual time."""

from __future__ import annotations

import itertools

import attrs
from fake_mcu import FACTORY_URL, FakeMcu, FakeMcuFactory
from pretend_net import START, Net, Node
from raw_peer import RawPeer

from c3p import (
    ConferenceInfo,
    User,
)
from focus import (
    Client,
    ClientConfig,
    ConferenceCreated,
    FactoryConfig,
    Focus,
    FocusConfig,
    FocusFactory,
    Joined,
    MemoryStore,
)
from sip import Endpoint as SipEndpoint
from sip import (
    EndpointConfig,
    Listen,
    SeededEntropy,
    Uri,
)

CALLBACK_URL = "http://focus.example.com:444/LiveServer/Focus"
RECORDS_URL = "http://records.example.com:444/LiveServer/FocusFactory"
DOMAIN = "example.com"
FOCUS_HOST = "192.0.2.1"
WALL_CLOCK = 1_767_225_600.0 - START


@attrs.frozen
class Phone:
    """A client and its node."""

    node: Node
    client: Client

    @property
    def roster(self) -> ConferenceInfo:
        """The conference as this client sees it."""
        assert self.client.roster is not None
        return self.client.roster

    def user(self, entity: str) -> User | None:
        """One user of the roster."""
        users = self.roster.users
        return next((one for one in users.users if one.entity == entity), None) if users is not None else None

    def status(self, entity: str) -> str | None:
        """Status of the first endpoint of a user that is not its Focus endpoint."""
        user = self.user(entity)
        others = [one for one in user.endpoints if one.session_type != "focus"] if user is not None else []
        return others[0].status if others else None


class Site:
    """Everything of one domain."""

    def __init__(self, *, factory: FactoryConfig | None = None, late: bool = False, **focus: object) -> None:
        """``late``: Focus and Focus Factory ask for records by events, which `late_store.LateStore` answers."""
        self.net = Net()
        self.store = MemoryStore(wall_clock=WALL_CLOCK)
        at_hand = None if late else self.store
        entropy = SeededEntropy(b"site")
        endpoint = self.endpoint(FOCUS_HOST, entropy)
        config = FocusConfig(
            domain=DOMAIN, mcu_factory_url=FACTORY_URL, callback_url=CALLBACK_URL, server="focus.example.com"
        )
        self.focus = Focus(endpoint, attrs.evolve(config, **focus), store=at_hand, entropy=entropy.child("focus"))
        self.factory = FocusFactory(
            endpoint,
            factory or FactoryConfig(domain=DOMAIN),
            store=at_hand,
            entropy=entropy.child("factory"),
            activations=self.focus,
        )
        self.node = self.net.node("focus", FOCUS_HOST, endpoint, self.focus, self.factory)
        self.net.watch_c3p(self.focus, self.node)
        self.mcu_factory = FakeMcuFactory(self)
        self._hosts = itertools.count(10)

    @staticmethod
    def endpoint(host: str, entropy: SeededEntropy) -> SipEndpoint:
        """An endpoint that listens at a host."""
        config = EndpointConfig(listen=(Listen("UDP", host, 5060), Listen("TCP", host, 5060)))
        return SipEndpoint(config, entropy=entropy.child("endpoint"), wall_clock=WALL_CLOCK)

    def mcu(self, mcu_id: str = "av1", mcu_type: str = "audio-video") -> FakeMcu:
        """One more MCU that can be allocated."""
        made = FakeMcu(self, mcu_id, mcu_type)
        self.mcu_factory.mcus.append(made)
        return made

    def client(self, name: str, *, transport: str = "TCP", **config: object) -> Phone:
        """One more client."""
        host = f"192.0.2.{next(self._hosts)}"
        entropy = SeededEntropy(name.encode())
        endpoint = self.endpoint(host, entropy)
        proxy = Uri.parse(f"sip:{FOCUS_HOST}:5060;transport={transport.lower()}")
        given = {"aor": f"sip:{name}@{DOMAIN}", "display_name": name.title(), "outbound_proxy": proxy, **config}
        client = Client(endpoint, ClientConfig(**given), entropy=entropy.child("client"))
        return Phone(self.net.node(name, host, endpoint, client), client)

    def created(self, phone: Phone, **record: object) -> str:
        """A new conference of a client."""
        phone.client.create_conference(now=self.net.now, **record)  # type: ignore[arg-type]
        self.net.run()
        return phone.node.last(ConferenceCreated).conference_uri

    def joined(self, phone: Phone, conference: str, *, subscribe: bool = True) -> Phone:
        """A client in the conference, following it."""
        phone.client.join(conference, now=self.net.now)
        self.net.run()
        phone.node.last(Joined)
        if subscribe:
            phone.client.subscribe(now=self.net.now)
            self.net.run()
        return phone

    def meeting(self, *watchers: str, **record: object) -> tuple[str, Phone, list[Phone]]:
        """A conference of alice's, alice in it as presenter, and some attendees, all subscribed."""
        alice = self.client("alice")
        conference = self.created(alice, **record)
        self.joined(alice, conference)
        return conference, alice, [self.joined(self.client(name), conference) for name in watchers]


__all__ = [
    "CALLBACK_URL",
    "DOMAIN",
    "FACTORY_URL",
    "FOCUS_HOST",
    "RECORDS_URL",
    "START",
    "FakeMcu",
    "FakeMcuFactory",
    "Net",
    "Node",
    "Phone",
    "RawPeer",
    "Site",
]
