"""The flows on which bindings were made, and what became of their users when a flow is gone (RFC 5626 section 7)."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable
from typing import Final

from sip.flow import Address, Flow
from sip.servers.location import Binding
from sip.syntax.uri import Uri

#: Users of one flow that are remembered after they left it: a trunk may have many, a phone has one or two.
_MOST_OF_ONE: Final = 100


#: What a flow is known by: over UDP its addresses, which are the same in a later process.
_Place = Flow | tuple[Address, Address]


class BoundFlows:
    """Which users registered directly on a flow, and which did before.

    At most ``limit`` flows are remembered that somebody has left.
    """

    def __init__(self, *, limit: int) -> None:
        self._limit = limit
        self._users: dict[_Place, Counter[str]] = {}
        self._left: OrderedDict[_Place, OrderedDict[str, Binding]] = OrderedDict()

    def __contains__(self, flow: Flow) -> bool:
        return _place(flow) in self._users

    def users(self, flow: Flow) -> tuple[str, ...]:
        """Keys of the addresses-of-record with a binding on that flow."""
        return tuple(self._users.get(_place(flow), ()))

    def replace(self, before: Iterable[Binding], after: Iterable[Binding]) -> None:
        """Take note of the bindings of a user that were, and of those that are."""
        old, new = set(_made_on(before)), set(_made_on(after))
        used = {place for place, _ in new}
        for place, binding in old - new:
            self._take_off(place, binding.aor)
            if place not in used:
                self._remember(place, binding)
        for place, binding in new - old:
            self._users.setdefault(place, Counter())[binding.aor] += 1

    def _take_off(self, place: _Place, aor: str) -> None:
        users = self._users[place]
        users[aor] -= 1
        if users[aor] <= 0:
            del users[aor]
        if not users:
            del self._users[place]

    def _remember(self, place: _Place, binding: Binding) -> None:
        left = self._left.setdefault(place, OrderedDict())
        left[binding.aor] = binding
        self._left.move_to_end(place)
        if len(left) > _MOST_OF_ONE:
            left.popitem(last=False)
        if len(self._left) > self._limit:
            self._left.popitem(last=False)

    def after(
        self, flow: Flow, uri: Uri, now_at: Callable[[str], Iterable[Binding]], is_open: Callable[[Flow], bool]
    ) -> Flow | None:
        """The flow on which the device behind ``uri`` registered after it left ``flow``; None when there is none.

        It is the same device when its instance is (RFC 5626 section 4.1), or, without one, its Contact.
        """
        for aor, before in self._left.get(_place(flow), {}).items():
            for binding in now_at(aor):
                there = binding.flow
                if there is None or there == flow or not is_open(there):
                    continue
                same = binding.instance == before.instance if before.instance else binding.uri.equivalent(before.uri)
                if same or binding.uri.equivalent(uri):
                    return there
        return None


def _made_on(bindings: Iterable[Binding]) -> list[tuple[_Place, Binding]]:
    return [(_place(each.received), each) for each in bindings if each.received is not None]


def _place(flow: Flow) -> _Place:
    return flow if flow.reliable else (flow.local, flow.remote)
