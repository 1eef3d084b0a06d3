"""The Focus Factory: conference records by SERVICE, and for Focuses elsewhere by HTTP (MS-CONFBAS)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final, Protocol

import attrs

from c3p import (
    CCCP_TYPE,
    AddConference,
    Code,
    CommandReason,
    ConferenceInfo,
    GetAvailableMcuTypes,
    GetConference,
    GetConferencingCapabilities,
    Notify,
    Reason,
    Reply,
    Request,
    Response,
)
from focus import refusal
from focus.answers import Answer, refuse
from focus.commands.checks import check_ends
from focus.commands.requests import read_request
from focus.config import FactoryConfig
from focus.contact import own_name
from focus.context import told
from focus.creations import Creations
from focus.events import RecordAdded, RecordRemoved, RecordWriteWanted
from focus.identity import insist_on
from focus.questions.identification import Found, identification, sender_of
from focus.questions.procedure import Kind, Line, Steps, Turn
from focus.questions.procedures import Procedures
from focus.questions.stores import record_store
from focus.records import ConferenceRecord, ConferenceStore, Written
from focus.refusal import Refused
from focus.scheduling import Failed, Scheduling
from sip import (
    Claim,
    ConferenceAddress,
    Endpoint,
    Entropy,
    Event,
    Flow,
    RequestReceived,
    aor_key,
    canonical_host,
    first_due,
)
from sip import Request as SipRequest

FACTORY_OPAQUE: Final = "app:conf:focusfactory"


class Activations(Protocol):
    """Whoever activates records: a Focus on the same store."""

    def record_replaced(self, conference_uri: str, record: ConferenceRecord | None, *, now: float) -> None:
        """The record of a conference is this one now; None: it is gone."""


class FocusFactory:
    """A core for the Focus Factory URIs of one domain, one for each organizer.

    `store` None is one that needs time to answer: the application is asked with `RecordWanted`, `RecordsWanted` and
    `RecordWriteWanted`, and answers with ``record_found``, ``records_found``, ``record_written`` or ``store_failed``.
    `activations` is the Focus of the same process, if there is one: no conference outlives its record.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        config: FactoryConfig,
        *,
        store: ConferenceStore | None,
        entropy: Entropy,
        activations: Activations | None = None,
    ) -> None:
        self.config = attrs.evolve(config, server=config.server or own_name(endpoint, config.domain))
        self._domains = frozenset(canonical_host(name) for name in (config.domain, *config.aliases))
        self._endpoint = endpoint
        self._entropy = entropy
        self._activations = activations
        self.untaken: list[Event] = []  #: what `take_events` gives; always the same list
        self._draining = False
        self._refusals: Counter[tuple[str, int, str]] = Counter()
        self._procedures = Procedures(
            endpoint,
            owner=config.owner,
            emit=self.untaken.append,
            limit=config.max_waiting,
            per_source=config.max_waiting_per_source,
            timeout=config.answer_timeout,
        )
        self._store = store
        self._creations = Creations(config, endpoint.config.trusted_networks)
        self._records = record_store(store, self._procedures, config.owner)
        self._scheduling = Scheduling(self.config, self._records, wall_clock=endpoint.wall_clock, observer=self)
        endpoint.add_core(
            config.owner, self._claims, claim=Claim.CONFERENCE, methods=("SERVICE",), media_types=(CCCP_TYPE,)
        )

    @property
    def owner(self) -> str:
        """Name of this core at the endpoint."""
        return self.config.owner

    @property
    def draining(self) -> bool:
        """Whether new conferences are refused."""
        return self._draining

    @property
    def refusals(self) -> Mapping[tuple[str, int, str], int]:
        """How often something was refused, as `Focus.refusals`; what was asked is always ``service``."""
        return dict(self._refusals)

    def drain(self, *, now: float) -> None:
        """Refuse new conferences with 503, for good. Records that there are can be read, changed and deleted."""
        self._draining = True

    def _claims(self, request: SipRequest, flow: Flow) -> bool:
        uri = request.uri
        return uri.host in self._domains and (uri.opaque or "").lower() == FACTORY_OPAQUE

    # Machine ---------------------------------------------------------------------------------------------------------

    def handle_event(self, event: Event, *, now: float) -> list[Event]:
        """Answer a SERVICE request."""
        if isinstance(event, RequestReceived) and event.transaction is not None:
            self._procedures.begin(self._service, event, now=now)
        return self.take_events()

    def take_events(self) -> list[Event]:
        """Events for the application."""
        taken = list(self.untaken)
        self.untaken.clear()
        return taken

    def next_timeout(self) -> float | None:
        """When the next record expires, or somebody has waited long enough."""
        return first_due(self._records.next_timeout(), self._procedures.next_timeout())

    def handle_timeout(self, *, now: float) -> list[Event]:
        """Drop the records whose time has come, and refuse those who have waited long enough."""
        for record in self._records.expire(now=now):
            self.written(record, None, now=now)
        self._procedures.handle_timeout(now=now)
        return self.take_events()

    # SIP -------------------------------------------------------------------------------------------------------------

    def _service(self, event: RequestReceived, turn: Turn) -> Steps[None]:
        """From a SERVICE to its answer."""
        try:
            answer = yield from self._answer_to(event, turn)
        except Refused as refused:
            self._refusals["service", refused.refusal.status, refused.refusal.name] += 1
            if (what := told(self.owner, "service", refused.refusal, event.request, event.flow)) is not None:
                self.untaken.append(what)
            answer = refuse(refused.refusal, refused.document, server=self.config.server)
        assert event.transaction is not None  # None is for transparent cores
        self._endpoint.respond(
            event.transaction,
            answer.status,
            answer.phrase,
            headers=answer.headers,
            body=answer.body,
            content_type=answer.content_type,
            now=turn.now,
        )

    def _answer_to(self, event: RequestReceived, turn: Turn) -> Steps[Answer]:
        yield Line(sender_of(event.request, event.flow))
        known = yield from identification(self.config.identify, event.request, event.flow)
        identified = insist_on(known)
        document = read_request(event.request)
        if identified is None:
            raise Refused(refusal.BAD_FROM, document)
        organizer = identified.user
        check_ends(document, identity=organizer, to=event.request.to.uri)
        owns = aor_key(event.request.to.uri) == organizer.key
        if not owns and type(document.command) not in _FOR_EVERYBODY:
            raise Refused(refusal.NOT_AUTHORISED.saying("Only the organizer has records here"), document)
        if isinstance(document.command, AddConference):
            if self._draining:
                raise Refused(refusal.DRAINING.after(self.config.drain_retry_after), document)
            if not self._creations.take(organizer.key, event.flow, now=turn.now):
                raise Refused(refusal.BUSY, document)
        # All records of an organizer are one line, for getConferences shows them all.
        yield Line(organizer.key)
        try:
            done = yield from self._scheduling.carry_out(document.command, organizer, turn)
        except Failed as failed:
            answer = document.respond(Code.FAILURE, reason=failed.reason, command_reason=failed.specific)
            return Answer(200, bytes(answer))
        if done is None:
            raise Refused(refusal.NOT_IMPLEMENTED, document)
        return Answer(200, bytes(document.respond(Code.SUCCESS, command=done)))

    # Answers of the application --------------------------------------------------------------------------------------

    def record_found(self, want_id: int, record: ConferenceRecord | None, *, now: float) -> None:
        """Answer RecordWanted: the record, None when there is none. Raises LocalProtocolError when nobody asked."""
        self._procedures.answer(Kind.RECORD, want_id, record, now=now)

    def records_found(self, want_id: int, records: Iterable[ConferenceRecord], *, now: float) -> None:
        """Answer RecordsWanted, oldest first. Raises LocalProtocolError when nobody asked."""
        self._procedures.answer(Kind.RECORDS, want_id, tuple(records), now=now)

    def record_written(self, want_id: int, outcome: Written = Written.DONE, *, now: float) -> None:
        """Answer RecordWriteWanted. Raises LocalProtocolError when nobody asked.

        What was written although nobody waits for it any more is reported, and told the Focus, all the same.
        """
        late = self._procedures.answer(Kind.WRITE, want_id, outcome, now=now)
        if isinstance(late, RecordWriteWanted) and outcome is Written.DONE:
            self.written(late.before, late.after, now=now)

    def store_failed(self, want_id: int, *, now: float) -> None:
        """Answer any of the three: the store cannot do it now. Raises LocalProtocolError when nobody asked."""
        asked = [kind for kind in (Kind.RECORD, Kind.RECORDS, Kind.WRITE) if self._procedures.knows(kind, want_id)]
        kind = asked[0] if asked else Kind.RECORD
        self._procedures.refuse(kind, want_id, refusal.STORE_FAILED, now=now)

    def identified(self, pending_id: str, found: Found, *, now: float) -> None:
        """Answer what ``identify`` left open with `sip.Pending`. Raises LocalProtocolError when nobody waits for it."""
        self._procedures.answer(Kind.IDENTITY, pending_id, found, now=now)

    def number_drawn(self, pending_id: str, number: str | None, *, now: float) -> None:
        """Answer what ``numbers`` left open with `sip.Pending`. Raises LocalProtocolError when nobody waits for it."""
        self._procedures.answer(Kind.NUMBER, pending_id, number, now=now)

    def written(self, before: ConferenceRecord | None, after: ConferenceRecord | None, *, now: float) -> None:
        """A record was added, replaced or removed: the application hears of it, and who activates it."""
        record = after or before
        assert record is not None
        if before is None:
            self.untaken.append(
                RecordAdded(owner=self.owner, conference_uri=record.focus_uri, organizer=record.organizer)
            )
            return
        if after is None:
            self.untaken.append(RecordRemoved(owner=self.owner, conference_uri=record.focus_uri))
        if self._activations is not None:
            self._activations.record_replaced(record.focus_uri, after, now=now)

    # HTTP ------------------------------------------------------------------------------------------------------------

    def receive_c3p(self, document: Request | Response | Notify | ConferenceInfo, *, peer: str, now: float) -> Reply:
        """A Focus in another process asks for a record. `peer` is its authenticated principal.

        503 where the store needs time to answer: then the Focus asks it by itself.

        Then drain and read ``next_timeout``.
        """
        if peer not in self.config.record_readers:
            return Reply(403)
        if not isinstance(document, Request) or not isinstance(document.command, GetConference):
            return Reply(400)
        if self._store is None:
            return Reply(503)  # an answer that takes time has no place here; such a store is for every Focus to ask
        keys = document.command.conference_keys
        uri = keys.conf_entity if keys is not None else None
        record = self._store.get(ConferenceAddress.read(uri).key) if uri else None
        if record is None:
            return Reply(
                200,
                document.respond(
                    Code.FAILURE,
                    reason=Reason.OTHER_FAILURE,
                    command_reason=CommandReason.CONFERENCE_DOESNT_EXIST,
                ),
            )
        found = GetConference(
            conference_keys=keys, conference_info=self._scheduling.described(record, for_a_focus=True, now=now)
        )
        return Reply(200, document.respond(Code.SUCCESS, command=found))


_FOR_EVERYBODY: Final = frozenset({GetConferencingCapabilities, GetAvailableMcuTypes})
