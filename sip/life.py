"""The one way in which the state of anything changes: by a table of what leads from where to where."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Generic, TypeVar

from sip.errors import LocalProtocolError

S = TypeVar("S", bound=enum.Enum)
I = TypeVar("I", bound=enum.Enum)  # noqa: E741  (inputs, beside S for states)


class Life(Generic[S, I]):
    """Where one machine is in its table. Nothing else changes ``state``.

    What the table has no row for is a mistake of our caller, which raises (``command``), or comes from a peer, a timer
    or a crossing on the wire, which changes nothing (``follow``) and is counted in ``ignored``.
    """

    __slots__ = ("_of", "_table", "ignored", "state")

    def __init__(self, table: Mapping[tuple[S, I], S], state: S, *, of: str = "") -> None:
        """``of`` says in errors what it is the life of: ``a session``."""
        self._table = table
        self.state = state  #: where it is; plain, because it is read far more often than it changes
        self._of = of
        self.ignored = 0  #: how often something happened that the table has no use for

    def allows(self, given: I) -> bool:
        """Whether the table has a row for it now."""
        return (self.state, given) in self._table

    def check(self, given: I) -> None:
        """Raise LocalProtocolError where ``command`` would; changes nothing."""
        if (self.state, given) not in self._table:
            where = f"{self._of} that is {self.state.value}" if self._of else f"in state {self.state.value}"
            raise LocalProtocolError(f"cannot {given.value} {where}")

    def command(self, given: I) -> None:
        """Do what our caller wants; raises LocalProtocolError, with nothing changed, where the table does not."""
        following = self._table.get((self.state, given))
        if following is None:
            self.check(given)
        else:
            self.state = following

    def follow(self, given: I) -> bool:
        """Do what happened to us; False, and nothing changed, where the table has no use for it."""
        following = self._table.get((self.state, given))
        if following is None:
            self.ignored += 1
            return False
        self.state = following
        return True
