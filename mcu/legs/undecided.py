"""Calls about which the policy of the application has not decided yet: bounded, and not for ever."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from typing import Any, Final

import attrs

from c3p import Request
from mcu.conference import Conference
from mcu.errors import LocalError
from mcu.leg import Leg
from mcu.legs.add_user import Participant
from mcu.policy import Allowed, Decision, Refusal
from sip import AddressOfRecord, Deadlines, Pending, SessionId, Uri

#: Questions that were given up and are remembered, so that a late answer is told from a wrong one.
MAX_LATE: Final = 1_000


@attrs.frozen(kw_only=True, eq=False)
class HeldCommand:
    """An ``addUser`` that was answered ``pending``; there is no leg yet."""

    conference: Conference
    request: Request
    participant: Participant

    @property
    def originator(self) -> AddressOfRecord | None:
        return self.participant.originator


@attrs.frozen(kw_only=True, eq=False)
class HeldRedirection:
    """A leg that was sent elsewhere."""

    leg: Leg
    session: SessionId
    uri: Uri  #: the one that is asked about
    rest: tuple[Uri, ...]  #: and those to be asked about next

    @property
    def conference(self) -> Conference:
        return self.leg.conference

    @property
    def originator(self) -> AddressOfRecord | None:
        return self.leg.originator


Held = HeldCommand | HeldRedirection


def _key(originator: AddressOfRecord | None) -> str | None:
    return None if originator is None else originator.key


class Undecided:
    """What waits, by the id of the answer. All wait equally long, so the first is always due first."""

    def __init__(self, deadlines: Deadlines[Any], owner: Hashable, *, limit: int, share: int, lifetime: float) -> None:
        """``share`` of the ``limit`` is as much as one conference may have, and as one originator may have.

        When the next one is given up is the deadline of ``owner``.
        """
        self._deadlines, self._owner = deadlines, owner
        self._limit, self._share, self._lifetime = limit, share, lifetime
        self._items: OrderedDict[str, tuple[float, Held]] = OrderedDict()
        self._late: OrderedDict[str, None] = OrderedDict()

    def __len__(self) -> int:
        return len(self._items)

    def hold(self, pending: Pending, held: Held, *, now: float) -> bool:
        """Keep it; False when there are too many. Raises ``LocalError`` for an id that something waits for already."""
        if pending.id in self._items:
            raise LocalError(f"something waits for {pending.id!r} already")
        of_conference = sum(each.conference is held.conference for _, each in self._items.values())
        of_originator = sum(_key(each.originator) == _key(held.originator) for _, each in self._items.values())
        if len(self._items) >= self._limit or max(of_conference, of_originator) >= self._share:
            return False
        self._late.pop(pending.id, None)
        self._items[pending.id] = now + self._lifetime, held
        self._set_deadline()
        return True

    def decided(self, pending_id: str, decision: Decision) -> Held | None:
        """What an answer is for, ``None`` when it has been given up.

        Raises ``LocalError``, and nothing changes, when nothing waits for it or the answer is none.
        """
        if not isinstance(decision, Allowed | Refusal):
            raise LocalError(f"not a decision: {decision!r}")
        if pending_id not in self._items and pending_id not in self._late:
            raise LocalError(f"nothing waits for {pending_id!r}")
        self._late.pop(pending_id, None)
        return self._take(pending_id) if pending_id in self._items else None

    def expire(self, now: float) -> list[Held]:
        """Those that have waited for too long; they wait no more."""
        return [self._give_up(each) for each, (end, _) in tuple(self._items.items()) if end <= now]

    def calls_of_conference(self, conference: Conference) -> int:
        """How many calls there will be more if all that waits for it is allowed; those redirected are there already."""
        held = (each for _, each in self._items.values())
        return sum(isinstance(each, HeldCommand) and each.conference is conference for each in held)

    def calls_of_originator(self, originator: AddressOfRecord | None) -> int:
        """The same of whoever asked for them."""
        held = (each for _, each in self._items.values())
        return sum(isinstance(each, HeldCommand) and _key(each.originator) == _key(originator) for each in held)

    def commands_of(self, conference: Conference, user_key: str | None = None) -> list[HeldCommand]:
        """Take out the commands of a conference, or those that would add one user to it."""
        found = []
        for pending_id, (_, held) in tuple(self._items.items()):
            mine = isinstance(held, HeldCommand) and held.conference is conference
            if mine and isinstance(held, HeldCommand) and user_key in (None, held.participant.user.key):
                self._give_up(pending_id)
                found.append(held)
        return found

    def is_held(self, endpoint: str, conference: Conference) -> bool:
        """Whether a command that waits would add that endpoint."""
        return any(
            isinstance(held, HeldCommand) and held.conference is conference and held.participant.is_endpoint(endpoint)
            for _, held in self._items.values()
        )

    def _give_up(self, pending_id: str) -> Held:
        self._late[pending_id] = None
        if len(self._late) > MAX_LATE:
            self._late.popitem(last=False)
        return self._take(pending_id)

    def _take(self, pending_id: str) -> Held:
        _, held = self._items.pop(pending_id)
        self._set_deadline()
        return held

    def _set_deadline(self) -> None:
        self._deadlines.set(self._owner, next(iter(self._items.values()))[0] if self._items else None)
