"""Dial-in numbers of several nodes: the store that they share knows where a number leads, and answers later.

A number is drawn here and reserved there, for as long as a record takes to be written; the record keeps it. Whichever
node a phone reaches asks where the number leads, and sends the call on to the node that has the conference
(`pyc3p.placement.forwarding`).
"""

from __future__ import annotations

from collections.abc import Callable

import attrs

from focus import ConferenceRecord, RecordNumbers
from sip import ConferenceAddress, Entropy, Pending


@attrs.frozen
class NumberWanted:
    """Where a number leads is asked: answer with ``number_found`` of whoever waits for ``id``."""

    id: str
    number: str


@attrs.frozen
class DrawWanted:
    """A conference (key) is to get a number: reserve one of those that ``draw`` gives, and answer ``number_drawn``."""

    id: str
    key: str
    draw: Callable[[], str | None]


class _Nobody:
    """Here no number is known to be taken."""

    def of_number(self, number: str) -> None:
        return None


class SharedNumbers:
    """`focus.DialInNumbers` whose answers come from the store. After each step read ``take_wanted``."""

    def __init__(self, entropy: Entropy, *, digits: int = 9, prefix: str = "") -> None:
        self._form = RecordNumbers(_Nobody(), entropy, digits=digits, prefix=prefix)
        self._wanted: list[NumberWanted | DrawWanted] = []
        self._last = 0

    def is_number(self, user: str) -> bool:
        """Whether it has the form of a number of these."""
        return self._form.is_number(user)

    def conference_of(self, number: str) -> Pending:
        """Where it leads: that is asked."""
        return self._ask(lambda id: NumberWanted(id, number))

    def number_for(self, record: ConferenceRecord) -> Pending:
        """One for a new conference: that is reserved."""
        key = ConferenceAddress.read(record.focus_uri).key
        return self._ask(lambda id: DrawWanted(id, key, lambda: self._form.number_for(record)))

    def take_wanted(self) -> list[NumberWanted | DrawWanted]:
        """What was asked since the last call."""
        wanted, self._wanted = self._wanted, []
        return wanted

    def _ask(self, made: Callable[[str], NumberWanted | DrawWanted]) -> Pending:
        self._last += 1
        pending = Pending(f"number {self._last}")
        self._wanted.append(made(pending.id))
        return pending
