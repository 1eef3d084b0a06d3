"""What the parts of one Focus share."""

from __future__ import annotations

from collections.abc import Callable

import attrs

from focus.answers import Answer
from focus.config import FocusConfig
from focus.exchanges import Exchanges
from sip import Endpoint, Event, TransactionId


@attrs.frozen(kw_only=True)
class Context:
    """The endpoint, the settings, the C3P outbox, and where events for the application go."""

    endpoint: Endpoint
    config: FocusConfig
    exchanges: Exchanges
    emit: Callable[[Event], None]

    def answer(self, transaction: TransactionId, answer: Answer, *, now: float) -> None:
        """Answer a request that is not an INVITE."""
        self.endpoint.respond(
            transaction,
            answer.status,
            headers=answer.headers,
            body=answer.body,
            content_type=answer.content_type,
            now=now,
        )
