"""The Focus: conferences of one domain as a core of a SIP endpoint, and C3P over HTTP towards MCUs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
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
)
from focus import refusal
from focus.active import ActiveConferences
from focus.answers import Answer
from focus.commands.results import result_told
from focus.conference import Conference
from focus.config import FocusConfig
from focus.contact import own_name
from focus.context import Context
from focus.dialog_guard import DialogGuard
from focus.durable.kept import KeptConferences
from focus.errors import LocalProtocolError
from focus.events import EndReason
from focus.exchange_owner import ConferenceExchangeOwner
from focus.guests import Guests
from focus.inside import Inside
from focus.joining import Joining
from focus.mcus.farewells import Farewells
from focus.ownership import Ownership
from focus.policy import Admission, Decision
from focus.questions.identification import Found
from focus.questions.placement import AskingPlacement
from focus.questions.procedure import Kind, Line, Steps, Turn
from focus.questions.procedures import Procedures
from focus.questions.stores import record_store
from focus.record_changes import RecordChanges
from focus.records import ConferenceRecord, ConferenceStore
from focus.remote_records import records_everywhere
from focus.roster_document import whole_document
from focus.subscribing import Subscribing
from sip import (
    Claim,
    ConferenceAddress,
    Endpoint,
    Entropy,
    Event,
    FlowClosed,
    InviteReceived,
    Piece,
    ReinviteReceived,
    RequestFailed,
    RequestFromElsewhere,
    RequestReceived,
    ResponseReceived,
    SessionCancelled,
    SessionConfirmed,
    SessionEnded,
    SessionFlowLost,
    SessionRefreshed,
    SubscribeReceived,
    SubscriptionEnded,
    UpdateReceived,
    canonical_host,
    first_due,
    internal_fault,
)

_SignOfLife = ReinviteReceived | UpdateReceived | SessionRefreshed | SessionConfirmed


class Focus:
    """All conferences of one domain.

    `store` is shared with a Focus Factory in the same process; with `records_url` records that it lacks are asked for
    there. None is a store that needs time to answer: `RecordWanted` asks, ``record_found`` or ``store_failed`` answers.
    Nothing is kept, and no timer runs, for conferences in which nobody is. After every call, its commands included,
    drain the endpoint and ``c3p_to_send()``, and read ``next_timeout()`` again; a `sip.Pump` does the first.

    Raises LocalProtocolError for settings that contradict each other.
    """

    def __init__(
        self, endpoint: Endpoint, config: FocusConfig, *, store: ConferenceStore | None, entropy: Entropy
    ) -> None:
        if store is None and config.records_url is not None:
            raise LocalProtocolError("records_url is for what a store lacks that answers at once")
        config = self.config = attrs.evolve(config, server=config.server or own_name(endpoint, config.domain))
        self.untaken: list[Event] = []  #: what `take_events` gives; always the same list
        # After a restart, late answers to the process before must not match.
        self._exchanges: Exchanges[ConferenceExchangeOwner] = Exchanges(first_request_id=entropy.integer(31))
        self.unposted = self._exchanges.unposted  #: what `c3p_to_send` gives; always the same list
        self._farewells = Farewells(self._exchanges, config)
        correlations = entropy.child("correlations")
        self._context = Context(endpoint, config, self._exchanges, self.untaken.append, correlations, self._farewells)
        self.refusals = self._context.refusals  #: by what was asked (join, subscribe, command), SIP status and reason
        domains = frozenset(canonical_host(name) for name in (config.domain, *config.aliases))
        self._active = ActiveConferences(self._context)
        self._procedures = Procedures(
            endpoint,
            owner=config.owner,
            emit=self.untaken.append,
            limit=config.max_waiting_joins,
            per_source=config.max_waiting_per_source,
            timeout=max(config.answer_timeout, config.http_timeout if config.records_url else 0.0),
        )
        if config.placed:
            self._context.placement = AskingPlacement(self._procedures, self.untaken.append, config.owner)
        #: Whose conferences are, where there are other Foci.
        self.ownership = Ownership(config.owner, self._context, self._active, self._procedures)
        self._records = record_store(store, self._procedures, config.owner)
        everywhere = records_everywhere(self._records, config, self._exchanges, self._procedures)
        guests = Guests(self._context, entropy.child("guests"))
        self._record_changes = RecordChanges(config.owner, self._active, self._procedures, everywhere)
        self._kept = KeptConferences(self._context, self._active, self._record_changes)
        self.inside = Inside(self._context, self._active, everywhere, guests, self._procedures)  #: for `WaysIn`
        self._joining = Joining(self._context, self._active, everywhere, guests)
        self._subscribing = Subscribing(self._context, self._active, self._records, guests)
        endpoint.add_core(
            config.owner,
            lambda request, flow: self.inside.is_for_focus(request, flow, domains),
            claim=Claim.CONFERENCE,
            methods=("INVITE", "ACK", "BYE", "CANCEL", "INFO", "UPDATE", "SUBSCRIBE"),
            supported=("timer", "ms-benotify", "ms-piggyback-first-notify", "com.microsoft.autoextend"),
            media_types=(CCCP_TYPE,),
            events=("conference",),
            guards_dialogs=True,
            durable=True,
        )
        endpoint.watch_flows(config.owner)

    @property
    def owner(self) -> str:
        """Name of this core at the endpoint."""
        return self.config.owner

    @property
    def conferences(self) -> tuple[str, ...]:
        """Conference-URIs of the active conferences."""
        return tuple(one.focus_uri for one in self._active)

    @property
    def draining(self) -> bool:
        """Whether nothing new is taken any more."""
        return self._context.draining

    @property
    def sizes(self) -> dict[str, int]:
        """How much is kept at the moment, as `sip.Endpoint.sizes`."""
        return {**self._active.sizes, "waiting": len(self._procedures), "farewells": len(self._farewells)}

    def drain(self, *, now: float) -> None:
        """Take nothing new, for good: new activations, and people who are not in a conference yet. The rest goes on."""
        self._context.draining = True

    def roster(self, conference_uri: str) -> ConferenceInfo | None:
        """The whole state of an active conference, None when it is not active."""
        conference = self._active.get(ConferenceAddress.read(conference_uri).key)
        return whole_document(conference.roster) if conference is not None else None

    def end_conference(self, conference_uri: str, *, now: float) -> None:
        """End an activation, as when its record was deleted. Raises LocalProtocolError when it is not active."""
        conference = self._conference(conference_uri)
        conference.end(EndReason.DELETED, now=now)
        self._active.settle(conference, now=now)

    def _conference(self, conference_uri: str) -> Conference:
        conference = self._active.get(ConferenceAddress.read(conference_uri).key)
        if conference is None:
            raise LocalProtocolError(f"not active: {conference_uri}")
        return conference

    def suspect_mcu(self, mcu_id: str, *, now: float) -> None:
        """Ask an MCU for its part in every conference that it has: whoever runs it says that it may be gone."""
        for conference in tuple(self._active):
            conference.suspect_mcu(mcu_id, now=now)
            self._active.settle(conference, now=now)

    # Records ---------------------------------------------------------------------------------------------------------

    def record_changed(self, conference_uri: str, *, now: float) -> None:
        """The record of a conference is another one, or gone, which ends the conference when it is active.

        It is asked for where it is not at hand. When there is no answer the conference stays as it was.
        """
        self._record_changes.told(conference_uri, None, known=False, now=now)

    def record_replaced(self, conference_uri: str, record: ConferenceRecord | None, *, now: float) -> None:
        """The record of a conference is this one now; None: it is gone, which ends the conference when it is active."""
        self._record_changes.told(conference_uri, record, known=True, now=now)

    def record_found(self, want_id: int, record: ConferenceRecord | None, *, now: float) -> None:
        """Answer RecordWanted: the record, None when there is none. Raises LocalProtocolError when nobody asked."""
        self._procedures.answer(Kind.RECORD, want_id, record, now=now)

    def store_failed(self, want_id: int, *, now: float) -> None:
        """Answer RecordWanted: the store cannot say. Raises LocalProtocolError when nobody asked."""
        self._procedures.refuse(Kind.RECORD, want_id, refusal.STORE_FAILED, now=now)

    def identified(self, pending_id: str, found: Found, *, now: float) -> None:
        """Answer what ``identify`` left open with `sip.Pending`. Raises LocalProtocolError when nobody waits for it."""
        self._procedures.answer(Kind.IDENTITY, pending_id, found, now=now)

    def decided(self, pending_id: str, decision: Admission | Decision, *, now: float) -> None:
        """Answer what the policy left open with `sip.Pending`. Raises LocalProtocolError when nobody waits for it."""
        self._procedures.answer(Kind.DECISION, pending_id, decision, now=now)

    # State -----------------------------------------------------------------------------------------------------------

    def take_pieces(self) -> list[Piece]:
        """What changed of the active conferences since the last call; the first gives all."""
        return [] if self._active.unsaved == {} else self._kept.take()

    def snapshot(self, conference_uri: str | None = None) -> list[Piece]:
        """Every piece of the active conferences, as it is now; or of one alone, its dialogs too, none if not active."""
        return self._kept.all() if conference_uri is None else self._kept.of(conference_uri)

    def restore(self, pieces: Iterable[Piece], *, epoch: int | None = None, now: float) -> list[Event]:
        """Go on with the conferences in ``pieces``, at a start or later; let the endpoint have its dialogs before.

        What cannot be read is reported with `sip.StateUnreadable`. ``epoch``: of a new claim to them (`Ownership`).
        Raises LocalProtocolError, with nothing changed, when one is active here. Then drain, read ``next_timeout``.
        """
        self._kept.restore(pieces, epoch=epoch, now=now)
        return self.take_events()

    def release(self, conference_uri: str, *, now: float) -> list[Piece]:
        """Forget a conference without a word: another Focus has it, and restores what is returned.

        What was written stays written. Raises LocalProtocolError when it is not active.
        """
        return self._kept.release(self._conference(conference_uri), now=now)

    # Machine ---------------------------------------------------------------------------------------------------------

    def handle_event(self, event: Event, *, now: float) -> list[Event]:
        """Act on an event of the endpoint."""
        handler = _HANDLERS.get(type(event))
        if handler is not None:
            handler(self, event, now)
        return self.take_events()

    def take_events(self) -> list[Event]:
        """Events for the application."""
        taken = self.untaken[:]
        self.untaken.clear()
        return taken

    def next_timeout(self) -> float | None:
        """When something is due in one of the conferences, or somebody has waited long enough."""
        return first_due(self._active.next_timeout(), self._procedures.next_timeout(), self._farewells.next_timeout())

    def handle_timeout(self, *, now: float) -> list[Event]:
        """Do what is due."""
        for conference in self._active.due(now):
            try:
                conference.handle_timeout(now=now)
                self._active.settle(conference, now=now)
            except Exception as error:  # what is due in other conferences is done all the same
                self.untaken.append(internal_fault(error, "handle_timeout", owner=self.owner))
        self._procedures.handle_timeout(now=now)
        self._farewells.handle_timeout(now=now)
        return self.take_events()

    # Dialogs ---------------------------------------------------------------------------------------------------------

    def _invited(self, event: InviteReceived, now: float) -> None:
        self._procedures.begin(self._joining.procedure, event, asker=event.session, now=now)

    def _requested(self, event: RequestReceived, now: float) -> None:
        self._procedures.begin(self._carry_out, event, now=now)

    def _carry_out(self, event: RequestReceived, turn: Turn) -> Steps[None]:
        assert event.transaction is not None  # None is for transparent cores
        # INFO, in a dialog: the endpoint answers everything else. It may be the dialog of a subscription.
        conference = self._conference_of(event)
        if conference is not None:
            yield Line(conference.key)
            conference = self._conference_of(event)
        if conference is None or event.session is None:
            self._context.answer(event.transaction, Answer(481), now=turn.now)
        else:
            yield from conference.info(event.session, event, turn)
            self._active.settle(conference, now=turn.now)

    def _from_elsewhere(self, event: RequestFromElsewhere, now: float) -> None:
        self._procedures.begin(DialogGuard(self._context, self._active).procedure, event, now=now)

    def _conference_of(self, event: RequestReceived) -> Conference | None:
        return self._active.of_session.get(event.session) if event.session is not None else None

    def _refreshed_by_request(self, event: ReinviteReceived | UpdateReceived, now: float) -> None:
        """A re-INVITE or UPDATE changes nothing in a Focus dialog: there is no media in it."""
        self._alive(event, now)
        self._context.answer(event.transaction, Answer(200), now=now)

    def _alive(self, event: _SignOfLife, now: float) -> None:
        conference = self._active.of_session.get(event.session)
        if conference is not None:  # pragma: no branch (an accepted session stays in the table until its end)
            conference.participants.seen(event.session)
            self._active.settle(conference, now=now)

    def _flow_lost(self, event: SessionFlowLost, now: float) -> None:
        conference = self._active.of_session.get(event.session)
        if conference is not None:  # pragma: no branch (an accepted session stays in the table until its end)
            conference.participants.flow_lost(event.session, now=now)
            self._active.settle(conference, now=now)

    def _flow_closed(self, event: FlowClosed, now: float) -> None:
        self._procedures.flow_closed(event.flow, now=now)

    def _over(self, event: SessionEnded | SessionCancelled, now: float) -> None:
        self._procedures.forget(event.session, now=now)
        conference = self._active.of_session.pop(event.session, None)
        self._active.attendance.left(event.session)
        if conference is not None:
            cause = event.cause.value if isinstance(event, SessionEnded) else "cancelled"
            conference.left(event.session, cause, now=now)
            self._active.settle(conference, now=now)

    def _told(self, event: ResponseReceived | RequestFailed, now: float) -> None:
        """The end of a request that carried the result of a command: it need not be sent again after a restart."""
        conference = self._active.get(result_told(self._context, event.request_id))
        if conference is not None:
            self._active.changed(conference)

    # Subscriptions ---------------------------------------------------------------------------------------------------

    def _subscribed(self, event: SubscribeReceived, now: float) -> None:
        self._procedures.begin(self._subscribing.procedure, event, now=now)

    def _subscription_over(self, event: SubscriptionEnded, now: float) -> None:
        conference = self._active.of_subscription.pop(event.subscription, None)
        if conference is not None:
            conference.notifier.forget(event.subscription)
            self._active.changed(conference)

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
            self.ownership.check(conference, now=now)
            self._active.settle(conference, now=now)
        return self.take_events()

    def receive_c3p(self, document: Request | Response | Notify | ConferenceInfo, *, peer: str, now: float) -> Reply:
        """What an MCU posted to the callback URL; `peer` is its authenticated principal (docs/design-decisions.rst).

        404 for a conference that is not active, 403 for anybody but its MCU. Then drain and read ``next_timeout``.
        """
        if not isinstance(document, (Notify, Response)):
            return Reply(400)
        conference = self._active.get(ConferenceAddress.read(document.to).key)
        if conference is None:
            return Reply(404)
        reply = conference.receive_c3p(document, peer=peer, now=now)
        self._active.settle(conference, now=now)
        return reply


_HANDLERS: Final[Mapping[type[Event], Callable[[Focus, Any, float], None]]] = {
    InviteReceived: Focus._invited,
    RequestFromElsewhere: Focus._from_elsewhere,
    RequestReceived: Focus._requested,
    ReinviteReceived: Focus._refreshed_by_request,
    UpdateReceived: Focus._refreshed_by_request,
    SessionConfirmed: Focus._alive,
    SessionRefreshed: Focus._alive,
    SessionFlowLost: Focus._flow_lost,
    FlowClosed: Focus._flow_closed,
    SessionEnded: Focus._over,
    SessionCancelled: Focus._over,
    SubscribeReceived: Focus._subscribed,
    SubscriptionEnded: Focus._subscription_over,
    ResponseReceived: Focus._told,
    RequestFailed: Focus._told,
}
