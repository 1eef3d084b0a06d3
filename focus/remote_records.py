"""Records that a Focus Factory in another process has: asked for by HTTP while the join waits (C3P reference, 7.14)."""

from __future__ import annotations

from collections.abc import Callable

import attrs

from c3p import Code, ConferenceKeys, ExchangeFailure, Exchanges, GetConference, Reply, Request
from focus import record_documents, refusal
from focus.config import FocusConfig
from focus.context import ConferenceExchangeOwner
from focus.records import ConferenceRecord
from focus.refusal import Refusal
from sip import InviteReceived, SessionId

#: What becomes of a join: the record, or why it is refused.
Arrived = Callable[[InviteReceived, "ConferenceRecord | Refusal", float], None]


class RemoteRecords:
    """The joins that wait for their record."""

    def __init__(self, config: FocusConfig, exchanges: Exchanges[ConferenceExchangeOwner], arrived: Arrived) -> None:
        self._config = config
        self._exchanges = exchanges
        self._arrived = arrived
        self._waiting: dict[SessionId, _Awaited] = {}

    def ask(self, event: InviteReceived, focus_uri: str) -> bool:
        """Ask for a record; False when there is nobody to ask, or too many wait."""
        url = self._config.records_url
        if url is None or len(self._waiting) >= self._config.max_waiting_joins:
            return False
        request = Request(
            request_id=self._exchanges.new_request_id(),
            from_=focus_uri,
            to=url,
            command=GetConference(conference_keys=ConferenceKeys(conf_entity=focus_uri)),
        )
        awaited = self._waiting[event.session] = _Awaited(self, event, focus_uri)
        timeout, peer = self._config.http_timeout, self._config.records_principal
        self._exchanges.post(url, request, owner=awaited, timeout=timeout, peer=peer)
        return True

    def forget(self, session: SessionId) -> None:
        """The caller gave up."""
        self._waiting.pop(session, None)

    def _settle(self, event: InviteReceived, found: ConferenceRecord | Refusal, now: float) -> None:
        if self._waiting.pop(event.session, None) is not None:
            self._arrived(event, found, now)


@attrs.define
class _Awaited:
    """The owner of one exchange."""

    records: RemoteRecords
    event: InviteReceived
    focus_uri: str

    def replied(self, exchange_id: int, reply: Reply, *, now: float) -> None:
        """Go on with the record, or without."""
        response = reply.document if reply.status == 200 else None
        command = response.command if response is not None and response.code is Code.SUCCESS else None
        info = command.conference_info if isinstance(command, GetConference) else None
        record = record_documents.read_fetched(info, self.focus_uri) if info is not None else None
        missing = refusal.BUSY if response is None else refusal.UNKNOWN_CONFERENCE
        self.records._settle(self.event, missing if record is None else record, now)

    def failed(self, exchange_id: int, reason: ExchangeFailure, *, now: float) -> None:
        """The Focus Factory cannot be asked."""
        self.records._settle(self.event, refusal.BUSY, now)
