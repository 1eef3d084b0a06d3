"""Dial-in numbers: what a plain phone calls to get into a conference, ``sip:NUMBER@domain``.

Which number leads to which conference is the application's to say. `RecordNumbers` draws one for each conference as it
is made, and keeps it in its record.
"""

from __future__ import annotations

from typing import Final, Protocol

import attrs

from focus.records import ConferenceRecord
from sip import ABOVE_ZERO, Entropy, Pending, checks_types

#: Draws until it is taken that no number is free.
_DRAWS: Final = 20


class DialInNumbers(Protocol):
    """Which numbers there are. Asked in the step in which a request came; `sip.Pending` is for what takes longer."""

    def is_number(self, user: str) -> bool:
        """Whether a user part may be a number of a conference. What turns out to be none is left to other cores."""
        ...

    def conference_of(self, number: str) -> str | Pending | None:
        """The Conference-URI that a number leads to; None: to none. Answer later with ``WaysIn.number_found``."""
        ...

    def number_for(self, record: ConferenceRecord) -> str | Pending | None:
        """The number of a new conference; None: it has none. Answer later with ``FocusFactory.number_drawn``."""
        ...


class NumberedRecords(Protocol):
    """A store that finds records by their number, such as `MemoryStore`."""

    def of_number(self, number: str) -> ConferenceRecord | None:
        """The record with this `ConferenceRecord.dial_in`."""
        ...


@attrs.frozen(field_transformer=checks_types)
class RecordNumbers:
    """Numbers of ``digits`` drawn digits behind ``prefix``, as the records of ``store`` have them.

    With nine, somebody who tries numbers meets one of a thousand conferences once in a million calls. The first drawn
    digit is none that exchanges take for a way out (0, or a 1 in front of an area).
    """

    store: NumberedRecords
    entropy: Entropy
    digits: int = attrs.field(default=9, metadata=ABOVE_ZERO)
    prefix: str = ""

    def is_number(self, user: str) -> bool:
        """Whether it has the form of a number of these."""
        drawn = user.removeprefix(self.prefix)
        return (
            user.startswith(self.prefix)
            and len(drawn) == self.digits
            and drawn.isascii()
            and drawn.isdigit()
            and drawn[0] not in "01"
        )

    def conference_of(self, number: str) -> str | None:
        """The conference with that number."""
        record = self.store.of_number(number)
        return None if record is None else record.focus_uri

    def number_for(self, record: ConferenceRecord) -> str | None:
        """One that no other conference has; None when none was found."""
        for _ in range(_DRAWS):
            first = "23456789"[self.entropy.integer(3)]
            rest = "".join(str(self.entropy.integer(32) % 10) for _ in range(self.digits - 1))
            number = f"{self.prefix}{first}{rest}"
            if self.store.of_number(number) is None:
                return number
        return None
