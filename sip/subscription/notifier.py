"""The side that is watched: SUBSCRIBE taken, notifications sent (RFC 6665 section 4.2, and Microsoft's options)."""

from __future__ import annotations

from collections import deque
from typing import Final

import attrs

from sip.core.dialog import DialogInput
from sip.core.routing import CoreEntry
from sip.errors import LocalProtocolError
from sip.events import NotifyFailed, SubscriptionEnded
from sip.ids import SubscriptionId
from sip.life import Life
from sip.message.lines import Lines, has
from sip.message.request import Request
from sip.message.response import Response
from sip.subscription.amplification import AmplificationLimit, amplification_limit
from sip.subscription.notification import PROBE, Notification
from sip.subscription.owner import SubscriptionOwner
from sip.subscription.subscription import Subscription
from sip.subscription.tables import NOTIFIER, NotifierInput, NotifierState
from sip.timers import Timer
from sip.transactions.client import ClientTransaction
from sip.transactions.server import ServerTransaction
from sip.transport.secure import begins_securely

BENOTIFY: Final = "ms-benotify"
PIGGYBACK: Final = "ms-piggyback-first-notify"
AUTOEXTEND: Final = "com.microsoft.autoextend"

#: Answers to a NOTIFY that say that the subscription is not there any more (RFC 5057 section 5.1).
_GONE: Final = frozenset((404, 405, 410, 416, 480, 481, 482, 483, 484, 485, 489, 501, 604))

#: Octets of the Via and Contact that a NOTIFY gets when its flow is known.
_ENVELOPE: Final = 160


