"""Documents for the subscribers of one conference: serialised once, numbered for each (decisions 13 to 15)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import attrs

from c3p import CONFERENCE_INFO_TYPE, ConferenceInfo, render_versions
from focus.contact import contact_of, record_route
from focus.roster import Changes, Roster
from focus.roster_document import deleted_document, lobby_document, partial_document, whole_document
from sip import Endpoint, Flow, Request, SubscriptionId, first_due

AUTOEXTEND: Final = "com.microsoft.autoextend"

#: Part of its time after which a quiet subscription is prolonged, well before it runs out.
_EXTENSION: Final = 0.75

#: A document serialised once: the function puts a version in.
Rendered = Callable[[int], bytes]


@attrs.define(eq=False)
class Subscriber:
    """One subscription to the conference."""

    subscription: SubscriptionId
    user: str  #: key of the user
    flow: Flow
    limited: bool  #: in the lobby: sees only itself (decisions 19)
    version: int = 0  #: of the last document sent
    autoextend: float | None = None  #: seconds by which each document prolongs it; None: the subscriber refreshes
    extend_at: float | None = None  #: when a document is due for that reason alone, monotonic seconds

    def told(self, now: float) -> None:
        """A document went out, which prolongs the subscription where that was agreed."""
        if self.autoextend is not None:
            self.extend_at = now + _EXTENSION * self.autoextend

    def number(self, document: Rendered) -> bytes:
        """`document` as the next one for this subscriber."""
        self.version += 1
        return document(self.version)


class Notifier:
    """The subscribers of one conference.

    Documents go out as BENOTIFY where the subscriber asked for it and its flow loses nothing, as the endpoint decides.
    """

    def __init__(self, endpoint: Endpoint, roster: Roster) -> None:
        self._endpoint = endpoint
        self._roster = roster
        self._subscribers: dict[SubscriptionId, Subscriber] = {}

    def __len__(self) -> int:
        return len(self._subscribers)

    def __contains__(self, subscription: SubscriptionId) -> bool:
        return subscription in self._subscribers

    def of_user(self, user: str) -> list[Subscriber]:
        """The subscriptions of one user."""
        return [one for one in self._subscribers.values() if one.user == user]

    def user_of(self, subscription: SubscriptionId) -> str:
        """Key of the user who holds a subscription."""
        return self._subscribers[subscription].user

    def limited(self) -> list[Subscriber]:
        """The subscriptions of users in the lobby."""
        return [one for one in self._subscribers.values() if one.limited]

    def accept(
        self,
        subscription: SubscriptionId,
        *,
        user: str,
        request: Request,
        flow: Flow,
        limited: bool,
        expires: int,
        now: float,
    ) -> None:
        """Answer a SUBSCRIBE, new or repeated, with the whole state, for `expires` seconds; 0 fetches it once."""
        subscriber = self._subscribers.get(subscription) or Subscriber(subscription, user, flow, limited)
        subscriber.flow, subscriber.limited = flow, limited
        subscriber.autoextend = float(expires) if AUTOEXTEND in request.supported else None
        subscriber.told(now)
        if expires > 0:
            self._subscribers[subscription] = subscriber
        self._endpoint.accept_subscription(
            subscription,
            expires=expires,
            headers=record_route(request, flow, self._endpoint),
            contact=contact_of(self._roster.focus_uri),
            body=subscriber.number(render_versions(self._whole_for(subscriber))),
            content_type=CONFERENCE_INFO_TYPE,
            now=now,
        )

    def unsubscribed(self, subscription: SubscriptionId, *, now: float) -> None:
        """Answer a SUBSCRIBE that ends its subscription; the endpoint sends the last NOTIFY, without a document."""
        self.forget(subscription)
        self._endpoint.accept_subscription(subscription, expires=0, now=now)

    def publish(self, changes: Changes, *, now: float) -> None:
        """Send what changed to everybody who may see it."""
        document: Rendered | None = None
        for subscriber in list(self._subscribers.values()):
            if subscriber.limited:
                self._publish_to_lobby(subscriber, changes, now=now)
                continue
            document = document or render_versions(partial_document(self._roster, changes))
            self._send(subscriber, subscriber.number(document), now=now)

    def let_in(self, user: str, *, now: float) -> None:
        """Show a user who leaves the lobby everything."""
        for subscriber in self.of_user(user):
            subscriber.limited = False
            self._send_whole(subscriber, now=now)

    def next_timeout(self) -> float | None:
        """When somebody is to be told although nothing changed."""
        return first_due(*[one.extend_at for one in self._subscribers.values()])

    def handle_timeout(self, *, now: float) -> None:
        """Keep quiet subscriptions alive: those who asked for autoextend do not refresh (conference-info 2)."""
        for subscriber in list(self._subscribers.values()):
            if subscriber.extend_at is not None and subscriber.extend_at <= now:
                self._send_whole(subscriber, now=now)

    def forget(self, subscription: SubscriptionId) -> None:
        """A subscription is over."""
        self._subscribers.pop(subscription, None)

    def end_user(self, user: str, reason: str, changes: Changes | None, *, now: float) -> None:
        """End the subscriptions of a user, with a last document that says what happened when `changes` is given."""
        subscribers = self.of_user(user)
        document = (
            render_versions(partial_document(self._roster, changes)) if changes is not None and subscribers else None
        )
        for subscriber in subscribers:
            body = subscriber.number(document) if document is not None else b""
            self._end(subscriber, reason, body, now=now)

    def end_all(self, *, now: float) -> None:
        """The conference is over: a last document with a deleted root (conferencing-flows 12)."""
        gone = render_versions(deleted_document(self._roster))
        for subscriber in list(self._subscribers.values()):
            self._end(subscriber, "noresource", subscriber.number(gone), now=now)

    def end(self, subscriber: Subscriber, reason: str, *, now: float) -> None:
        """End one subscription, without a document."""
        self._end(subscriber, reason, b"", now=now)

    def _whole_for(self, subscriber: Subscriber) -> ConferenceInfo:
        roster = self._roster
        return lobby_document(roster, subscriber.user) if subscriber.limited else whole_document(roster)

    def _publish_to_lobby(self, subscriber: Subscriber, changes: Changes, *, now: float) -> None:
        own = changes.only(subscriber.user)
        if own is not None:
            body = subscriber.number(render_versions(partial_document(self._roster, own, count=1)))
            self._send(subscriber, body, now=now)

    def _send_whole(self, subscriber: Subscriber, *, now: float) -> None:
        self._send(subscriber, subscriber.number(render_versions(self._whole_for(subscriber))), now=now)

    def _send(self, subscriber: Subscriber, body: bytes, *, now: float) -> None:
        subscriber.told(now)
        subscription = subscriber.subscription
        self._endpoint.notify(subscription, body=body, content_type=CONFERENCE_INFO_TYPE, benotify=True, now=now)

    def _end(self, subscriber: Subscriber, reason: str, body: bytes, *, now: float) -> None:
        self.forget(subscriber.subscription)
        self._endpoint.end_subscription(
            subscriber.subscription,
            reason=reason,
            body=body,
            content_type=CONFERENCE_INFO_TYPE if body else None,
            benotify=True,
            now=now,
        )
