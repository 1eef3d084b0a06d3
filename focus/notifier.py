"""Documents for the subscribers of one conference: serialised once, numbered for each (docs/design-decisions.rst)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from operator import attrgetter
from typing import Final

import attrs

from c3p import CONFERENCE_INFO_TYPE, ConferenceInfo, render_versions
from focus.contact import contact_of, record_route
from focus.durable.unsaved import Unsaved
from focus.roster import Changes, Roster
from focus.roster_document import deleted_document, lobby_document, partial_document, whole_document
from sip import Endpoint, Flow, Request, SubscriptionId, first_due

AUTOEXTEND: Final = "com.microsoft.autoextend"

#: Part of its time after which a quiet subscription is prolonged, well before it runs out.
_EXTENSION: Final = 0.75
_EXTEND_AT: Final = attrgetter("extend_at")

#: A document serialised once: the function puts a version in.
Rendered = Callable[[int], bytes]


@attrs.define(eq=False)
class Subscriber:
    """One subscription to the conference."""

    subscription: SubscriptionId
    user: str  #: key of the user
    number: int  #: what it is called where state is written
    flow: Flow | None  #: None after a restart, until it is heard
    limited: bool  #: in the lobby: sees only itself (docs/design-decisions.rst)
    version: int = 0  #: of the last document sent
    reserved: int = 0  #: the highest version that what is written leaves room for
    autoextend: float | None = None  #: seconds by which each document prolongs it; None: the subscriber refreshes
    extend_at: float | None = None  #: when a document is due for that reason alone, monotonic seconds

    def told(self, now: float) -> None:
        """A document went out, which prolongs the subscription where that was agreed."""
        if self.autoextend is not None:
            self.extend_at = now + _EXTENSION * self.autoextend


class Notifier:
    """The subscribers of one conference.

    Documents go out as BENOTIFY where the subscriber asked for it and its flow loses nothing, as the endpoint decides.
    """

    def __init__(self, endpoint: Endpoint, roster: Roster) -> None:
        self._endpoint = endpoint
        self._roster = roster
        self._subscribers: dict[SubscriptionId, Subscriber] = {}
        self._by_number: dict[int, Subscriber] = {}
        self._count = 0
        self.unsaved: Unsaved | None = None  #: subscribers that changed; None where nobody writes them

    def __iter__(self) -> Iterator[Subscriber]:
        return iter(tuple(self._subscribers.values()))

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
        subscriber = self._subscribers.get(subscription)
        if subscriber is None:
            subscriber = Subscriber(subscription, user, self._count + 1, flow, limited)
        subscriber.flow, subscriber.limited = flow, limited
        subscriber.autoextend = float(expires) if AUTOEXTEND in request.supported else None
        subscriber.told(now)
        if expires > 0:
            self.add(subscriber)
        self._endpoint.accept_subscription(
            subscription,
            expires=expires,
            headers=record_route(request, flow, self._endpoint),
            contact=contact_of(self._roster.focus_uri),
            body=self._numbered(subscriber, render_versions(self._whole_for(subscriber))),
            content_type=CONFERENCE_INFO_TYPE,
            now=now,
        )

    def add(self, subscriber: Subscriber) -> None:
        """Take a subscription in, or another form of one that is there."""
        self._subscribers[subscriber.subscription] = self._by_number[subscriber.number] = subscriber
        self._count = max(self._count, subscriber.number)
        self._note(subscriber)

    def numbered(self, number: int) -> Subscriber | None:
        """The subscription of a number, None when it is over."""
        return self._by_number.get(number)

    def begin_again(self, *, leap: int = 0, now: float) -> None:
        """Tell everybody everything: what they were told last is not known. Versions leap over what others told."""
        for subscriber in self:
            subscriber.version += leap
            self._send_whole(subscriber, now=now)

    def send_away(self, *, now: float) -> None:
        """Have everybody subscribe anew, and so find who has the conference (RFC 6665 section 4.1.3)."""
        for subscriber in self:
            self.end(subscriber, "deactivated", now=now)

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
            self._send(subscriber, self._numbered(subscriber, document), now=now)

    def let_in(self, user: str, *, now: float) -> None:
        """Show a user who leaves the lobby everything."""
        for subscriber in self.of_user(user):
            subscriber.limited = False
            self._note(subscriber)
            self._send_whole(subscriber, now=now)

    def next_timeout(self) -> float | None:
        """When somebody is to be told although nothing changed."""
        return first_due(*map(_EXTEND_AT, self._subscribers.values()))

    def handle_timeout(self, *, now: float) -> None:
        """Keep quiet subscriptions alive: those who asked for autoextend do not refresh (RFC 4575 section 3)."""
        for subscriber in list(self._subscribers.values()):
            if subscriber.extend_at is not None and subscriber.extend_at <= now:
                self._send_whole(subscriber, now=now)

    def forget(self, subscription: SubscriptionId) -> None:
        """A subscription is over."""
        subscriber = self._subscribers.pop(subscription, None)
        if subscriber is not None:
            del self._by_number[subscriber.number]
            self._note(subscriber)

    def end_user(self, user: str, reason: str, changes: Changes | None, *, now: float) -> None:
        """End the subscriptions of a user, with a last document that says what happened when `changes` is given."""
        subscribers = self.of_user(user)
        document = (
            render_versions(partial_document(self._roster, changes)) if changes is not None and subscribers else None
        )
        for subscriber in subscribers:
            body = self._numbered(subscriber, document) if document is not None else b""
            self._end(subscriber, reason, body, now=now)

    def end_all(self, *, now: float) -> None:
        """The conference is over: a last document with a deleted root."""
        gone = render_versions(deleted_document(self._roster))
        for subscriber in list(self._subscribers.values()):
            self._end(subscriber, "noresource", self._numbered(subscriber, gone), now=now)

    def end(self, subscriber: Subscriber, reason: str, *, now: float) -> None:
        """End one subscription, without a document."""
        self._end(subscriber, reason, b"", now=now)

    def _whole_for(self, subscriber: Subscriber) -> ConferenceInfo:
        roster = self._roster
        return lobby_document(roster, subscriber.user) if subscriber.limited else whole_document(roster)

    def _publish_to_lobby(self, subscriber: Subscriber, changes: Changes, *, now: float) -> None:
        own = changes.only(subscriber.user)
        if own is not None:
            body = self._numbered(subscriber, render_versions(partial_document(self._roster, own, count=1)))
            self._send(subscriber, body, now=now)

    def _numbered(self, subscriber: Subscriber, document: Rendered) -> bytes:
        """`document` as the next one for a subscriber."""
        subscriber.version += 1
        if self.unsaved is not None and subscriber.version > subscriber.reserved:
            self._note(subscriber)
        return document(subscriber.version)

    def _note(self, subscriber: Subscriber) -> None:
        if self.unsaved is not None:
            self.unsaved["subscriber", str(subscriber.number)] = None

    def _send_whole(self, subscriber: Subscriber, *, now: float) -> None:
        self._send(subscriber, self._numbered(subscriber, render_versions(self._whole_for(subscriber))), now=now)

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
