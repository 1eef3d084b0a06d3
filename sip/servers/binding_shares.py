"""How much of a registrar one source may fill: bindings that it made, and users for whom it made them."""

from __future__ import annotations

from collections.abc import Iterable

from sip.networks import Networks
from sip.servers.location import Binding
from sip.shares import Shares


class BindingShares:
    """What each source has registered. A binding that was restored counts for nobody until it is renewed."""

    def __init__(self, *, bindings: int, users: int, trusted: Networks) -> None:
        self._bindings = Shares(bindings, exempt=trusted.holds)
        self._users = Shares(users, exempt=trusted.holds)

    def __len__(self) -> int:
        return len(self._bindings)

    def have_room(self, before: Iterable[Binding], after: Iterable[Binding]) -> bool:
        """Whether the bindings of a user may change so; who takes less than before always may."""
        old, new = _sources(before), _sources(after)
        for source in set(new):
            more = new.count(source) - old.count(source)
            if more > 0 and not self._bindings.has_room(source, more):
                return False
            if source not in old and not self._users.has_room(source):
                return False
        return True

    def replace(self, before: Iterable[Binding], after: Iterable[Binding]) -> None:
        """Take note of the bindings of a user that were, and of those that are."""
        old, new = _sources(before), _sources(after)
        self._bindings.move(old, new)
        self._users.move(set(old), set(new))


def _sources(bindings: Iterable[Binding]) -> list[str]:
    return [each.source for each in bindings if each.source]
