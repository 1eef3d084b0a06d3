"""What the parts of a subscription need of those that keep the subscriptions."""

from __future__ import annotations

from typing import Protocol

from sip.context import Context
from sip.core.dialogs import Dialogs
from sip.core.uac import Requests
from sip.core.uas import Answers
from sip.subscription.subscription import Subscription
from sip.transactions.transactions import Transactions
from sip.transport.transport import Transport


class SubscriptionOwner(Protocol):
    """The registry of subscriptions (`sip.subscription.subscriptions`), as one of them sees it."""

    context: Context
    transport: Transport
    transactions: Transactions
    dialogs: Dialogs
    requests: Requests
    answers: Answers

    def remove(self, subscription: Subscription) -> None:
        """Forget a subscription and let go of its dialog."""
        ...
