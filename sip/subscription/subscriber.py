"""The side that watches: SUBSCRIBE sent and kept alive, notifications received (RFC 6665 section 4.1, RFC 3515)."""

from __future__ import annotations

from typing import Final, Protocol

from sip.core.dialog import Dialog, DialogInput
from sip.core.retrying import retry_after_of
from sip.core.routing import CoreEntry
from sip.errors import RemoteProtocolError
from sip.events import (
    NotifyReceived,
    SubscriptionAccepted,
    SubscriptionEnded,
    SubscriptionFailed,
    SubscriptionRestarted,
)
from sip.flow import Flow
from sip.headers.subscription_state import SubscriptionState
from sip.ids import RequestId, SubscriptionId
from sip.life import Life
from sip.message.lines import Lines
from sip.message.request import Request
from sip.message.response import Response
from sip.subscription.initial_request import FirstRequest, RequestTemplate
from sip.subscription.notification import reason_of
from sip.subscription.notifier import AUTOEXTEND
from sip.subscription.owner import SubscriptionOwner
from sip.subscription.refresh import FINAL, MAX_423, MOST_DEMANDED, SubscriptionTimer
from sip.subscription.subscription import Subscription
from sip.subscription.tables import SUBSCRIBER, SubscriberInput, SubscriberState
from sip.transactions.client import ClientTransaction

_BY_US: Final = "unsubscribed"  #: why it ended, whoever had the last word


class SubscriberOwner(SubscriptionOwner, Protocol):
    """Who gives the first notification to the subscription that it is for."""

    def expect(self, subscriber: Subscriber) -> None:
        """Let a NOTIFY that comes before the 2xx find its subscription."""
        ...

    def expect_no_more(self, subscriber: Subscriber) -> None:
        """The first NOTIFY came: another dialog of the same SUBSCRIBE (a fork) gets 481."""
        ...


