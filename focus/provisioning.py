"""What a Microsoft client asks when it has logged in (MS-SIPREGE 3.2): where it can make conferences.

It subscribes to its own address, with ``Expires: 0``, for the package ``vnd-microsoft-provisioning-v2``, and is told
its Focus Factory. Other packages of a login (contacts, presence, access lists) are refused with 489, which such
clients take without a word, and so is SERVICE to its own address, by which it would publish its presence, with 405.

That it asks at all, and for nothing else, the answer to its REGISTER must have said: `REGISTRATION_HEADERS`.
"""

from __future__ import annotations

import re
from typing import Final

import attrs

from c3p import (
    PROVISIONING_EVENT,
    PROVISIONING_TYPE,
    SERVER_CONFIGURATION,
    C3PError,
    ProvisionGroup,
    Provisioning,
    ProvisioningQuestion,
    focus_factory_uri,
)
from focus import refusal
from focus.answers import refuse
from focus.config import ProvisioningConfig
from focus.contact import own_name
from focus.identity import insist_on, name_of
from focus.questions.identification import Found, identification, sender_of
from focus.questions.procedure import Kind, Line, Steps, Turn
from focus.questions.procedures import Procedures
from focus.refusal import Refused
from sip import (
    AddressOfRecord,
    Claim,
    Endpoint,
    Event,
    Flow,
    FlowClosed,
    SubscribeReceived,
    aor_key,
    canonical_host,
)
from sip import Request as SipRequest

#: Of the 200 to REGISTER: the client takes the server for one that has conferences, and asks for nothing but this.
REGISTRATION_HEADERS: Final = (("Supported", "msrtc-event-categories"), ("Allow-Events", PROVISIONING_EVENT))
#: User names that can stand in the address of a Focus Factory. pidgin-sipe puts that address into documents by printf,
#: without escaping anything, so that a percent sign would be an instruction, and an ampersand no XML.
_PLAIN_USER: Final = re.compile(r"[A-Za-z0-9_.!~*()+-]{1,256}")
SUPPORT_ENCRYPTION: Final = "SupportEncryption"
NO_ENCRYPTION: Final = "DoNotSupportEncryption"


class ProvisioningService:
    """A core for the addresses of the users of one domain, as far as they ask about themselves."""

    def __init__(self, endpoint: Endpoint, config: ProvisioningConfig) -> None:
        self.config = attrs.evolve(config, server=config.server or own_name(endpoint, config.domain))
        self._endpoint = endpoint
        self._domains = frozenset(canonical_host(name) for name in (config.domain, *config.aliases))
        self.untaken: list[Event] = []  #: what `take_events` gives; always the same list
        self._procedures = Procedures(
            endpoint,
            owner=config.owner,
            emit=self.untaken.append,
            limit=config.max_waiting,
            per_source=config.max_waiting_per_source,
            timeout=config.answer_timeout,
        )
        endpoint.add_core(
            config.owner,
            self._claims,
            claim=Claim.ELEMENT,
            methods=("SUBSCRIBE",),
            supported=("ms-benotify", "ms-piggyback-first-notify"),
            media_types=(PROVISIONING_TYPE,),
            events=(PROVISIONING_EVENT,),
        )
        endpoint.watch_flows(config.owner)

    @property
    def owner(self) -> str:
        """Name of this core at the endpoint."""
        return self.config.owner

    def _claims(self, request: SipRequest, flow: Flow) -> bool:
        uri = request.uri
        if request.method not in ("SUBSCRIBE", "SERVICE") or uri.user is None or uri.opaque is not None:
            return False
        return uri.host in self._domains and aor_key(uri) == aor_key(request.from_.uri)

    # Machine ---------------------------------------------------------------------------------------------------------

    def handle_event(self, event: Event, *, now: float) -> list[Event]:
        """Answer a SUBSCRIBE."""
        if isinstance(event, SubscribeReceived):
            self._procedures.begin(self._procedure, event, asker=event.subscription, now=now)
        elif isinstance(event, FlowClosed):
            self._procedures.flow_closed(event.flow, now=now)
        return self.take_events()

    def take_events(self) -> list[Event]:
        """Events for the application."""
        taken = self.untaken[:]
        self.untaken.clear()
        return taken

    def next_timeout(self) -> float | None:
        """When somebody has waited long enough."""
        return self._procedures.next_timeout()

    def handle_timeout(self, *, now: float) -> list[Event]:
        """Refuse those who have waited long enough."""
        self._procedures.handle_timeout(now=now)
        return self.take_events()

    def identified(self, pending_id: str, found: Found, *, now: float) -> None:
        """Answer what ``identify`` left open with `sip.Pending`. Raises LocalProtocolError when nobody waits for it."""
        self._procedures.answer(Kind.IDENTITY, pending_id, found, now=now)

    # A question ------------------------------------------------------------------------------------------------------

    def _procedure(self, event: SubscribeReceived, turn: Turn) -> Steps[None]:
        """From a SUBSCRIBE to its answer."""
        try:
            told = yield from self._told(event, turn)
        except Refused as refused:
            answer = refuse(refused.refusal, None, server=self.config.server)
            self._endpoint.reject_subscription(
                event.subscription, answer.status, answer.phrase, headers=answer.headers, now=turn.now
            )
            return
        # Whoever is told once asks again when it logs in again.
        self._endpoint.accept_subscription(
            event.subscription, expires=0, body=bytes(told), content_type=PROVISIONING_TYPE, now=turn.now
        )

    def _told(self, event: SubscribeReceived, turn: Turn) -> Steps[Provisioning]:
        request = event.request
        yield Line(sender_of(request, event.flow))
        known = yield from identification(self.config.identify, request, event.flow)
        name = name_of(insist_on(known), request)
        if name is None or aor_key(request.uri) != name.key:
            raise Refused(refusal.NOT_AUTHORISED.saying("Only about oneself"))
        if not self._endpoint.is_open(event.flow):
            raise Refused(refusal.GONE)
        try:
            question = ProvisioningQuestion.parse(request.body) if request.body else None
        except C3PError:
            raise Refused(refusal.UNPARSEABLE) from None
        if question is not None and not question.wants(SERVER_CONFIGURATION):
            return Provisioning()
        return Provisioning(groups=(self._server_configuration(name),))

    def _server_configuration(self, user: AddressOfRecord) -> ProvisionGroup:
        return ProvisionGroup(
            name=SERVER_CONFIGURATION,
            focus_factory_uri=factory_of(user),
            av_encryption=SUPPORT_ENCRYPTION if self.config.encryption else NO_ENCRYPTION,
            port_range_enabled=False,
        )


def factory_of(user: AddressOfRecord) -> str | None:
    """The Focus Factory of a user; None for one whose name old clients could not put into a document."""
    uri = user.uri
    if uri is None or uri.user is None or not _PLAIN_USER.fullmatch(uri.user):
        return None
    return focus_factory_uri(user.text)
