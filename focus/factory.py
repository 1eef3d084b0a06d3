"""The Focus Factory: conference records by SERVICE, and for Focuses elsewhere by HTTP (C3P reference, 5.1 and 7.14)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol

import attrs

from c3p import (
    CCCP_TYPE,
    AddConference,
    AdmissionPolicy,
    C3PError,
    Code,
    Command,
    CommandReason,
    ConferenceInfo,
    ConferenceKeys,
    DeleteConference,
    GetAvailableMcuTypes,
    GetConference,
    GetConferences,
    GetConferencingCapabilities,
    ModifyConference,
    Notify,
    PstnBridging,
    Reason,
    Reply,
    Request,
    Response,
    focus_uri,
)
from focus import record_documents, refusal
from focus.answers import Answer, refuse
from focus.commands.checks import check_ends
from focus.commands.requests import read_request
from focus.config import FactoryConfig
from focus.contact import own_name
from focus.creations import Creations
from focus.errors import RecordExists, StoreFull
from focus.events import RecordAdded, RecordRemoved
from focus.records import ConferenceRecord, ConferenceStore, is_conference_id
from focus.refusal import Refused
from sip import (
    AddressOfRecord,
    Claim,
    ConferenceAddress,
    Endpoint,
    Entropy,
    Event,
    Flow,
    RequestReceived,
    aor_key,
    canonical_host,
)
from sip import Request as SipRequest

FACTORY_OPAQUE: Final = "app:conf:focusfactory"


class _Failed(Exception):
    """A command that is answered with a C3P failure; never leaves this module."""

    def __init__(self, reason: str, specific: str | None = None) -> None:
        super().__init__(reason)
        self.reason, self.specific = reason, specific


class Activations(Protocol):
    """Whoever activates records: a Focus on the same store."""

    def record_changed(self, conference_uri: str, *, now: float) -> None:
        """A record is another one, or gone."""


class FocusFactory:
    """A core for the Focus Factory URIs of one domain, one for each organizer.

    `activations` is the Focus of the same process, if there is one: no conference outlives its record.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        config: FactoryConfig,
        *,
        store: ConferenceStore,
        entropy: Entropy,
        activations: Activations | None = None,
    ) -> None:
        self.config = attrs.evolve(config, server=config.server or own_name(endpoint, config.domain))
        self._domains = frozenset(canonical_host(name) for name in (config.domain, *config.aliases))
        self._endpoint = endpoint
        self._store = store
        self._entropy = entropy
        self._activations = activations
        self._events: list[Event] = []
        self._creations = Creations(config, endpoint.config.trusted_networks)
        endpoint.add_core(
            config.owner, self._claims, claim=Claim.CONFERENCE, methods=("SERVICE",), media_types=(CCCP_TYPE,)
        )

    @property
    def owner(self) -> str:
        """Name of this core at the endpoint."""
        return self.config.owner

    def _claims(self, request: SipRequest, flow: Flow) -> bool:
        uri = request.uri
        return uri.host in self._domains and (uri.opaque or "").lower() == FACTORY_OPAQUE

    # Machine ---------------------------------------------------------------------------------------------------------

    def handle_event(self, event: Event, *, now: float) -> list[Event]:
        """Answer a SERVICE request."""
        if isinstance(event, RequestReceived) and event.transaction is not None:
            answer = self._service(event, now=now)
            self._endpoint.respond(
                event.transaction,
                answer.status,
                headers=answer.headers,
                body=answer.body,
                content_type=answer.content_type,
                now=now,
            )
        return self.take_events()

    def take_events(self) -> list[Event]:
        """Events for the application."""
        events, self._events = self._events, []
        return events

    def next_timeout(self) -> float | None:
        """When the next record expires."""
        return self._store.next_timeout()

    def handle_timeout(self, *, now: float) -> list[Event]:
        """Drop the records whose time has come."""
        for record in self._store.expire(now=now):
            self._removed(record, now=now)
        return self.take_events()

    # SIP -------------------------------------------------------------------------------------------------------------

    def _service(self, event: RequestReceived, *, now: float) -> Answer:
        try:
            document = read_request(event.request)
            name = self.config.identify(event.request, event.flow)
            if name is None:
                raise Refused(refusal.BAD_FROM, document)
            identity = AddressOfRecord.read(name)
            check_ends(document, identity=identity, to=event.request.to.uri)
            owns = aor_key(event.request.to.uri) == identity.key
            if not owns and type(document.command) not in _FOR_EVERYBODY:
                raise Refused(refusal.NOT_AUTHORISED.saying("Only the organizer has records here"), document)
            if isinstance(document.command, AddConference) and not self._creations.take(
                identity.key, event.flow, now=now
            ):
                raise Refused(refusal.BUSY, document)
            return Answer(200, bytes(self._answer(document, identity, now=now)))
        except Refused as refused:
            return refuse(refused.refusal, refused.document, server=self.config.server)

    def _answer(self, document: Request, organizer: AddressOfRecord, *, now: float) -> Response:
        handler = _HANDLERS.get(type(document.command))
        if handler is None:
            raise Refused(refusal.NOT_IMPLEMENTED, document)
        try:
            return document.respond(Code.SUCCESS, command=handler(self, document.command, organizer, now))
        except _Failed as failed:
            return document.respond(Code.FAILURE, reason=failed.reason, command_reason=failed.specific)

    # Commands --------------------------------------------------------------------------------------------------------

    def _capabilities(self, command: GetConferencingCapabilities, organizer: AddressOfRecord, now: float) -> Command:
        return GetConferencingCapabilities(mcu_types=self.config.mcu_types, pstn_bridging=PstnBridging(enabled=False))

    def _available_types(self, command: GetAvailableMcuTypes, organizer: AddressOfRecord, now: float) -> Command:
        return GetAvailableMcuTypes(mcu_types=self.config.mcu_types)

    def _add(self, command: AddConference, organizer: AddressOfRecord, now: float) -> Command:
        info = command.conference_info
        conference_id = info.description.conference_id if info is not None and info.description is not None else None
        if info is None or conference_id is None or not is_conference_id(conference_id):
            raise _Failed(Reason.REQUEST_MALFORMED)
        uri = _conference_uri(organizer, conference_id)
        lifetime = self.config.default_lifetime
        base = ConferenceRecord(
            conference_id=conference_id,
            organizer=organizer.text,
            focus_uri=uri,
            mcu_types=self.config.mcu_types,
            admission_policy=self.config.default_admission_policy,
            expires_at=None if lifetime is None else self._wall(now) + lifetime,
            attendee_dialout=self.config.attendee_dialout,
        )
        record = self._read(info, base, now=now)
        try:
            self._store.add(ConferenceAddress.read(uri).key, record)
        except RecordExists as error:
            raise _Failed(Reason.OTHER_FAILURE, CommandReason.CONFERENCE_EXISTS_ALREADY) from error
        except StoreFull as error:
            raise _Failed(Reason.SERVER_BUSY) from error
        self._events.append(RecordAdded(owner=self.owner, conference_uri=uri, organizer=organizer.text))
        return AddConference(conference_info=self._described(record, now=now))

    def _modify(self, command: ModifyConference, organizer: AddressOfRecord, now: float) -> Command:
        info = command.conference_info
        if info is None:
            raise _Failed(Reason.REQUEST_MALFORMED)
        key, record = self._record(command.conference_keys, organizer, info)
        changed = attrs.evolve(self._read(info, record, now=now), version=record.version + 1)
        self._store.replace(key, changed)
        self._tell(changed, now=now)
        return ModifyConference(
            conference_keys=command.conference_keys, conference_info=self._described(changed, now=now)
        )

    def _delete(self, command: DeleteConference, organizer: AddressOfRecord, now: float) -> Command:
        key, record = self._record(command.conference_keys, organizer)
        self._store.remove(key)
        self._removed(record, now=now)
        return command.echo()

    def _removed(self, record: ConferenceRecord, *, now: float) -> None:
        self._events.append(RecordRemoved(owner=self.owner, conference_uri=record.focus_uri))
        self._tell(record, now=now)

    def _tell(self, record: ConferenceRecord, *, now: float) -> None:
        if self._activations is not None:
            self._activations.record_changed(record.focus_uri, now=now)

    def _get(self, command: GetConference, organizer: AddressOfRecord, now: float) -> Command:
        _, record = self._record(command.conference_keys, organizer)
        return GetConference(conference_keys=command.conference_keys, conference_info=self._described(record, now=now))

    def _get_all(self, command: GetConferences, organizer: AddressOfRecord, now: float) -> Command:
        records = self._store.of_organizer(organizer.key)[: self.config.max_listed]
        return GetConferences(conference_infos=tuple(self._described(record, now=now) for record in records))

    # Records ---------------------------------------------------------------------------------------------------------

    def _record(
        self, keys: ConferenceKeys | None, organizer: AddressOfRecord, info: ConferenceInfo | None = None
    ) -> tuple[str, ConferenceRecord]:
        """The record that the keys name: by conference id, or by Conference-URI."""
        conference_id = keys.conference_id if keys is not None else None
        if conference_id is None and info is not None and info.description is not None:
            conference_id = info.description.conference_id
        uri = (keys.conf_entity if keys is not None else None) or (info.entity if info is not None else None)
        if conference_id is not None and is_conference_id(conference_id):
            uri = _conference_uri(organizer, conference_id)
        key = ConferenceAddress.read(uri).key if uri else ""
        record = self._store.get(key) if uri else None
        if record is None or not organizer.is_named_by(record.organizer):
            raise _Failed(Reason.OTHER_FAILURE, CommandReason.CONFERENCE_DOESNT_EXIST)
        return key, record

    def _read(self, info: ConferenceInfo, base: ConferenceRecord, *, now: float) -> ConferenceRecord:
        try:
            record = record_documents.read(info, base)
        except C3PError as error:
            raise _Failed(Reason.REQUEST_MALFORMED) from error
        if record.admission_policy not in set(AdmissionPolicy):
            raise _Failed(Reason.REQUEST_MALFORMED)
        if record.admission_policy == AdmissionPolicy.ANONYMOUS and not self.config.anonymous_allowed:
            raise _Failed(Reason.UNAUTHORIZED)
        # Clients list every type they know; only those that can be allocated are kept.
        types = tuple(kind for kind in record.mcu_types if kind in self.config.mcu_types)
        expires_at = record.expires_at
        if expires_at is not None:
            expires_at = min(expires_at, self._wall(now) + self.config.max_lifetime)
            if expires_at <= self._wall(now):
                raise _Failed(Reason.REQUEST_MALFORMED)
        return attrs.evolve(
            record,
            mcu_types=types,
            expires_at=expires_at,
            anonymous_dialout=record.anonymous_dialout and self.config.anonymous_dialout,
        )

    def _described(self, record: ConferenceRecord, *, now: float) -> ConferenceInfo:
        return record_documents.describe(record, updated_at=self._wall(now))

    def _wall(self, now: float) -> float:
        """The time since 1970 at `now`."""
        return self._endpoint.wall_clock + now

    # HTTP ------------------------------------------------------------------------------------------------------------

    def receive_c3p(self, document: Request | Response | Notify | ConferenceInfo, *, peer: str, now: float) -> Reply:
        """A Focus in another process asks for a record. `peer` is its authenticated principal.

        Then drain and read ``next_timeout``.
        """
        if peer not in self.config.record_readers:
            return Reply(403)
        if not isinstance(document, Request) or not isinstance(document.command, GetConference):
            return Reply(400)
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
        found = GetConference(conference_keys=keys, conference_info=self._described(record, now=now))
        return Reply(200, document.respond(Code.SUCCESS, command=found))


def _conference_uri(organizer: AddressOfRecord, conference_id: str) -> str:
    try:
        return focus_uri(organizer.text, conference_id)
    except C3PError as error:  # an organizer without user part
        raise _Failed(Reason.REQUEST_MALFORMED) from error


_FOR_EVERYBODY: Final = frozenset({GetConferencingCapabilities, GetAvailableMcuTypes})

_HANDLERS: Final[Mapping[type[Command], Callable[[FocusFactory, Any, AddressOfRecord, float], Command]]] = {
    GetConferencingCapabilities: FocusFactory._capabilities,
    GetAvailableMcuTypes: FocusFactory._available_types,
    AddConference: FocusFactory._add,
    ModifyConference: FocusFactory._modify,
    DeleteConference: FocusFactory._delete,
    GetConference: FocusFactory._get,
    GetConferences: FocusFactory._get_all,
}