class Notifier(Subscription):
    """One subscription to something of ours."""

    __slots__ = (
        "_amplification",
        "_challenged",
        "_ended_as",
        "_expiry",
        "_in_flight",
        "_life",
        "_queue",
        "_subscriptions",
        "_too_late",
        "asked",
        "autoextend",
        "benotify",
        "contact",
        "expires_at",
        "granted",
    )

    side = "notifier"

    def __init__(
        self,
        subscriptions: SubscriptionOwner,
        subscription_id: SubscriptionId,
        core: CoreEntry,
        package: str,
        event_id: str | None,
    ) -> None:
        super().__init__(subscription_id, core, package, event_id)
        self._subscriptions = subscriptions
        self._life = Life(NOTIFIER, NotifierState.ASKED, of="a subscription")
        self.asked: ServerTransaction | None = None  #: a SUBSCRIBE that the core has not answered
        self.granted = 0  #: seconds
        self.benotify = False
        self.autoextend = False
        self.contact: str | None = None
        self.expires_at = 0.0  #: unless it is refreshed
        self._expiry: Timer | None = None
        self._queue: deque[Notification] = deque()
        self._in_flight: Notification | None = None
        self._challenged = 0  # 401 and 407 to it, in a row
        self._amplification: AmplificationLimit | None = None  # while a UDP subscriber may be an invention
        self._ended_as = "timeout"
        self._too_late = False  # whether a SUBSCRIBE that the core knows of was answered, or not, without it

    @property
    def state(self) -> NotifierState:
        """Return how far it is."""
        return self._life.state

    # Answers to SUBSCRIBE --------------------------------------------------------------------------------------------

    def accept(
        self,
        expires: int | None,
        status: int,
        headers: Lines,
        contact: str | None,
        body: bytes,
        content_type: str | None,
        now: float,
    ) -> None:
        """Answer with 2xx; the body is piggybacked, or follows as NOTIFY for those who do not know that."""
        transaction = self._unanswered()
        if transaction is None:
            return
        request = transaction.request
        default = self._subscriptions.context.config.subscription_expires
        wanted = request.expires if request.expires is not None else (default if expires is None else expires)
        granted = wanted if expires is None else min(wanted, expires)
        given = NotifierInput.ACCEPT if granted else NotifierInput.ACCEPT_ZERO
        self._life.check(given)
        self._negotiate(transaction)
        self._amplification = amplification_limit(
            self._subscriptions.transport.proven,
            transaction.flow,
            request,
            self._subscriptions.context.config.unproven_excess,
        )
        piggyback = bool(body) and PIGGYBACK in request.supported and self._amplification is None
        lines = [*headers, ("Expires", str(granted))]
        if contact is not None:
            self.contact = contact
        if not has(headers, "Contact"):
            assert self.dialog is not None
            user = self.dialog.local_user
            secure, transport = begins_securely(transaction.request), self._subscriptions.transport
            own = transport.contact(transaction.flow, user, given=self.contact, secure=secure)
            lines.append(("Contact", own))
        lines += self._options(piggyback, request)
        if piggyback:
            lines += self._first_document(granted)
        attached = (body, content_type) if piggyback else (b"", None)
        response = self._subscriptions.answers.build(
            transaction, status, headers=lines, body=attached[0], content_type=attached[1]
        )
        self.asked = None  # before it is sent: on a connection that ends the transaction
        transaction.respond(response, now)
        self._accepted(given, granted, request, piggyback, now)
        if body and not piggyback:
            self.notify(Notification("active", None, None, [], body, content_type), False, now)

    def _unanswered(self) -> ServerTransaction | None:
        """The SUBSCRIBE to answer; None when time or the end of the subscription was faster than the core."""
        if self.asked is not None:
            return self.asked
        if not self._too_late:
            raise LocalProtocolError("no SUBSCRIBE waits for an answer")
        self._too_late = False
        self._subscriptions.context.count("dropped: answer after the subscription ended")
        return None

    def _negotiate(self, transaction: ServerTransaction) -> None:
        supported = transaction.request.supported
        # docs/design-decisions.rst: only where nothing gets lost.
        self.benotify = BENOTIFY in supported and transaction.flow.reliable
        self.autoextend = AUTOEXTEND in supported

    def _options(self, piggyback: bool, request: Request) -> Lines:
        tags = [BENOTIFY] if self.benotify else []
        if piggyback:
            tags.append(PIGGYBACK)
        if self.autoextend:
            tags.append(AUTOEXTEND)
        return [("Supported", ", ".join(tags))] if tags else []

    def _first_document(self, granted: int) -> Lines:
        assert self.dialog is not None
        state = f"active;expires={granted}" if granted else "terminated;reason=timeout"
        return [
            ("Event", self.event),
            ("subscription-state", state),
            ("ms-piggyback-cseq", str(self.dialog.next_cseq())),
        ]

    def _accepted(self, given: NotifierInput, granted: int, request: Request, piggyback: bool, now: float) -> None:
        assert self.dialog is not None
        self._life.command(given)
        self.granted = granted
        self.dialog.refresh_target(request)
        self.dialog.process(DialogInput.ANSWERED)
        self._expire_at(now + granted)
        if granted:
            return
        self._ended_as = "unsubscribed"
        # The core sends the last document now; if it does not, the endpoint says at least that it is over.
        if piggyback:
            self._life.command(NotifierInput.LAST_NOTIFY)
            self._finish(NotifierInput.LAST_ANSWERED)

    def _expire_at(self, at: float) -> None:
        self.expires_at, timers = at, self._subscriptions.context.timers
        if self._expiry is None or at < self._expiry.at:  # one that comes too early sets the next
            timers.stop(self._expiry)
            self._expiry = timers.start(at, self._on_expired)

    def begin(self, granted: int, expires_at: float) -> None:
        """Begin without a SUBSCRIBE: the implicit subscription of a REFER, or after a restart."""
        assert self.dialog is not None
        self.asked = None
        self._life.command(NotifierInput.ACCEPT)
        self.granted = granted
        self.dialog.process(DialogInput.ANSWERED)
        self._expire_at(expires_at)

    def drop(self) -> None:
        """Forget the subscription of a REFER that was refused, or that is not to have one."""
        self.asked = None
        self._life.command(NotifierInput.REJECT)
        self._subscriptions.remove(self)

    def reject(self, status: int, reason: str | None, headers: Lines, now: float) -> None:
        """Answer with 300-699. Raises LocalProtocolError for another status."""
        transaction = self._unanswered()
        if transaction is None:
            return
        self._life.check(NotifierInput.REJECT)
        if status < 300:
            raise LocalProtocolError(f"not a refusal: {status}")
        response = self._subscriptions.answers.build(transaction, status, reason, headers=headers)
        self.asked = None
        transaction.respond(response, now)
        self._life.command(NotifierInput.REJECT)
        if self.state is NotifierState.TERMINATED:
            self._subscriptions.remove(self)

    def on_cancel(self, transaction: ServerTransaction, request: Request, now: float) -> None:
        """SUBSCRIBE cannot be cancelled."""

    def on_ended(self, transaction: ServerTransaction, now: float) -> None:
        """The core let a SUBSCRIBE time out."""
        if self.asked is transaction:
            self.asked, self._too_late = None, True
            if self.state is NotifierState.ASKED:
                self._ended_as = "rejected"
                self._finish(NotifierInput.LOST)

    # Notifications ---------------------------------------------------------------------------------------------------

    def notify(self, notification: Notification, benotify: bool, now: float) -> None:
        """Send a notification, or queue it behind one that is not answered; after the last one nothing is sent."""
        if self._life.state is NotifierState.LAST:
            self._subscriptions.context.count("ignored: notification after the last")
            return
        if self._life.state is NotifierState.CLOSING and not notification.last:
            notification = attrs.evolve(notification, state="terminated", reason="timeout")
        given = NotifierInput.LAST_NOTIFY if notification.last else NotifierInput.NOTIFY
        self._life.check(given)
        if self.autoextend and not notification.last:
            self._expire_at(now + self.granted)
        if notification.last and self.dialog is not None:
            self.dialog.touch()
        if benotify and self.benotify and not self._queue:  # it would overtake what waits
            self._life.command(given)
            self._send_benotify(notification, now)
        elif self._in_flight is None:
            self._life.command(given)
            self._send(notification, now)
        elif len(self._queue) >= self._subscriptions.context.config.max_notify_queue:
            # A document that is left out makes every later one wrong; a new subscription begins with the whole.
            self._subscriptions.context.count("subscription ended: too many notifications wait")
            self._lost("unreachable")
        else:
            self._life.command(given)
            self._queue.append(notification)

    def _lines(self, notification: Notification, now: float) -> Lines:
        if notification.last:
            state = f"terminated;reason={notification.reason or 'noresource'}"
            if notification.retry_after is not None:
                state += f";retry-after={notification.retry_after}"
        else:
            state = f"{notification.state};expires={max(0, round(self.expires_at - now))}"
        return [("Event", self.event), ("Subscription-State", state), *notification.headers]

    def _send_benotify(self, notification: Notification, now: float) -> None:
        assert self.dialog is not None
        self._subscriptions.requests.send_once_in_dialog(
            self.dialog,
            "BENOTIFY",
            self.dialog.next_cseq(),
            headers=self._lines(notification, now),
            body=notification.body,
            content_type=notification.content_type,
            contact=self.contact,
            now=now,
        )
        if notification.last and self._in_flight is None:
            self._finish(NotifierInput.LAST_ANSWERED)

    def _send(self, notification: Notification, now: float, authorization: Lines | None = None) -> None:
        assert self.dialog is not None
        if not self._may_get(notification, now):
            # Its answer shows that the subscriber is there; what is kept follows.
            self._queue.appendleft(notification)
            notification = PROBE
        self._in_flight = notification
        self._challenged = 0 if authorization is None else self._challenged + 1
        if notification.last:
            self._subscriptions.context.timers.stop(self._expiry)
        self._subscriptions.requests.send_in_dialog(
            self.dialog,
            "NOTIFY",
            self,
            headers=[*self._lines(notification, now), *(authorization or [])],
            body=notification.body,
            content_type=notification.content_type,
            contact=self.contact,
            now=now,
        )

    def _may_get(self, notification: Notification, now: float) -> bool:
        """Whether a notification may go to where the SUBSCRIBE seems to come from."""
        if self._amplification is None or self._amplification.over:
            self._amplification = None
            return True
        assert self.dialog is not None
        lines, body, kind = self._lines(notification, now), notification.body, notification.content_type
        notify = self.dialog.build("NOTIFY", "", 1, headers=lines, body=body, content_type=kind)
        return not body or len(bytes(notify)) + _ENVELOPE <= self._amplification.limit

    def on_response(self, transaction: ClientTransaction, response: Response, now: float) -> None:
        """Take the answer to a NOTIFY."""
        if self._amplification is not None:
            self._amplification.end()
        status, sent = response.status, self._in_flight
        if status < 200 or sent is None or self.state is NotifierState.TERMINATED:
            return
        authorization = self._subscriptions.context.authorize(transaction.request, response, self._challenged)
        if authorization is not None:
            self._send(sent, now, authorization)
            return
        self._in_flight = None
        if status in _GONE:
            self._lost("gone")
            return
        if status >= 300:
            self._subscriptions.context.emit(NotifyFailed(owner=self.owner, subscription=self.id, status=status))
        if self._queue:
            self._send(self._queue.popleft(), now)
        elif self.state is NotifierState.LAST:
            self._finish(NotifierInput.LAST_ANSWERED)

    def on_failure(self, transaction: ClientTransaction, reason: str, now: float) -> None:
        """Nobody answers: RFC 6665 section 4.2.2 ends the subscription."""
        self._in_flight = None
        self._lost("unreachable")

    def flow_lost(self, now: float) -> None:
        """The connection is closed; a subscriber that is only told by BENOTIFY would miss documents for ever."""
        if self.benotify:
            self._lost("unreachable")

    # The end ---------------------------------------------------------------------------------------------------------

    def end(self, notification: Notification, benotify: bool, now: float) -> None:
        """Send the last notification."""
        if self.state is NotifierState.LAST:
            return
        if self.state is NotifierState.ACTIVE:
            self._refuse_refresh(now)
        self._life.check(NotifierInput.LAST_NOTIFY)
        if self._ended_as != "unsubscribed":
            self._ended_as = notification.reason or "noresource"
        self.notify(notification, benotify, now)

    def _refuse_refresh(self, now: float) -> None:
        """Answer a SUBSCRIBE that came too late to prolong anything."""
        if self.asked is not None:
            asked, self.asked, self._too_late = self.asked, None, True
            self._subscriptions.answers.send(asked, 481, now=now)

    def _on_expired(self, now: float) -> None:
        self._expiry = None
        if now < self.expires_at:
            self._expire_at(self.expires_at)
        elif self.state in (NotifierState.ACTIVE, NotifierState.CLOSING):
            self._refuse_refresh(now)
            self.notify(Notification("terminated", "timeout", None, [], b"", None), self.benotify, now)

    def _lost(self, reason: str) -> None:
        if self.state is not NotifierState.LAST:  # there it ended for a reason of its own
            self._ended_as = reason
        self._finish(NotifierInput.LOST)

    def forget(self, given: NotifierInput = NotifierInput.LOST) -> bool:
        """End it without a word to anybody; False when it has ended already."""
        if not self._life.follow(given):
            return False
        self._subscriptions.context.timers.stop(self._expiry)
        self._queue.clear()
        self._subscriptions.remove(self)
        return True

    def _finish(self, given: NotifierInput) -> None:
        if self.forget(given):
            event = SubscriptionEnded(owner=self.owner, subscription=self.id, reason=self._ended_as)
            self._subscriptions.context.emit(event)
