"""A SUBSCRIBE to a conference: who it is from, whether there is a place, and the first document."""

from __future__ import annotations

from focus import refusal
from focus.active import ActiveConferences
from focus.conference import Conference
from focus.context import Context
from focus.guests import Guests
from focus.identity import insist_on
from focus.questions.identification import identification, sender_of
from focus.questions.procedure import Line, Steps, Turn, settled
from focus.questions.stores import Records
from focus.refusal import Refused
from focus.subscription_policy import NOT_JOINED, check_subscriber, granted_expires
from sip import ConferenceAddress, SubscribeReceived


class Subscribing:
    """How somebody comes to follow a conference."""

    def __init__(self, context: Context, active: ActiveConferences, records: Records, guests: Guests) -> None:
        self._guests = guests
        self._context = context
        self._active = active
        self._records = records

    def procedure(self, event: SubscribeReceived, turn: Turn) -> Steps[None]:
        """From a SUBSCRIBE to its answer."""
        try:
            present = self._active.of_subscription.get(event.subscription)
            if present is not None:
                yield Line(present.key)
                self._again(event, present, now=turn.now)
            else:
                yield from self._subscribe(event, turn)
        except Refused as refused:
            self._context.reject_subscription(event, refused, now=turn.now)

    def _again(self, event: SubscribeReceived, conference: Conference, *, now: float) -> None:
        expires = granted_expires(event.expires, self._context.config)
        conference.subscribe_again(event, expires=expires, now=now)
        self._active.settle(conference, now=now)

    def _subscribe(self, event: SubscribeReceived, turn: Turn) -> Steps[None]:
        config = self._context.config
        expires = granted_expires(event.expires, config)
        address = ConferenceAddress.of(event.request.uri)
        yield Line(sender_of(event.request, event.flow))
        known = yield from identification(config.identify, event.request, event.flow)
        yield Line(address.key)
        if not self._context.endpoint.is_open(event.flow):
            raise Refused(refusal.GONE)
        conference = self._active.get(address.key)
        if conference is None:
            insist_on(known)
            record = yield from settled(self._records.find(address))
            raise Refused(NOT_JOINED if record is not None else refusal.UNKNOWN_CONFERENCE)
        name = self._guests.following(
            event.request, event.flow, conference.record, known, conference.participants, now=turn.now
        )
        key = name.key if name is not None else ""
        check_subscriber(conference.participants.of_user(key), event.flow)
        own = len(conference.notifier.of_user(key))
        if len(conference.notifier) >= config.max_subscriptions or own >= config.max_subscriptions_per_user:
            raise Refused(refusal.BUSY)
        if expires == 0 and conference.end_subscription_of(key, event, now=turn.now):
            return
        self._active.of_subscription[event.subscription] = conference
        conference.subscribe(event, user=key, expires=expires, now=turn.now)
        self._active.settle(conference, now=turn.now)
