"""A client's subscription to the state of its conference."""

from __future__ import annotations

from typing import Final

from c3p import CONFERENCE_INFO_TYPE, C3PError, ConferenceInfo, Receipt, Replica, State, parse_document
from focus.client.config import ClientConfig
from focus.client.events import RosterChanged, Subscribed, SubscriptionLost
from sip import (
    Endpoint,
    Event,
    NameAddr,
    NotifyReceived,
    Request,
    Response,
    SubscriptionAccepted,
    SubscriptionEnded,
    SubscriptionFailed,
    SubscriptionFlowLost,
    SubscriptionId,
    body_of,
)

BENOTIFY: Final = "ms-benotify"
PIGGYBACK: Final = "ms-piggyback-first-notify"
#: Seconds that are asked for: what the package lasts when nobody says (RFC 4575 section 3.3), said as RFC 6665 section
#: 3.1.1 asks.
EXPIRES: Final = 3600
#: Seconds without a document after which a connection that carries nothing but the subscription is tried: as often as
#: RFC 5626 section 4.4.1 pings one. Of a half of it that is gone nobody could tell us.
QUIET: Final = 120.0
#: Seconds within which a Focus may send us away once: longer than a claim to a conference is disputed.
AGAIN: Final = 5.0
_OPTIONS: Final = (BENOTIFY, PIGGYBACK, "com.microsoft.autoextend")


