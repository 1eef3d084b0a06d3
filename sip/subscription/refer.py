"""A REFER that came, and the subscription that it implies (RFC 3515 section 2.4.4)."""

from __future__ import annotations

from sip.message.lines import Lines, has
from sip.subscription.notifier import Notifier
from sip.subscription.owner import SubscriptionOwner
from sip.transactions.server import ServerTransaction
from sip.transport.secure import begins_securely


class ReferAnswer:
    """Answers of a core to a REFER: a 2xx begins the implicit subscription (RFC 3515 section 2.4.4)."""

    __slots__ = ("_subscriptions", "notifier")

    def __init__(self, subscriptions: SubscriptionOwner, notifier: Notifier) -> None:
        self._subscriptions = subscriptions
        self.notifier = notifier

    def answer(
        self,
        transaction: ServerTransaction,
        status: int,
        reason: str | None,
        headers: Lines,
        body: bytes,
        content_type: str | None,
        now: float,
    ) -> None:
        """Send the answer, and keep the subscription when it is a 2xx without ``Refer-Sub: false``."""
        notifier, lines = self.notifier, list(headers)
        begins = 200 <= status < 300
        if begins and not has(lines, "Contact"):
            user = transaction.request.uri.user
            secure = begins_securely(transaction.request)
            lines.append(("Contact", self._subscriptions.transport.contact(transaction.flow, user, secure=secure)))
        response = self._subscriptions.answers.build(
            transaction, status, reason, headers=lines, body=body, content_type=content_type
        )
        suppressed = any(n.lower() == "refer-sub" and str(v).lower().startswith("false") for n, v in lines)
        if status < 200:
            transaction.respond(response, now)
            return
        notifier.asked = None
        transaction.respond(response, now)
        if begins and not suppressed:
            seconds = self._subscriptions.context.config.refer_expires
            notifier.begin(seconds, now + seconds)
        else:
            notifier.drop()
