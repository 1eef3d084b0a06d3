"""The users of one conference by their keys, for a receiver of many changes of one user each.

A change of one user in a conference of ten thousand should not look at the others. The documents stay frozen values
with a tuple of users, so that one is made for each change; that is a copy without a look at what is in it.
"""

from __future__ import annotations

from c3p.conference.entity_key import uri_key
from c3p.conference.merge import merge_changed
from c3p.conference.user import User


class UserIndex:
    """Mirrors the users that it made, or was shown, last. What it mirrors is told by identity, so that it may fail."""

    def __init__(self) -> None:
        self._mirrored: tuple[User, ...] | None = None
        self._users: dict[str, User] = {}
        self._known: tuple[User, ...] | None = None  # what the last change was made to
        self._step: tuple[tuple[User, ...], tuple[User, ...]] = ((), ())  # users that it changed, before and after

    def step(
        self, before: tuple[User, ...], after: tuple[User, ...]
    ) -> tuple[tuple[User, ...], tuple[User, ...]] | None:
        """The users that differ between both, where the last change led from one to the other; else None."""
        return self._step if before is self._known and after is self._mirrored else None

    def merged(self, known: tuple[User, ...], change: User) -> tuple[User, ...]:
        """The users after the change of one: what `c3p.conference.merge.merge_items` makes of it.

        Raises MalformedDocument.
        """
        key = uri_key(change.entity)
        if known is not self._mirrored:
            self._users = {uri_key(user.entity): user for user in known}
        self._mirrored, self._known = None, known
        before = self._users.get(key)
        after = merge_changed(before, change)
        if after is not None:
            self._users[key] = after
        elif before is not None:
            del self._users[key]
        self._step = ((before,) if before is not None else (), (after,) if after is not None else ())
        users = self._mirrored = tuple(self._users.values())
        return users
