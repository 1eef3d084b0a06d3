"""What an endpoint can be told about subscriptions."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from sip.flow import Flow
from sip.ids import SessionId, SubscriptionId
from sip.name_addr import NameAddr
from sip.uri import Uri

if TYPE_CHECKING:
    from sip.subscription.layer import Subscriptions


class SubscriptionCommands:
    """Both sides of RFC 6665: commands for a subscription that never was raise LocalProtocolError."""

    _subscriptions: "Subscriptions"

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
        SubscriptionFailed or SubscriptionEnded ends it. 481 to a refresh starts again in a new dialog.
        ``session`` subscribes inside the dialog of that session.
        """
        return self._subscriptions.subscribe(
            owner,
            target,
            event=event,
            from_=from_,
            to=to,
            expires=expires,
            headers=headers,
            accept=accept,
            route=route,
            contact=contact,
            flow=flow,
            session=session,
            body=body,
            content_type=content_type,
            now=now,
        )

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
        return self._subscriptions.refer(
            owner,
            target,
            refer_to=refer_to,
            from_=from_,
            to=to,
            headers=headers,
            route=route,
            contact=contact,
            flow=flow,
            session=session,
            now=now,
        )

    def refresh(self, subscription: SubscriptionId, *, expires: int | None = None, now: float) -> None:
        """Send SUBSCRIBE inside the dialog now, which also asks for the full state."""
        self._subscriptions.refresh(subscription, expires=expires, now=now)

    def unsubscribe(self, subscription: SubscriptionId, *, now: float) -> None:
        """Send SUBSCRIBE with Expires 0; SubscriptionEnded follows. Nothing happens when it has just ended."""
        self._subscriptions.unsubscribe(subscription, now=now)

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
        """
        self._subscriptions.accept(
            subscription,
            expires=expires,
            status=status,
            headers=headers,
            contact=contact,
            body=body,
            content_type=content_type,
            now=now,
        )

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
        self._subscriptions.reject(subscription, status, reason, headers=headers, now=now)

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
        """Send a document. NOTIFYs of one subscription go out one at a time, in order; BENOTIFY at once.

        ``benotify`` is taken as NOTIFY when the subscriber did not ask for it or its flow may lose messages
        (decided once, when the subscription is accepted). Nothing happens when it has just ended.
        """
        self._subscriptions.notify(
            subscription,
            body=body,
            content_type=content_type,
            state=state,
            reason=reason,
            headers=headers,
            benotify=benotify,
            now=now,
        )

    def end_subscription(
        self,
        subscription: SubscriptionId,
        *,
        reason: str,
        retry_after: int | None = None,
        body: bytes = b"",
        content_type: str | None = None,
        benotify: bool = False,
        now: float,
    ) -> None:
        """Send the last notification with state ``terminated`` and ``reason`` (RFC 6665 section 4.1.3).

        SubscriptionEnded follows. Nothing happens when the subscription has just ended.
        """
        self._subscriptions.end(
            subscription,
            reason=reason,
            retry_after=retry_after,
            body=body,
            content_type=content_type,
            benotify=benotify,
            now=now,
        )
