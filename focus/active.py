"""The active conferences of one Focus: by conference, by dialog, by subscription, and when something is due in one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from focus.attendance import Attendance
from focus.conference import Conference
from focus.context import Context
from focus.events import ConferenceActivated
from focus.records import ConferenceRecord
from sip import ConferenceAddress, Deadlines, SessionId, SubscriptionId


class ActiveConferences:
    """Nothing is kept for conferences in which nobody is."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._by_key: dict[str, Conference] = {}
        self.of_session: dict[SessionId, Conference] = {}
        self.of_subscription: dict[SubscriptionId, Conference] = {}
        self._deadlines: Deadlines[str] = Deadlines()
        self.attendance = Attendance(context.config)
        self.unsaved: dict[str, Conference] | None = None  #: by key, what changed; None where nobody writes them

    def __iter__(self) -> Iterator[Conference]:
        return iter(self._by_key.values())

    def get(self, key: str) -> Conference | None:
        """The activation of a record, None when it is not active."""
        return self._by_key.get(key)

    @property
    def sizes(self) -> dict[str, int]:
        """How much is kept for them."""
        return {
            "conferences": len(self._by_key),
            "participants": sum(len(one.participants) for one in self),
            "subscriptions": sum(len(one.notifier) for one in self),
            "commands": sum(one.open_commands for one in self),
        }

    @property
    def full(self) -> bool:
        """Whether there is no place for one more."""
        return len(self._by_key) >= self._context.config.max_conferences

    def users_of(self, session: SessionId | None, subscriptions: Iterable[SubscriptionId]) -> set[str]:
        """Keys of the users whose dialog it is."""
        in_session = self.of_session.get(session) if session is not None else None
        participant = in_session.participants.get(session) if in_session is not None else None
        followed = [(one, each) for each in subscriptions if (one := self.of_subscription.get(each)) is not None]
        users = {one.notifier.user_of(each) for one, each in followed if each in one.notifier}
        return users if participant is None else {*users, participant.user.key}

    def activate(
        self, address: ConferenceAddress, record: ConferenceRecord, *, epoch: int = 0, now: float
    ) -> Conference:
        """Begin an activation under a claim with that epoch. Whoever does that settles it."""
        conference = Conference(self._context, address=address, record=record, epoch=epoch, now=now)
        self.take_in(conference)
        self._context.emit(ConferenceActivated(owner=self._context.config.owner, conference_uri=conference.focus_uri))
        return conference

    def take_in(self, conference: Conference) -> None:
        """One more is active."""
        self._by_key[conference.key] = conference
        if self.unsaved is not None:
            conference.keep()

    def resume(self, conference: Conference) -> None:
        """A conference goes on that was active before a restart."""
        self.take_in(conference)
        self.attendance.resume(conference.key, conference.record)
        for participant in conference.participants.all():
            if not participant.absent:
                self.of_session[participant.session] = conference
                self.attendance.joined(participant.session, participant.user)
        for subscriber in conference.notifier:
            self.of_subscription[subscriber.subscription] = conference

    def release(self, conference: Conference) -> None:
        """It is not active here any more, and nobody is told."""
        for participant in conference.participants.all():
            self.of_session.pop(participant.session, None)
            self.attendance.left(participant.session)
        for subscriber in conference.notifier:
            self.of_subscription.pop(subscriber.subscription, None)
        conference.release()
        del self._by_key[conference.key]
        self._deadlines.set(conference.key, None)
        self.attendance.end(conference.key)
        if self.unsaved is not None:
            self.unsaved.pop(conference.key, None)

    def settle(self, conference: Conference, *, now: float) -> None:
        """After every step in a conference: tell what changed, see when it wants to be called, or that it is over."""
        conference.settle(now=now)
        self.changed(conference)
        if conference.ended and self._by_key.get(conference.key) is conference:
            del self._by_key[conference.key]
            self._context.placement.release(conference.address, conference.claim.epoch)
            self.attendance.end(conference.key)
        if self._by_key.get(conference.key) is conference:
            self._deadlines.set(conference.key, conference.next_timeout())
        elif conference.key not in self._by_key:
            self._deadlines.set(conference.key, None)
        if self._context.ended_relays:
            self._context.deliver(now)

    def changed(self, conference: Conference) -> None:
        """A conference may be other than what was written of it. What follows its end is none of the one after it."""
        if self.unsaved is not None and self._by_key.get(conference.key, conference) is conference:
            self.unsaved[conference.key] = conference

    def next_timeout(self) -> float | None:
        """When something is due in one of them."""
        return self._deadlines.first

    def due(self, now: float) -> Iterator[Conference]:
        """Those in which something is due."""
        for key in self._deadlines.pop_due(now):
            conference = self._by_key.get(key)
            if conference is not None:  # pragma: no branch (what has ended has no deadline)
                yield conference
