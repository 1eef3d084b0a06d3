"""Records that a Focus Factory in another process has: asked for by HTTP while the join waits (docs/commands.rst)."""

from __future__ import annotations

from functools import partial

import attrs

from c3p import Code, ConferenceKeys, ExchangeFailure, Exchanges, GetConference, Reply, Request
from focus import record_documents, refusal
from focus.config import FocusConfig
from focus.exchange_owner import ConferenceExchangeOwner
from focus.questions.procedure import Kind, Later
from focus.questions.procedures import Procedures
from focus.questions.stores import Records
from focus.records import ConferenceRecord
from sip import ConferenceAddress


class RemoteRecords:
    """The records that a store has, and those at the ``records_url`` of the configuration."""

    def __init__(
        self,
        store: Records,
        config: FocusConfig,
        *,
        exchanges: Exchanges[ConferenceExchangeOwner],
        procedures: Procedures,
    ) -> None:
        assert config.records_url is not None
        self._store = store
        self._url, self._peer = config.records_url, config.records_principal
        self._timeout = config.http_timeout
        self._exchanges = exchanges
        self._procedures = procedures

    def find(self, address: ConferenceAddress) -> ConferenceRecord | Later[ConferenceRecord | None] | None:
        """The record of a conference."""
        found = self._store.find(address)
        if found is not None:
            return found
        owner = _Awaited(self._procedures, self._procedures.new_id(), address.text)
        return Later(kind=Kind.EXCHANGE, id=owner.number, ask=partial(self._post, owner))

    def _post(self, owner: _Awaited) -> None:
        focus_uri = owner.focus_uri
        request = Request(
            request_id=self._exchanges.new_request_id(),
            from_=focus_uri,
            to=self._url,
            command=GetConference(conference_keys=ConferenceKeys(conf_entity=focus_uri)),
        )
        self._exchanges.post(self._url, request, owner=owner, timeout=self._timeout, peer=self._peer)


@attrs.define
class _Awaited:
    """The owner of one exchange."""

    procedures: Procedures
    number: int  #: of the question
    focus_uri: str

    def replied(self, exchange_id: int, reply: Reply, *, now: float) -> None:
        """Go on with the record, or without."""
        response = reply.document if reply.status == 200 else None
        if response is None:
            self.failed(exchange_id, ExchangeFailure.CONNECT, now=now)
            return
        command = response.command if response.code is Code.SUCCESS else None
        info = command.conference_info if isinstance(command, GetConference) else None
        record = record_documents.read_fetched(info, self.focus_uri) if info is not None else None
        if self.procedures.knows(Kind.EXCHANGE, self.number):
            self.procedures.answer(Kind.EXCHANGE, self.number, record, now=now)

    def failed(self, exchange_id: int, reason: ExchangeFailure, *, now: float) -> None:
        """The Focus Factory cannot be asked."""
        if self.procedures.knows(Kind.EXCHANGE, self.number):
            self.procedures.refuse(Kind.EXCHANGE, self.number, refusal.BUSY, now=now)


def records_everywhere(
    store: Records, config: FocusConfig, exchanges: Exchanges[ConferenceExchangeOwner], procedures: Procedures
) -> Records:
    """The records that a store has, and those of a Focus Factory elsewhere where the configuration names one."""
    if config.records_url is None:
        return store
    return RemoteRecords(store, config, exchanges=exchanges, procedures=procedures)
