"""The Focus: conferences of one domain as a core of a SIP endpoint, and C3P over HTTP towards MCUs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import attrs

from c3p import (
    CCCP_TYPE,
    ConferenceInfo,
    Exchange,
    ExchangeFailure,
    Exchanges,
    Notify,
    Reply,
    Request,
    Response,
    conf_id_of,
    focus_uri_of,
    is_focus_uri,
    mcu_type_of,
)
from focus import policy, refusal
from focus.answers import Answer, refuse
from focus.attendance import Attendance
from focus.conference import Conference
from focus.config import FocusConfig
from focus.contact import own_name
from focus.context import ConferenceExchangeOwner, Context
from focus.errors import LocalProtocolError
from focus.events import EndReason
from focus.join import Join, read_join
from focus.records import ConferenceRecord, ConferenceStore
from focus.refusal import Refusal, Refused
from focus.remote_records import RemoteRecords
from focus.subscription_policy import NOT_JOINED, check_subscriber, granted_expires
from sip import (
    AddressOfRecord,
    Claim,
    ConferenceAddress,
    Deadlines,
    Endpoint,
    Entropy,
    Event,
    Flow,
    InviteReceived,
    ReinviteReceived,
    RequestReceived,
    SessionCancelled,
    SessionConfirmed,
    SessionEnded,
    SessionFlowLost,
    SessionId,
    SessionRefreshed,
    SubscribeReceived,
    SubscriptionEnded,
    SubscriptionId,
    UpdateReceived,
    canonical_host,
    internal_fault,
)
from sip import Request as SipRequest

_METHODS: Final = ("INVITE", "ACK", "BYE", "CANCEL", "INFO", "UPDATE", "SUBSCRIBE")


class Focus:
    """All conferences of one domain.

    `store` is shared with a Focus Factory in the same process; with `records_url` records that it lacks are asked for
    there. Nothing is kept, and no timer runs, for conferences in which nobody is. After every call, its commands
    included, drain the endpoint and ``c3p_to_send()``, and read ``next_timeout()`` again; a `sip.Pump` does the first.
    """

    def __init__(self, endpoint: Endpoint, config: FocusConfig, *, store: ConferenceStore, entropy: Entropy) -> None:
        config = self.config = attrs.evolve(config, server=config.server or own_name(endpoint, config.domain))
        self._endpoint = endpoint
        self._store = store
        self._events: list[Event] = []
        # After a restart, late answers to the process before must not match.
        self._exchanges: Exchanges[ConferenceExchangeOwner] = Exchanges(first_request_id=entropy.integer(31))
        self._context = Context(endpoint=endpoint, config=config, exchanges=self._exchanges, emit=self._events.append)
        self._domains = frozenset(canonical_host(name) for name in (config.domain, *config.aliases))
        self._active: dict[str, Conference] = {}
        self._sessions: dict[SessionId, Conference] = {}
        self._attendance = Attendance(config)
        self._subscriptions: dict[SubscriptionId, Conference] = {}
        self._deadlines: Deadlines[str] = Deadlines()
        self._remote_records = RemoteRecords(config, self._exchanges, self._record_arrived)
        endpoint.add_core(
            config.owner,
            self._claims,
            claim=Claim.CONFERENCE,
            methods=_METHODS,
            supported=("timer", "ms-benotify", "ms-piggyback-first-notify", "com.microsoft.autoextend"),
            media_types=(CCCP_TYPE,),
            events=("conference",),
        )

    @property
    def owner(self) -> str:
        """Name of this core at the endpoint."""
        return self.config.owner

    @property
    def conferences(self) -> tuple[str, ...]:
        """Conference-URIs of the active conferences."""
        return tuple(one.focus_uri for one in self._active.values())

    def roster(self, conference_uri: str) -> ConferenceInfo | None:
        """The whole state of an active conference, None when it is not active."""
        conference = self._active.get(ConferenceAddress.read(conference_uri).key)
        return conference.roster.full() if conference is not None else None

    def end_conference(self, conference_uri: str, *, now: float) -> None:
        """End an activation, as when its record was deleted. Raises LocalProtocolError when it is not active."""
        conference = self._active.get(ConferenceAddress.read(conference_uri).key)
        if conference is None:
            raise LocalProtocolError(f"not active: {conference_uri}")
        conference.end(EndReason.DELETED, now=now)
        self._settle(conference, now=now)

    def record_changed(self, conference_uri: str, *, now: float) -> None:
        """The record of a conference is another one, or gone, which ends the conference when it is active."""
        key = ConferenceAddress.read(conference_uri).key
        conference, record = self._active.get(key), self._store.get(key)
        if conference is None:
            return
        if record is None:
            conference.end(EndReason.EXPIRED if conference.expired(now) else EndReason.DELETED, now=now)
        else:
            conference.record_modified(record)
        self._settle(conference, now=now)

    def _claims(self, request: SipRequest, flow: Flow) -> bool:
        return request.uri.host in self._domains and conf_id_of(str(request.uri)) is not None

    # Machine ---------------------------------------------------------------------------------------------------------

    def handle_event(self, event: Event, *, now: float) -> list[Event]:
        """Act on an event of the endpoint."""
        handler = _HANDLERS.get(type(event))
        if handler is not None:
            handler(self, event, now)
        return self.take_events()

    def take_events(self) -> list[Event]:
        """Events for the application."""
        taken = list(self._events)
        self._events.clear()
        return taken

    def next_timeout(self) -> float | None:
        """When something is due in one of the conferences."""
        return self._deadlines.earliest()

    def handle_timeout(self, *, now: float) -> list[Event]:
        """Do what is due."""
        for key in self._deadlines.pop_due(now):
            conference = self._active.get(key)
            if conference is not None:  # pragma: no branch (what has ended has no deadline)
                try:
                    conference.handle_timeout(now=now)
                    self._settle(conference, now=now)
                except Exception as error:  # what is due in other conferences is done all the same
                    self._events.append(internal_fault(error, "handle_timeout", owner=self.owner))
        return self.take_events()

    def _settle(self, conference: Conference, *, now: float) -> None:
        conference.settle(now=now)
        if conference.ended and self._active.get(conference.key) is conference:
            del self._active[conference.key]
            self._attendance.end(conference.key)
        if self._active.get(conference.key) is conference:
            self._deadlines.set(conference.key, conference.next_timeout())
        elif conference.key not in self._active:
            self._deadlines.set(conference.key, None)

    # Joining ---------------------------------------------------------------------------------------------------------

    def _invited(self, event: InviteReceived, now: float) -> None:
        try:
            self._join(event, now=now)
        except Refused as refused:
            self._refuse(event, refused, now=now)

    def _refuse(self, event: InviteReceived, refused: Refused, *, now: float) -> None:
        answer = refuse(refused.refusal, refused.document, server=self.config.server)
        self._endpoint.reject(
            event.session,
            answer.status,
            headers=answer.headers,
            body=answer.body,
            content_type=answer.content_type,
            now=now,
        )

    def _join(self, event: InviteReceived, *, now: float) -> None:
        address = ConferenceAddress.of(event.request.uri)
        if not is_focus_uri(address.text):
            raise Refused(self._media_invite(address.text, event))
        active = self._active.get(address.key)
        record = active.record if active is not None else self._store.get(address.key)
        if record is not None:
            self._admit(event, record, now=now)
        elif not self._remote_records.ask(event, address.text):
            raise Refused(refusal.UNKNOWN_CONFERENCE)

    def _media_invite(self, uri: str, event: InviteReceived) -> Refusal:
        """What a direct media INVITE to an MCU-Conference-URI is refused with."""
        conference = self._active.get(ConferenceAddress.read(focus_uri_of(uri)).key)
        identity = self._identify(event.request, event.flow)
        if conference is None:
            return refusal.UNKNOWN_CONFERENCE
        if mcu_type_of(uri) not in conference.record.mcu_types:
            return refusal.INVALID_MCU
        if identity is None or not conference.participants.of_user(identity.key):
            return NOT_JOINED
        return refusal.NOT_IMPLEMENTED.saying("This Focus has its MCUs dial out only")

    def _admit(self, event: InviteReceived, record: ConferenceRecord, *, now: float) -> None:
        address = ConferenceAddress.read(record.focus_uri)
        join = read_join(event.request, identity=self._identify(event.request, event.flow), conference=address)
        if self.config.require_session_timer and "timer" not in event.request.supported:
            raise Refused(refusal.TIMER_MISSING, join.document)
        self._attendance.check_room(join)
        conference = self._active.get(address.key)
        admission = policy.admit(
            record,
            join.user,
            wish=join.wish,
            locked=conference is not None and conference.locked,
            lobby_capable=join.lobby_capable,
            already_in=conference is not None and conference.participants.is_let_in(join.user),
            policy=self.config.policy,
        )
        if isinstance(admission, Refusal):
            raise Refused(admission, join.document)
        if conference is None:
            conference = self._activate(address, record, join, now=now)
        try:
            conference.join(event, join, admission, now=now)
            self._sessions[event.session] = conference
            self._attendance.joined(event.session, join)
        finally:
            # Somebody whom a full conference refuses must not leave an empty conference behind.
            self._settle(conference, now=now)

    def _identify(self, request: SipRequest, flow: Flow) -> AddressOfRecord | None:
        identity = self.config.identify(request, flow)
        return AddressOfRecord.read(identity) if identity is not None else None

    def _activate(self, address: ConferenceAddress, record: ConferenceRecord, join: Join, *, now: float) -> Conference:
        if len(self._active) >= self.config.max_conferences:
            raise Refused(refusal.BUSY, join.document)
        self._attendance.begin(address.key, record, join)
        conference = self._active[address.key] = Conference(self._context, address=address, record=record, now=now)
        return conference

    def _record_arrived(self, event: InviteReceived, found: ConferenceRecord | Refusal, now: float) -> None:
        """The Focus Factory elsewhere answered."""
        try:
            if isinstance(found, Refusal):
                raise Refused(found)
            self._admit(event, found, now=now)
        except Refused as refused:
            self._refuse(event, refused, now=now)

    # Dialogs ---------------------------------------------------------------------------------------------------------

    def _requested(self, event: RequestReceived, now: float) -> None:
        assert event.transaction is not None  # None is for transparent cores
        # INFO, and only in a dialog: the endpoint answers everything else. The dialog may be one of a subscription.
        conference = self._sessions.get(event.session) if event.session is not None else None
        if conference is None or event.session is None:
            self._context.answer(event.transaction, Answer(481), now=now)
        else:
            conference.info(event.session, event.transaction, event.request, now=now)
            self._settle(conference, now=now)

    def _refreshed_by_request(self, event: ReinviteReceived | UpdateReceived, now: float) -> None:
        """A re-INVITE or UPDATE changes nothing in a Focus dialog: there is no media in it."""
        self._alive(event, now)
        self._context.answer(event.transaction, Answer(200), now=now)

    def _alive(
        self, event: ReinviteReceived | UpdateReceived | SessionRefreshed | SessionConfirmed, now: float
    ) -> None:
        conference = self._sessions.get(event.session)
        if conference is not None:  # pragma: no branch (an accepted session stays in the table until its end)
            conference.participants.seen(event.session)
            self._settle(conference, now=now)

    def _flow_lost(self, event: SessionFlowLost, now: float) -> None:
        conference = self._sessions.get(event.session)
        if conference is not None:  # pragma: no branch (an accepted session stays in the table until its end)
            conference.participants.flow_lost(event.session, now=now)
            self._settle(conference, now=now)

    def _over(self, event: SessionEnded | SessionCancelled, now: float) -> None:
        self._remote_records.forget(event.session)
        conference = self._sessions.pop(event.session, None)
        self._attendance.left(event.session)
        if conference is not None:
            cause = event.cause.value if isinstance(event, SessionEnded) else "cancelled"
            conference.left(event.session, cause, now=now)
            self._settle(conference, now=now)

    # Subscriptions ---------------------------------------------------------------------------------------------------

    def _subscribed(self, event: SubscribeReceived, now: float) -> None:
        try:
            self._subscribe(event, now=now)
        except Refused as refused:
            answer = refuse(refused.refusal, None, server=self.config.server)
            self._endpoint.reject_subscription(event.subscription, answer.status, headers=answer.headers, now=now)

    def _subscribe(self, event: SubscribeReceived, *, now: float) -> None:
        expires = granted_expires(event.expires, self.config)
        conference = self._subscriptions.get(event.subscription)
        if conference is not None:
            conference.subscribe_again(event, expires=expires, now=now)
            self._settle(conference, now=now)
            return
        conference = self._subscribable(ConferenceAddress.of(event.request.uri))
        identity = self._identify(event.request, event.flow)
        key = identity.key if identity is not None else ""
        check_subscriber(conference.participants.of_user(key), event.flow)
        own = len(conference.notifier.of_user(key))
        if len(conference.notifier) >= self.config.max_subscriptions or own >= self.config.max_subscriptions_per_user:
            raise Refused(refusal.BUSY)
        if expires == 0 and conference.end_subscription_of(key, event, now=now):
            return
        self._subscriptions[event.subscription] = conference
        conference.subscribe(event, user=key, expires=expires, now=now)
        self._settle(conference, now=now)

    def _subscribable(self, address: ConferenceAddress) -> Conference:
        if (conference := self._active.get(address.key)) is not None:
            return conference
        known = self._store.get(address.key) is not None
        raise Refused(NOT_JOINED if known else refusal.UNKNOWN_CONFERENCE)

    def _subscription_over(self, event: SubscriptionEnded, now: float) -> None:
        conference = self._subscriptions.pop(event.subscription, None)
        if conference is not None:
            conference.notifier.forget(event.subscription)

    # C3P over HTTP ---------------------------------------------------------------------------------------------------

    def c3p_to_send(self) -> list[Exchange]:
        """What is to be posted, in order."""
        return self._exchanges.take()

    def receive_reply(self, exchange_id: int, reply: Reply, *, now: float) -> list[Event]:
        """The answer to an exchange. Then drain and read ``next_timeout``."""
        return self._answered(self._exchanges.replied(exchange_id, reply, now=now), now=now)

    def exchange_failed(self, exchange_id: int, reason: ExchangeFailure, *, now: float) -> list[Event]:
        """No usable answer to an exchange. Then drain and read ``next_timeout``."""
        return self._answered(self._exchanges.failed(exchange_id, reason, now=now), now=now)

    def _answered(self, owner: ConferenceExchangeOwner | None, *, now: float) -> list[Event]:
        conference = self._active.get(ConferenceAddress.read(owner.focus_uri).key) if owner is not None else None
        if conference is not None:
            self._settle(conference, now=now)
        return self.take_events()

    def receive_c3p(self, document: Request | Response | Notify | ConferenceInfo, *, peer: str, now: float) -> Reply:
        """What an MCU posted to the callback URL; `peer` is its authenticated principal (decisions 4).

        404 for a conference that is not active here, 403 for anybody but the MCU that it names.

        Then drain and read ``next_timeout``.
        """
        if not isinstance(document, (Notify, Response)):
            return Reply(400)
        conference = self._active.get(ConferenceAddress.read(document.to).key)
        if conference is None:
            return Reply(404)
        reply = conference.receive_c3p(document, peer=peer, now=now)
        self._settle(conference, now=now)
        return reply


_HANDLERS: Final[Mapping[type[Event], Callable[[Focus, Any, float], None]]] = {
    InviteReceived: Focus._invited,
    RequestReceived: Focus._requested,
    ReinviteReceived: Focus._refreshed_by_request,
    UpdateReceived: Focus._refreshed_by_request,
    SessionConfirmed: Focus._alive,
    SessionRefreshed: Focus._alive,
    SessionFlowLost: Focus._flow_lost,
    SessionEnded: Focus._over,
    SessionCancelled: Focus._over,
    SubscribeReceived: Focus._subscribed,
    SubscriptionEnded: Focus._subscription_over,
}
