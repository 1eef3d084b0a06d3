"""A site and two phones on a pretend network, and whoever stands between them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from sip.authentication.digest import Credentials
from sip.authentication.digest_server import PasswordStore
from sip.config import EndpointConfig
from sip.entropy import SeededEntropy
from sip.errors import LocalProtocolError
from sip.events import (
    InviteReceived,
    SessionAnswered,
    SessionEnded,
    SubscribeReceived,
)
from sip.flow import Destination, Flow
from sip.headers.name_addr import NameAddr
from sip.ids import SessionId, SubscriptionId
from sip.message.request import Request
from sip.servers.proxy import Proxy
from sip.servers.proxy_admission import ProxyConfig
from sip.servers.registrar import Registrar
from sip.servers.registrar_config import RegistrarConfig
from sip.testing.agent import Agent
from sip.testing.altering import Alteration
from sip.testing.checks import Crossing, faults, leftovers, met_with_silence, unanswered
from sip.testing.habits import Habits
from sip.testing.network import Network, Sent

DOMAIN: Final = "example.com"
_SDP: Final = "application/sdp"
_BODY: Final = b"v=0\r\n"  # endpoints do not look into descriptions
#: Seconds after which nothing may be left: longer than any binding, subscription and session here lasts, twice.
_LONG: Final = 20_000.0


class Scene:
    """A site with registrar and proxy, two phones, and whoever stands between them."""

    def __init__(self, transport: str, alter: Alteration | None = None) -> None:
        self.net = net = Network()
        net.faults_raise = False
        net.middle = self._pass
        self.transport = transport
        self.alter = alter
        self.crossings: list[Crossing] = []
        self.subscriptions: list[SubscriptionId] = []  #: that Alice began
        self.raised: list[str] = []  #: what raised in commands of the phones
        self._different: dict[bytes, bytes] = {}
        self.site = net.agent("site", core=False)
        passwords = PasswordStore({"alice": "secret", "bob": "secret"})
        self.registrar = self.site.run_core(
            Registrar(
                self.site.endpoint,
                RegistrarConfig(domains=(DOMAIN,)),
                entropy=SeededEntropy(b"registrar"),
                credentials=passwords,
            )
        )
        self.proxy = self.site.run_core(
            Proxy(
                self.site.endpoint,
                ProxyConfig(domains=(DOMAIN,), trusted=("192.0.2.0/24",)),
                entropy=SeededEntropy(b"proxy"),
                location=self.registrar.lookup,
            )
        )
        net.names[DOMAIN] = [Destination(transport.upper(), self.site.host, 5060)]
        self.alice, self.bob = self._phone("alice"), self._phone("bob")
        self.route = (NameAddr.parse(f"<sip:{self.site.host}:5060;transport={transport};lr>"),)
        self._register_number = 0

    @property
    def different(self) -> int:
        """How many different messages were sent: what an `Alteration` counts."""
        return len(self._different)

    def _phone(self, name: str) -> Agent:
        credentials = Credentials(name, "secret")
        settings = EndpointConfig(credentials=lambda realm: credentials, reliable_provisionals=True, keep_alive=False)
        phone = self.net.agent(name, settings, core=False)
        phone.add_core(supported=("timer", "replaces"), events=("presence", "refer"))
        Habits(phone, self._do)
        return phone

    def _pass(self, sent: Sent, flow: Flow) -> bytes:
        arrived = self._different.get(sent.data)
        if arrived is None:
            arrived = sent.data
            if self.alter is not None and self.alter.message == len(self._different):
                arrived = self.alter.apply(sent.data)
            self._different[sent.data] = arrived
        receiver = self._name_of(flow.remote.host)
        stream = None if flow.transport == "UDP" else (flow.id, sent.by)
        self.crossings.append(Crossing(sender=sent.by, receiver=receiver, flow=stream, sent=sent.data, arrived=arrived))
        return arrived

    def _name_of(self, host: str) -> str | None:
        """Who is at an address, None when nobody is."""
        return next((each.name for each in (self.site, self.alice, self.bob) if each.host == host), None)

    # What people do --------------------------------------------------------------------------------------------------

    def register(self, phone: Agent, expires: int = 300) -> None:
        """Bind a phone to its address, or take the binding away."""
        self._register_number += 1
        uri = f"sip:{phone.name}@{DOMAIN}"
        contact = NameAddr.parse(
            f"<{phone.uri(self.transport)}>;expires={expires};reg-id=1;"
            f'+sip.instance="<urn:uuid:00000000-0000-4000-8000-00000000000{len(phone.name)}>"'
        )
        self._do(
            lambda: phone.endpoint.request(
                "ua",
                "REGISTER",
                f"sip:{DOMAIN};transport={self.transport}",
                from_=f"<{uri}>",
                to=f"<{uri}>",
                headers=[("Supported", "path, outbound, gruu"), ("Expires", expires)],
                contact=contact,
                call_id=f"register-{phone.name}",
                cseq=self._register_number * 10,
                now=self.net.now,
            )
        )
        self.net.run(2.0)

    def call(self, target: str, *, through_site: bool, offer: bool = True) -> SessionId:
        """Alice calls."""
        return self.alice.endpoint.invite(
            "ua",
            target,
            from_=f'"Alice" <sip:alice@{DOMAIN}>',
            to=f"<sip:bob@{DOMAIN}>",
            body=_BODY if offer else b"",
            content_type=_SDP if offer else None,
            route=self.route if through_site else (),
            session_expires=600,
            now=self.net.now,
        )

    def subscribe(self, target: str, *, through_site: bool) -> SubscriptionId:
        """Alice watches Bob."""
        return self._begun(
            self.alice.endpoint.subscribe(
                "ua",
                target,
                event="presence",
                from_=f"<sip:alice@{DOMAIN}>",
                to=f"<sip:bob@{DOMAIN}>",
                expires=600,
                accept=("application/pidf+xml",),
                route=self.route if through_site else (),
                now=self.net.now,
            )
        )

    def refer(self, target: str) -> SubscriptionId:
        """Alice asks Bob to call somebody."""
        return self._begun(
            self.alice.endpoint.refer(
                "ua",
                target,
                refer_to=f"<sip:carol@{DOMAIN}>",
                from_=f"<sip:alice@{DOMAIN}>",
                to=f"<sip:bob@{DOMAIN}>",
                now=self.net.now,
            )
        )

    def _begun(self, subscription: SubscriptionId) -> SubscriptionId:
        self.subscriptions.append(subscription)
        return subscription

    def _do(self, command: Callable[[], object]) -> None:
        """What an application does: a command that is not possible any more is left out."""
        try:
            command()
        except LocalProtocolError:
            return
        except Exception as error:
            self.raised.append(f"a command raised {type(error).__name__}: {error}")

    def talk(self, session: SessionId) -> None:
        """What happens inside a call, and its end."""
        net, ua = self.net, self.alice.endpoint
        net.run(5.0)
        for act in (
            lambda: ua.reinvite(session, body=_BODY, content_type=_SDP, now=net.now),
            lambda: ua.update(session, body=_BODY, content_type=_SDP, now=net.now),
            lambda: ua.request_in_session(session, "INFO", now=net.now),
        ):
            self._do(act)
            net.run(5.0)
        net.run(400.0)  # the session is refreshed
        self._do(lambda: ua.bye(session, now=net.now))
        net.run(5.0)

    # The end ---------------------------------------------------------------------------------------------------------

    def finish(self) -> None:
        """Everybody ends what still goes on, and time passes until nothing can be left."""
        for phone in (self.alice, self.bob):
            self._hang_up(phone)
        self.net.run(_LONG)

    def _hang_up(self, phone: Agent) -> None:
        endpoint, net = phone.endpoint, self.net
        sessions = {
            session: None for event in phone.events if isinstance(session := getattr(event, "session", None), int)
        }
        for session in sessions:
            for command in (endpoint.cancel, endpoint.bye):
                self._do(lambda command=command, session=session: command(session, now=net.now))  # type: ignore[misc]
            self._do(lambda session=session: endpoint.reject(session, 480, now=net.now))  # type: ignore[misc]
        for number in self.subscriptions if phone is self.alice else ():
            self._do(lambda number=number: endpoint.unsubscribe(number, now=net.now))  # type: ignore[misc]
        for asked in phone.of(SubscribeReceived):
            self._do(
                lambda asked=asked: endpoint.end_subscription(asked.subscription, reason="noresource", now=net.now)  # type: ignore[misc]
            )

    def complaints(self) -> list[str]:
        """What did not hold."""
        phones = {phone.name: phone for phone in (self.alice, self.bob, self.site)}
        kept: dict[str, Mapping[str, int]] = {name: phone.endpoint.sizes for name, phone in phones.items()}
        kept["proxy"] = self.proxy.sizes
        kept["registrar"] = {"bindings": self.registrar.next_timeout() is not None}
        return [
            *self.raised,
            *faults(**{name: phone.events for name, phone in phones.items()}),
            *unanswered(self.crossings, self._excuse),
            *leftovers(**kept),
        ]

    def _excuse(self, receiver: str, request: Request) -> bool:
        """A proxy whose branches were silent says nothing rather than 408, but to INVITE (RFC 4320 section 4.2)."""
        if receiver != "site" or request.method in ("INVITE", "REGISTER", "CANCEL"):
            return False
        return met_with_silence(self.crossings, receiver, request)

    def proper_call(self) -> list[str]:
        """With nobody in the middle: Bob registers, Alice calls him by the site, and hangs up."""
        self.alter = None
        self._different.clear()
        self.crossings.clear()
        wrong = self._try_a_call()
        if wrong and self.transport == "tcp":
            # What a wrong Content-Length took from the stream is gone with its connection; the next one is good.
            wrong = self._try_a_call()
        self.finish()
        return wrong

    def _try_a_call(self) -> list[str]:
        before = {phone.name: len(phone.events) for phone in (self.alice, self.bob)}
        self.register(self.bob)
        session = self.call(f"sip:bob@{DOMAIN}", through_site=True)
        self.net.run(5.0)
        self._do(lambda: self.alice.endpoint.bye(session, now=self.net.now))
        self.net.run(40.0)
        wrong = []
        for phone in (self.alice, self.bob):
            seen = [type(event) for event in phone.events[before[phone.name] :]]
            wanted = {SessionAnswered if phone is self.alice else InviteReceived, SessionEnded}
            if not wanted <= set(seen):
                wrong.append(f"{phone.name} had no proper call afterwards: {[each.__name__ for each in seen]}")
        return wrong
