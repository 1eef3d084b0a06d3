"""What an endpoint can be told about subscriptions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sip.errors import LocalProtocolError, refuse_one_name
from sip.flow import Flow
from sip.headers.event import EventPackage
from sip.headers.name_addr import NameAddr
from sip.ids import SessionId, SubscriptionId
from sip.message.lines import Lines, checked, checked_value
from sip.subscription.initial_request import RequestTemplate
from sip.subscription.notification import Notification
from sip.subscription.subscriptions import Subscriptions
from sip.syntax.uri import Uri


class SubscriptionCommands:
    """Both sides of RFC 6665: commands for a subscription that never was raise LocalProtocolError.

    A command whose subscription ended before the core was told of it is counted and does nothing.
    """

    _subscriptions: Subscriptions

    def subscribe(
        self,
        owner: str,
        target: Uri | str,
        *,
        event: str,
        from_: NameAddr | str,
        to: NameAddr | str,
        expires: int | None = None,
        headers: Iterable[tuple[str, object]] = (),
        accept: Sequence[str] = (),
        route: Sequence[NameAddr] = (),
        contact: NameAddr | None = None,
        flow: Flow | None = None,
        session: SessionId | None = None,
        body: bytes = b"",
        content_type: str | None = None,
        now: float,
    ) -> SubscriptionId:
        """Subscribe to ``event`` (``package`` or ``package;id=x``) for ``expires`` seconds; 0 fetches once.

        The endpoint refreshes by itself. SubscriptionAccepted and NotifyReceived follow in either order;
        SubscriptionFailed or SubscriptionEnded ends it. A refresh that is refused is tried again while it lasts; 481,
        or silence, begins it anew in another dialog (SubscriptionRestarted).
        ``session`` subscribes inside the dialog of that session.
        """
        subscriptions = self._subscriptions
        lines = checked(headers, content_type)
        refuse_one_name("accept", accept)
        if accept:
            lines.append(("Accept", checked_value("Accept", ", ".join(accept))))
        asked = EventPackage.parse(checked_value("Event", event))
        dialog = None if session is None else subscriptions.dialog_of(session)
        if session is not None and dialog is None:
            return subscriptions.begin_in_vain(owner)
        template = RequestTemplate(
            "SUBSCRIBE", target, from_, to, tuple(route), flow, [*lines], body, content_type, dialog
        )
        return subscriptions.begin(owner, asked.package, asked.id, template, expires, contact, now)

    def refer(
        self,
        owner: str,
        target: Uri | str,
        *,
        refer_to: NameAddr | Uri | str,
        from_: NameAddr | str,
        to: NameAddr | str,
        headers: Iterable[tuple[str, object]] = (),
        route: Sequence[NameAddr] = (),
        contact: NameAddr | None = None,
        flow: Flow | None = None,
        session: SessionId | None = None,
        now: float,
    ) -> SubscriptionId:
        """Send a REFER (RFC 3515), inside a ``session`` or outside of any dialog.

        It is a subscription to its outcome: SubscriptionAccepted tells of the 2xx, NotifyReceived of the progress,
        SubscriptionEnded or SubscriptionFailed of the end.
        """
        subscriptions = self._subscriptions
        where = f"<{refer_to}>" if isinstance(refer_to, Uri) else str(refer_to)
        lines: Lines = [("Refer-To", checked_value("Refer-To", where)), *checked(headers)]
        dialog = None if session is None else subscriptions.dialog_of(session)
        if session is not None and dialog is None:
            return subscriptions.begin_in_vain(owner)
        template = RequestTemplate("REFER", target, from_, to, tuple(route), flow, lines, b"", None, dialog)
        return subscriptions.begin(owner, "refer", None, template, None, contact, now)

    def refresh(self, subscription: SubscriptionId, *, expires: int | None = None, now: float) -> None:
        """Send SUBSCRIBE inside the dialog now, which also asks for the full state."""
        subscriptions = self._subscriptions
        subscriber = subscriptions.subscriber(subscription)
        if subscriber is not None:
            subscriber.refresh(expires, now)

    def unsubscribe(self, subscription: SubscriptionId, *, now: float) -> None:
        """Send SUBSCRIBE with Expires 0; SubscriptionEnded follows. Nothing happens when it has just ended."""
        subscriptions = self._subscriptions
        subscriber = subscriptions.subscriber(subscription)
        if subscriber is not None:
            subscriber.unsubscribe(now)

    def accept_subscription(
        self,
        subscription: SubscriptionId,
        *,
        expires: int | None = None,
        status: int = 200,
        headers: Iterable[tuple[str, object]] = (),
        contact: NameAddr | None = None,
        body: bytes = b"",
        content_type: str | None = None,
        now: float,
    ) -> None:
        """Answer a SubscribeReceived with 2xx and a duration in seconds.

        ``expires`` None grants what was asked for (or the default of the configuration); it is lowered to
        what was asked for. ``body`` is the first document, piggybacked, for a subscriber that listed
        ``ms-piggyback-first-notify``. Without it the core calls ``notify`` next (RFC 6665 section 4.2.1.2).
        Options that the subscriber and we know (``ms-benotify``, ``ms-piggyback-first-notify``,
        ``com.microsoft.autoextend``) are echoed by the endpoint as far as they apply.

        Raises LocalProtocolError for another status, and a duration that nobody asked for.
        """
        subscriptions = self._subscriptions
        if not 200 <= status < 300 or (expires is not None and expires < 0):
            raise LocalProtocolError(f"not an acceptance: {status}, {expires} s")
        notifier = subscriptions.notifier(subscription)
        if notifier is None:
            subscriptions.context.count("dropped: answer after the subscription ended")
            return
        lines = checked(headers, content_type)
        name = None if contact is None else checked_value("Contact", contact)
        notifier.accept(expires, status, lines, name, body, content_type, now)

    def reject_subscription(
        self,
        subscription: SubscriptionId,
        status: int,
        reason: str | None = None,
        *,
        headers: Iterable[tuple[str, object]] = (),
        now: float,
    ) -> None:
        """Answer a SubscribeReceived with 300-699. A refused first one is over; nothing more is reported."""
        subscriptions = self._subscriptions
        notifier = subscriptions.notifier(subscription)
        if notifier is None:
            subscriptions.context.count("dropped: answer after the subscription ended")
            return
        notifier.reject(status, reason, checked(headers), now)

    def notify(
        self,
        subscription: SubscriptionId,
        *,
        body: bytes = b"",
        content_type: str | None = None,
        state: str = "active",
        reason: str | None = None,
        headers: Iterable[tuple[str, object]] = (),
        benotify: bool = False,
        now: float,
    ) -> None:
        """Send a document: NOTIFYs go out one at a time, in order; a BENOTIFY at once, unless one of them waits.

        ``benotify`` is taken as NOTIFY when the subscriber did not ask for it or its flow may lose messages
        (decided once, when the subscription is accepted). Nothing happens when it has just ended.
        """
        if state == "terminated":
            self.end_subscription(
                subscription,
                reason=reason or "noresource",
                retry_after=None,
                headers=headers,
                body=body,
                content_type=content_type,
                benotify=benotify,
                now=now,
            )
            return
        notifier = self._subscriptions.notifier(subscription)
        if notifier is not None:
            lines = checked(headers, content_type)
            notification = Notification(
                checked_value("Subscription-State", state), None, None, lines, body, content_type
            )
            notifier.notify(notification, benotify, now)

    def end_subscription(
        self,
        subscription: SubscriptionId,
        *,
        reason: str,
        retry_after: int | None = None,
        headers: Iterable[tuple[str, object]] = (),
        body: bytes = b"",
        content_type: str | None = None,
        benotify: bool = False,
        now: float,
    ) -> None:
        """Send the last notification with state ``terminated`` and ``reason`` (RFC 6665 section 4.1.3).

        SubscriptionEnded follows. Nothing happens when the subscription has just ended.
        """
        subscriptions = self._subscriptions
        notifier = subscriptions.notifier(subscription)
        if notifier is not None:
            lines = checked(headers, content_type)
            why = checked_value("Subscription-State", reason)
            notification = Notification("terminated", why, retry_after, lines, body, content_type)
            notifier.end(notification, benotify, now)
