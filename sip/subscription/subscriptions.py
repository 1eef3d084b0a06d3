"""All subscriptions of an endpoint, on both sides."""

from __future__ import annotations

from sip.core.dialog import Dialog
from sip.core.routing import CoreEntry
from sip.core.stack import Stack
from sip.errors import LocalProtocolError
from sip.events import SubscribeReceived, SubscriptionFailed, SubscriptionFlowLost
from sip.flow import Flow
from sip.headers.name_addr import NameAddr
from sip.ids import SessionId, SubscriptionId
from sip.message.lines import checked_value
from sip.message.request import Request
from sip.session.sessions import Sessions
from sip.subscription.initial_request import RequestTemplate
from sip.subscription.notification import Notification
from sip.subscription.notifier import Notifier
from sip.subscription.refer import ReferAnswer
from sip.subscription.subscriber import Subscriber
from sip.subscription.subscription import Subscription, usage_of
from sip.subscription.tables import NotifierState, SubscriberState
from sip.transactions.server import ServerTransaction


class Subscriptions:
    """Registry of subscriptions, and what the parts of sip.subscription share."""

    def __init__(self, stack: Stack, sessions: Sessions) -> None:
        self.context = stack.context
        self.transport = stack.transport
        self.transactions = stack.transactions
        self.dialogs = stack.dialogs
        self.requests = stack.requests
        self.answers = stack.answers
        self._cores = stack.cores
        self._sessions = sessions
        self._subscriptions: dict[int, Subscription] = {}
        self._expecting: dict[tuple[str, str], Subscriber] = {}

    def __len__(self) -> int:
        return len(self._subscriptions)

    def find(self, subscription_id: int) -> Subscription | None:
        """Return a subscription, None when it is over; raises LocalProtocolError when it never was."""
        subscription = self._subscriptions.get(subscription_id)
        if subscription is None and not self.context.was_id(subscription_id):
            raise LocalProtocolError(f"no such subscription: {subscription_id}")
        return subscription

    def notifier(self, subscription_id: int) -> Notifier | None:
        """Return the subscription as its notifier; raises LocalProtocolError for one of the other kind."""
        subscription = self.find(subscription_id)
        if subscription is not None and not isinstance(subscription, Notifier):
            raise LocalProtocolError("only the notifier can do that")
        return subscription

    def subscriber(self, subscription_id: int) -> Subscriber | None:
        """Return the subscription as its subscriber; raises LocalProtocolError for one of the other kind."""
        subscription = self.find(subscription_id)
        if subscription is not None and not isinstance(subscription, Subscriber):
            raise LocalProtocolError("only the subscriber can do that")
        return subscription

    def remove(self, subscription: Subscription) -> None:
        """Forget a subscription and let go of its dialog."""
        if self._subscriptions.pop(subscription.id, None) is not None and subscription.source is not None:
            self.context.limits.subscriptions.give_back(subscription.source)
        if isinstance(subscription, Subscriber):
            self.expect_no_more(subscription)
        dialog = subscription.dialog
        if dialog is not None and dialog.subscriptions.get(subscription.usage_key) is subscription:
            dialog.touch()
            del dialog.subscriptions[subscription.usage_key]
            self.dialogs.release(dialog)

    def keep(self, subscription: Subscription) -> None:
        """Note a subscription of before a restart."""
        self._subscriptions[subscription.id] = subscription

    # The subscriber --------------------------------------------------------------------------------------------------

    def dialog_of(self, session_id: SessionId) -> Dialog | None:
        """Return the dialog of a session, None when it has just ended.

        Raises LocalProtocolError when it has none yet.
        """
        session = self._sessions.live(session_id)
        if session is None:
            return None
        dialog = session.dialog
        if dialog is None:
            raise LocalProtocolError("the session has no dialog yet")
        return dialog

    def begin_in_vain(self, owner: str) -> SubscriptionId:
        """Report a subscription that cannot begin, because the session that it was to be in has just ended."""
        self._cores.by_owner(owner)
        number = SubscriptionId(self.context.new_id())
        self.context.emit(SubscriptionFailed(owner=owner, subscription=number, status=None, response=None))
        return number

    def begin(
        self,
        owner: str,
        package: str,
        event_id: str | None,
        template: RequestTemplate,
        expires: int | None,
        contact: NameAddr | None,
        now: float,
    ) -> SubscriptionId:
        """Keep a new one; raises LocalProtocolError when there are too many, or the dialog has one to that event."""
        core = self._cores.by_owner(owner)
        if len(self._subscriptions) >= self.context.config.max_subscriptions:
            raise LocalProtocolError("too many subscriptions")
        if template.dialog is not None and (Subscriber.side, package, event_id) in template.dialog.subscriptions:
            raise LocalProtocolError("the dialog has a subscription to that event; give it an id")
        name = None if contact is None else checked_value("Contact", contact)
        number = SubscriptionId(self.context.new_id())
        subscriber = Subscriber(self, number, core, package, event_id, template, expires, name)
        self._subscriptions[number] = subscriber
        try:
            subscriber.start(now)
        except LocalProtocolError:
            self.remove(subscriber)
            raise
        return number

    def expect(self, subscriber: Subscriber) -> None:
        """Let a NOTIFY that comes before the 2xx find its subscription."""
        self._expecting[subscriber.call_id, subscriber.local_tag] = subscriber

    def expect_no_more(self, subscriber: Subscriber) -> None:
        """The first NOTIFY came: another dialog of the same SUBSCRIBE (a fork) gets 481."""
        key = (subscriber.call_id, subscriber.local_tag)
        if self._expecting.get(key) is subscriber:
            del self._expecting[key]

    def expecting(self, request: Request) -> Subscriber | None:
        """Return the subscription whose first notification this is."""
        subscriber = self._expecting.get((request.call_id, request.to.tag or ""))
        if subscriber is None or not self._means(request, subscriber):
            return None
        return subscriber

    def _means(self, request: Request, subscriber: Subscriber) -> bool:
        usage = usage_of(request)
        if usage is None or usage[0] != subscriber.package:
            return False
        # The notifier of a REFER may name it by the CSeq of the REFER (RFC 3515 section 2.4.6).
        return usage[1] == subscriber.event_id or subscriber.package == "refer"

    def _addressed(self, request: Request, dialog: Dialog | None, flow: Flow) -> Subscriber | None:
        if dialog is not None:
            for subscription in dialog.subscriptions.values():
                if isinstance(subscription, Subscriber) and self._means(request, subscription):
                    return subscription
        subscriber = self.expecting(request)
        if subscriber is not None and dialog is None:
            subscriber.adopt_notify(request, flow)
        return subscriber

    def receive_notify(self, transaction: ServerTransaction, dialog: Dialog | None, now: float) -> None:
        """Answer a NOTIFY, and report it."""
        request = transaction.request
        state = request.subscription_state
        if request.event is None or state is None:
            self.answers.send(transaction, 489 if request.event is None else 400, now=now)
            return
        subscriber = self._addressed(request, dialog, transaction.flow)
        if subscriber is None or subscriber.state is SubscriberState.TERMINATED:
            self.answers.send(transaction, 481, now=now)
            return
        self.answers.send(transaction, 200, now=now)
        subscriber.notify(request, state, now)

    def receive_benotify(self, request: Request, flow: Flow, now: float) -> bool:
        """Report a BENOTIFY, which is never answered; False when it is for nobody here."""
        dialog = self.dialogs.find(request)
        state = request.subscription_state
        subscriber = None if state is None else self._addressed(request, dialog, flow)
        if subscriber is None or state is None:
            return False
        if subscriber.dialog is not None and not subscriber.dialog.takes(request.cseq.number):
            self.context.count("dropped: BENOTIFY out of order")
        else:
            subscriber.notify(request, state, now)
        return True

    # The notifier ----------------------------------------------------------------------------------------------------

    def receive_subscribe(
        self, transaction: ServerTransaction, core: CoreEntry, dialog: Dialog | None, now: float
    ) -> None:
        """Report a SUBSCRIBE: a new one, a refresh, or the end."""
        request = transaction.request
        usage = usage_of(request)
        expires, shortest = request.expires, self.context.config.min_subscription
        if usage is None:
            self.answers.send(transaction, 489, now=now)
            return
        if expires is not None and 0 < expires < shortest:
            self.answers.send(transaction, 423, headers=[("Min-Expires", str(shortest))], now=now)
            return
        known = None if dialog is None else dialog.subscriptions.get((Notifier.side, *usage))
        if isinstance(known, Notifier):
            if known.asked is not None:
                self.answers.send(transaction, 500, headers=[("Retry-After", "1")], now=now)
                return
            if known.state is not NotifierState.ACTIVE:  # its last notification is out
                self.answers.send(transaction, 481, now=now)
                return
            notifier, initial = known, False
        elif dialog is not None and dialog.session is None:
            self.answers.send(transaction, 481, now=now)
            return
        else:
            created = self._new_notifier(transaction, core, dialog, *usage, now)
            if created is None:
                return
            notifier, initial = created, True
        notifier.asked = transaction
        transaction.owner, transaction.user = core.owner, notifier
        event = SubscribeReceived(
            owner=core.owner,
            subscription=notifier.id,
            transaction=transaction.id,
            request=request,
            flow=transaction.flow,
            expires=expires,
            initial=initial,
        )
        self.context.emit(event)

    def _new_notifier(
        self,
        transaction: ServerTransaction,
        core: CoreEntry,
        dialog: Dialog | None,
        package: str,
        event_id: str | None,
        now: float,
    ) -> Notifier | None:
        full = dialog is None and self.dialogs.is_full()
        if full or len(self._subscriptions) >= self.context.config.max_subscriptions:
            self.context.count("refused: too many subscriptions")
            self.answers.send(transaction, 503, headers=[("Retry-After", "10")], now=now)
            return None
        source = transaction.source
        if not self.context.limits.subscriptions.take(source):
            self.context.count("refused: too many subscriptions of one source")
            self.answers.send(transaction, 503, headers=[("Retry-After", "10")], now=now)
            return None
        if dialog is None:
            tag = transaction.to_tag = self.context.new_tag()
            dialog = Dialog.from_request(transaction.request, transaction.flow, tag, local_cseq=0)
            self.dialogs.add(dialog)
        number = SubscriptionId(self.context.new_id())
        notifier = Notifier(self, number, core, package, event_id)
        notifier.source = source
        notifier.dialog = dialog
        dialog.subscriptions[notifier.usage_key] = notifier
        self._subscriptions[number] = notifier
        return notifier

    def give_up(self, subscription_id: int, now: float) -> None:
        """End a subscription that was accepted, because whoever accepted it cannot serve it."""
        notifier = self._subscriptions.get(subscription_id)
        if isinstance(notifier, Notifier) and notifier.state in (NotifierState.ACTIVE, NotifierState.CLOSING):
            notifier.end(Notification("terminated", "giveup", None, [], b"", None), False, now)

    def receive_refer(self, transaction: ServerTransaction, core: CoreEntry, dialog: Dialog | None, now: float) -> bool:
        """Prepare the implicit subscription of a REFER; False when it was refused."""
        request = transaction.request
        if len(request.headers.get_all("Refer-To")) != 1:
            self.answers.send(transaction, 400, "Exactly One Refer-To", now=now)
            return False
        first = dialog is None or (Notifier.side, "refer", None) not in dialog.subscriptions
        event_id = None if first else str(request.cseq.number)
        notifier = self._new_notifier(transaction, core, dialog, "refer", event_id, now)
        if notifier is None:
            return False
        notifier.asked = transaction
        transaction.user = notifier
        transaction.answers = ReferAnswer(self, notifier)
        return True

    def of_refer(self, transaction: ServerTransaction) -> SubscriptionId | None:
        """Return the subscription that a REFER would begin."""
        answers = transaction.answers
        return answers.notifier.id if isinstance(answers, ReferAnswer) else None

    def flow_lost(self, dialog: Dialog, now: float) -> None:
        """Tell the notifiers that depend on a connection that it is gone, and who subscribes by it."""
        for subscription in list(dialog.subscriptions.values()):
            if isinstance(subscription, Notifier):
                subscription.flow_lost(now)
            elif isinstance(subscription, Subscriber):
                self.context.emit(SubscriptionFlowLost(owner=subscription.owner, subscription=subscription.id))