class Subscriber(Subscription):
    """One subscription of ours."""

    __slots__ = (
        "_again",
        "_challenged",
        "_first",
        "_life",
        "_lost_as",
        "_open",
        "_raised",
        "_subscriptions",
        "autoextend",
        "call_id",
        "contact",
        "expires",
        "granted",
        "local_tag",
        "notified",
        "template",
        "timer",
    )

    side = "subscriber"

    def __init__(
        self,
        subscriptions: SubscriberOwner,
        subscription_id: SubscriptionId,
        core: CoreEntry,
        package: str,
        event_id: str | None,
        template: RequestTemplate,
        expires: int | None,
        contact: str | None,
    ) -> None:
        super().__init__(subscription_id, core, package, event_id)
        self._subscriptions = subscriptions
        self.template = template
        self.expires = expires
        self.contact = contact
        self._life = Life(SUBSCRIBER, SubscriberState.SUBSCRIBING, of="a subscription")
        self.notified = False
        self.granted = 0
        self.call_id = ""
        self.local_tag = ""
        self._first: FirstRequest | None = None
        self.autoextend = False
        self._lost_as: str | None = None  # why it is begun anew, until that has worked
        self._open: RequestId | None = None  # the request in the dialog that is not answered
        self._again: int | None = None  # a refresh that was asked for while another one is out
        self._raised = 0  # 423 in a row
        self._challenged = 0  # 401 and 407 to the request in the dialog, in a row
        self.timer = SubscriptionTimer(
            subscriptions.context, template.method != "REFER", lambda now: self.refresh(None, now), self._on_deadline
        )

    @property
    def state(self) -> SubscriberState:
        """Return how far it is."""
        return self._life.state

    # The first request -----------------------------------------------------------------------------------------------

    def start(self, now: float) -> None:
        """Send the first request, in a dialog that exists or to make one."""
        template = self.template
        if template.dialog is not None:
            self._join(template.dialog)
            self._send_in_dialog(template.method, self.expires, now)
            return
        outline = self._subscriptions.requests.outline(
            template.target, template.from_, template.to, template.route, None, template.headers
        )
        self.call_id, self.local_tag = outline.call_id, outline.local_tag
        self._subscriptions.expect(self)
        self._first = FirstRequest(self._subscriptions, self, template, outline, self.expires)
        self.timer.sent(now)
        self._first.send(now)

    def first_answered(
        self, first: FirstRequest, transaction: ClientTransaction, response: Response, now: float
    ) -> None:
        """Take the final answer to the first request; one that comes after the end changes nothing."""
        if self.state is SubscriberState.TERMINATED:
            return
        self.expires = first.expires
        if response.status < 300:
            self._accepted(transaction, response, now)
        else:
            self._failed(response)

    def first_failed(self) -> None:
        """Nobody answered the first request."""
        self._failed(None)

    def _failed(self, response: Response | None) -> None:
        ending = self.state is SubscriberState.ENDING
        if not self._life.follow(SubscriberInput.FAILED):
            return
        if ending:
            self._over(_BY_US, None)
            return
        if self._lost_as is not None:
            wait = 0 if response is None else round(retry_after_of(response))
            self._over(self._lost_as, wait or None)
            return
        self._close()
        status = None if response is None else response.status
        event = SubscriptionFailed(owner=self.owner, subscription=self.id, status=status, response=response)
        self._subscriptions.context.emit(event)

    def _accepted(self, transaction: ClientTransaction, response: Response, now: float) -> None:
        if self.dialog is None and self._first is not None and "Contact" in response.headers:
            try:
                self._join(Dialog.from_response(response, transaction.flow, self._first.ours, self._first.cseq))
            except RemoteProtocolError:
                self._subscriptions.context.count("2xx to SUBSCRIBE that cannot be used; its NOTIFY makes the dialog")
        self.autoextend = AUTOEXTEND in response.supported
        self._process_2xx(response, now)

    def _process_2xx(self, response: Response, now: float) -> None:
        if not self._life.follow(SubscriberInput.RECEIVE_2XX):
            return
        if self.state is SubscriberState.ENDING:
            self._unsubscribe_now(now)
            return
        refer = self.template.method == "REFER"
        asked = self._subscriptions.context.config.refer_expires if refer else self.expires
        default = self._subscriptions.context.config.subscription_expires if asked is None else asked
        self.granted = response.expires if response.expires is not None else default
        event = SubscriptionAccepted(owner=self.owner, subscription=self.id, response=response, expires=self.granted)
        self._subscriptions.context.emit(event)
        if not self.notified and (response.headers.get("Refer-Sub") or "").lower().startswith("false"):
            self._end(SubscriberInput.SUPPRESSED, "suppressed")
            return
        if not self.notified:
            self.timer.asked(now)  # Timer N (section 4.1.2.4)
        elif response.status == 204:
            self.timer.heard(now)  # nothing has changed, and no notification says so (RFC 5839)
        self.timer.granted(self.granted, now)
        if response.body and response.header("ms-piggyback-cseq") is not None:
            state = response.subscription_state
            self.notify(response, state or SubscriptionState("active"), now)

    def resume(self, dialog: Dialog, granted: int, ends_at: float, now: float) -> None:
        """Go on in a dialog of before a restart, and ask soon whether it is still there where it should have ended."""
        self._join(dialog)
        self.granted, self.notified = granted, True
        self._life.follow(SubscriberInput.RECEIVE_NOTIFY)
        self.timer.granted(min(max(round(ends_at - now), 1), granted or 1), now)

    # Staying ---------------------------------------------------------------------------------------------------------

    def _on_deadline(self, now: float) -> None:
        if self.timer.awaiting and self.notified and self.state is not SubscriberState.ENDING:
            self._begin_anew("unreachable", now)
        elif self._life.allows(SubscriberInput.EXPIRED):
            reason = "timeout" if self.notified else "unreachable"
            ending = self.state is SubscriberState.ENDING
            self._end(SubscriberInput.EXPIRED, _BY_US if ending else reason)

    def refresh(self, expires: int | None, now: float) -> None:
        """Ask again inside the dialog."""
        if self.dialog is None or self.state not in (SubscriberState.ACCEPTED, SubscriberState.ACTIVE):
            return
        if expires is not None:
            self.expires = expires
        if self._open is not None:
            self._again = self.expires
        else:
            self.timer.asked(now)
            self._send_in_dialog("SUBSCRIBE", self.expires, now)

    def _send_in_dialog(self, method: str, expires: int | None, now: float, credentials: Lines | None = None) -> None:
        assert self.dialog is not None
        self.dialog.touch()
        template = self.template
        self._challenged = 0 if credentials is None else self._challenged + 1
        self.timer.sent(now)
        self._open = number = RequestId(self._subscriptions.context.new_id())
        self._subscriptions.requests.send_in_dialog(
            self.dialog,
            method,
            self,
            headers=[*template.usage_lines(method, self.event, expires), *template.headers, *(credentials or [])],
            body=template.body,
            content_type=template.content_type,
            contact=self.contact,
            request_id=number,
            now=now,
        )

    def on_response(self, transaction: ClientTransaction, response: Response, now: float) -> None:
        """Take the answer to a request inside the dialog, the last one that was sent."""
        if response.status < 200 or transaction.id != self._open or self.state is SubscriberState.TERMINATED:
            return
        self._open = None
        authorization = self._subscriptions.context.authorize(transaction.request, response, self._challenged)
        if authorization is not None:
            expires = 0 if self.state is SubscriberState.ENDING else self.expires
            self._send_in_dialog(transaction.method, expires, now, authorization)
        elif response.status < 300:
            self._refreshed(response, now)
        elif self.state is SubscriberState.SUBSCRIBING:
            self._failed(response)
        elif self.state is SubscriberState.ENDING:
            self._end(SubscriberInput.FAILED, _BY_US)
        else:
            self._refused(response, now)

    def _refused(self, response: Response, now: float) -> None:
        """A refresh was refused (section 4.1.2.2): for good, or the subscription stays valid until it expires."""
        self._subscriptions.context.count("refresh of a subscription refused")
        status, least, self._again = response.status, response.min_expires or 0, None
        if status == 481:
            self._begin_anew("gone", now)
        elif status in FINAL:
            self._end(SubscriberInput.GONE, "gone")
        elif status == 423 and (self.expires or 0) < least <= MOST_DEMANDED and self._raised < MAX_423:
            self._raised += 1
            self.refresh(least, now)
        else:
            self.timer.refused(now, at_least=retry_after_of(response))

    def _refreshed(self, response: Response, now: float) -> None:
        assert self.dialog is not None
        self.dialog.refresh_target(response)
        if self.state is SubscriberState.ENDING:
            # The last NOTIFY is still to come (section 4.1.2.3), but is not waited for longer than timer N.
            self.timer.close(now + 64 * self._subscriptions.context.config.t1)
            return
        self._raised = 0
        self._process_2xx(response, now)
        if self._again is not None and self.state is SubscriberState.ACTIVE:
            self._again = None
            self.refresh(None, now)

    def on_failure(self, transaction: ClientTransaction, reason: str, now: float) -> None:
        """Try again. If no notification came either, Timer N was faster: this is not the last request any more."""
        if transaction.id != self._open or self.state is SubscriberState.TERMINATED:
            return
        self._open = self._again = None
        if self.state is SubscriberState.SUBSCRIBING:
            self._failed(None)
        elif self.state is SubscriberState.ENDING:
            self._end(SubscriberInput.FAILED, _BY_US)
            return
        self._subscriptions.context.count("refresh of a subscription not answered")
        self.timer.refused(now)

    def _begin_anew(self, reason: str, now: float) -> None:
        """The notifier forgot us, or is silent: subscribe again in a new dialog (section 4.1.2.2 and 4.1.3)."""
        may_migrate = self.template.dialog is None and self.template.method != "REFER"
        if not may_migrate or not self._life.follow(SubscriberInput.MIGRATE):
            self._end(SubscriberInput.GONE, reason)
            return
        self._leave()
        self.timer.stop()
        self._subscriptions.expect_no_more(self)
        self._lost_as, self._open, self._again = reason, None, None
        self.notified = False
        self._subscriptions.context.emit(SubscriptionRestarted(owner=self.owner, subscription=self.id, reason=reason))
        self.start(now)

    def unsubscribe(self, now: float) -> None:
        """End it."""
        if self.state is SubscriberState.ENDING:
            return
        before = self.state
        self._life.command(SubscriberInput.UNSUBSCRIBE)
        if before is not SubscriberState.SUBSCRIBING:
            self._unsubscribe_now(now)

    def _unsubscribe_now(self, now: float) -> None:
        if self.dialog is None:
            self._end(SubscriberInput.FAILED, _BY_US)
            return
        self.timer.close(now + 128 * self._subscriptions.context.config.t1)
        self._send_in_dialog("SUBSCRIBE", 0, now)

    # Notifications ---------------------------------------------------------------------------------------------------

    def adopt_notify(self, request: Request, flow: Flow) -> None:
        """Make the dialog from a NOTIFY that came before, or instead of, a usable 2xx; raises RemoteProtocolError."""
        assert self._first is not None  # who waits for a NOTIFY outside of dialogs has sent one
        ours, cseq = self._first.ours, self._first.cseq
        dialog = Dialog.from_request(request, flow, ours.local_tag, local_cseq=cseq, local_value=ours.local_value)
        self._leave()
        self._join(dialog)

    def _join(self, dialog: Dialog) -> None:
        self._subscriptions.dialogs.add(dialog)
        self.dialog = dialog
        dialog.subscriptions[self.usage_key] = self

    def _leave(self) -> None:
        dialog, self.dialog = self.dialog, None
        if dialog is not None and dialog.subscriptions.get(self.usage_key) is self:
            del dialog.subscriptions[self.usage_key]
            self._subscriptions.dialogs.release(dialog)

    def notify(self, message: Request | Response, said: SubscriptionState, now: float) -> None:
        """Take a notification, by whatever message it came; ``said`` is its Subscription-State."""
        last = said.state == "terminated"
        ending = self._life.state is SubscriberState.ENDING
        given = SubscriberInput.RECEIVE_LAST if last else SubscriberInput.RECEIVE_NOTIFY
        if self.dialog is None or not self._life.follow(given):
            return
        self.dialog.process(DialogInput.ANSWERED)
        self.dialog.refresh_target(message)
        first, self.notified, self._lost_as = not self.notified, True, None
        self._subscriptions.expect_no_more(self)
        event = NotifyReceived(
            owner=self.owner,
            subscription=self.id,
            request=message,
            body=message.body,
            content_type=message.content_type,
            state=said.state,
        )
        self._subscriptions.context.emit(event)
        if last:
            reason = _BY_US if ending else reason_of(message)
            self._over(reason, said.retry_after)
            return
        if self._life.state is SubscriberState.ACTIVE:
            self.timer.heard(now)
            self._keep(said.expires, first, now)

    def _keep(self, left: int | None, first: bool, now: float) -> None:
        if left is None and (self.autoextend or first):
            left = self.granted or self._subscriptions.context.config.subscription_expires
        if left is not None:
            self.timer.told(left, now)

    # The end ---------------------------------------------------------------------------------------------------------

    def _end(self, given: SubscriberInput, reason: str) -> None:
        self._life.follow(given)
        self._over(reason, None)

    def _over(self, reason: str, retry_after: int | None) -> None:
        self._close()
        event = SubscriptionEnded(owner=self.owner, subscription=self.id, reason=reason, retry_after=retry_after)
        self._subscriptions.context.emit(event)

    def _close(self) -> None:
        self.timer.stop()
        self._leave()
        self._subscriptions.remove(self)