class Watch:
    """Follows the documents by the rules of versions; after a gap it asks for the whole state."""

    def __init__(self, endpoint: Endpoint, config: ClientConfig) -> None:
        self._endpoint = endpoint
        self._config = config
        self._subscription: SubscriptionId | None = None
        self._replica = Replica()
        self._solicited = False  #: the next full document answers our own SUBSCRIBE
        self._dialog: tuple[str, str | None] | None = None  #: Call-ID and tag of the notifier
        self._alone = False  #: whether nothing else of the conference uses a connection
        self.first: float | None = None  #: when the connection is tried; None: something else would show its end
        self._sent_away_at: float | None = None  #: when the Focus said last that another one has the conference
        self.suspended = False  #: whether there was one when the dialog died
        self.dropped = 0  #: documents that could not be read

    @property
    def active(self) -> bool:
        """Whether there is, or is to be, a subscription."""
        return self._subscription is not None

    @property
    def roster(self) -> ConferenceInfo | None:
        """The conference as it is known."""
        return self._replica.info

    def start(self, conference_uri: str, *, now: float) -> None:
        """Subscribe."""
        self._replica = Replica(entity=conference_uri)
        self._solicited, self._dialog, self.suspended, self.first = True, None, False, None
        self._subscription = self._endpoint.subscribe(
            self._config.owner,
            conference_uri,
            event="conference",
            expires=EXPIRES,
            from_=self._config.sender,
            to=NameAddr(conference_uri),
            headers=self._headers(),
            accept=(CONFERENCE_INFO_TYPE,),
            route=self._config.route,
            now=now,
        )

    def _headers(self) -> tuple[tuple[str, object], ...]:
        benotify = self._config.benotify
        options = [
            option
            for option in _OPTIONS
            if (option != "ms-benotify" or benotify)
            and (option != "ms-piggyback-first-notify" or self._config.piggyback)
        ]
        required = (("Proxy-Require", BENOTIFY),) if benotify else ()
        return (("Supported", ", ".join(options)), *required)

    def stop(self, *, now: float) -> None:
        """Unsubscribe."""
        if self._subscription is not None:
            self._endpoint.unsubscribe(self._subscription, now=now)

    def suspend(self, *, now: float) -> None:
        """The dialog died: what still comes of the subscription is not listened to, until it starts again."""
        self.stop(now=now)
        self.suspended, self._subscription, self.first = self.suspended or self.active, None, None

    def close(self, *, now: float) -> list[Event]:
        """The conference is over for us: end the subscription with it, whatever still comes of it."""
        if self._subscription is None and not self.suspended:
            return []
        self.stop(now=now)
        return self._lost("unsubscribed", None)

    def joined_over(self, answer: Response) -> None:
        """There is a session: over UDP it does not show when the connection of the subscription is gone."""
        self._alone = not _by_connection(answer)

    def handle(self, event: Event, *, now: float) -> tuple[list[Event], bool]:
        """Take an event of the subscription: events for the application, and whether the conference is over."""
        if getattr(event, "subscription", None) != self._subscription or self._subscription is None:
            return [], False
        if isinstance(event, NotifyReceived):
            self.first = now + QUIET if self._alone and _by_connection(event.request) else None
            return self._notified(event, now=now)
        if isinstance(event, SubscriptionAccepted):
            return [Subscribed(owner=self._config.owner, expires=event.expires)], False
        if isinstance(event, SubscriptionFlowLost):
            self.reconnect(now=now)
            return [], False
        if isinstance(event, SubscriptionFailed):
            return self._lost("refused", event.status), False
        assert isinstance(event, SubscriptionEnded)
        return self._lost(event.reason, None), False

    def _lost(self, reason: str, status: int | None) -> list[Event]:
        self._replica.rest()
        self._subscription, self.suspended, self.first = None, False, None
        return [SubscriptionLost(owner=self._config.owner, reason=reason, status=status)]

    def _notified(self, event: NotifyReceived, *, now: float) -> tuple[list[Event], bool]:
        if not event.body:
            return [], False
        self._notice_dialog(event)
        try:
            document = parse_document(body_of(event.request, CONFERENCE_INFO_TYPE))
        except C3PError:
            document = None
        if not isinstance(document, ConferenceInfo):
            self.dropped += 1
            self._ask_again(event, now=now)
            return [], False
        receipt = self._replica.receive(document, solicited=self._solicited)
        if receipt is Receipt.GAP:
            self._ask_again(event, now=now)
        elif receipt is Receipt.APPLIED and document.state in (None, State.FULL):
            # A change that was under way already does not answer our SUBSCRIBE.
            self._solicited = False
        changes = self._replica.changes
        roster = self._replica.info
        if receipt is Receipt.APPLIED and roster is not None:
            return [RosterChanged(owner=self._config.owner, changes=changes, roster=roster)], False
        return [], receipt is Receipt.DELETED

    def _notice_dialog(self, event: NotifyReceived) -> None:
        """The endpoint subscribes again by itself when the Focus forgot us; versions begin anew in the new dialog."""
        message = event.request
        peer = message.from_ if isinstance(message, Request) else message.to
        dialog = (message.call_id, peer.tag)
        if self._dialog is not None and dialog != self._dialog:
            self._solicited = True
        self._dialog = dialog

    def is_sent_away(self, event: Event, *, now: float) -> bool:
        """Whether another Focus has the conference, and is to be followed at once (RFC 6665 section 4.1.3).

        Two that send us to each other are left alone: the second one within a while ends the subscription.
        """
        if not isinstance(event, SubscriptionEnded) or event.reason != "deactivated":
            return False
        before, self._sent_away_at = self._sent_away_at, now
        return before is None or before + AGAIN <= now

    def handle_timeout(self, *, now: float) -> None:
        """Try a connection that has been quiet."""
        if self.first is not None and self.first <= now:
            self.first = None
            self.reconnect(now=now)

    def reconnect(self, *, now: float) -> None:
        """The connection broke: subscribe again, which asks for the whole state."""
        if self._subscription is not None:
            self._solicited = True
            self._endpoint.refresh(self._subscription, now=now)

    def _ask_again(self, event: NotifyReceived, *, now: float) -> None:
        if not self._solicited and event.state != "terminated" and self._subscription is not None:
            self._solicited = True
            self._endpoint.refresh(self._subscription, now=now)


def _by_connection(message: Request | Response) -> bool:
    return message.via[0].transport.upper() != "UDP"
