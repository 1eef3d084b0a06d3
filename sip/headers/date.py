"""Date and Timestamp (RFC 3261 sections 20.17 and 20.38)."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from math import inf
from typing import Final, Self

import attrs

from sip.errors import LocalProtocolError, MalformedHeader
from sip.syntax.grammar import Report, tolerate

_DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
#: Zones that RFC 2822 section 4.3 gives a meaning, in hours. Only GMT is allowed in SIP.
_ZONES: Final = {"GMT": 0, "UT": 0, "UTC": 0, "EST": -5, "EDT": -4, "CST": -6, "CDT": -5, "MST": -7, "MDT": -6} | {
    "PST": -8,
    "PDT": -7,
}
# RFC 3261 section 25.1; zones other than GMT are tolerated:
#   SIP-date      =  rfc1123-date
#   rfc1123-date  =  wkday "," SP date1 SP time SP "GMT"
#   date1         =  2DIGIT SP month SP 4DIGIT
#   time          =  2DIGIT ":" 2DIGIT ":" 2DIGIT
#   Timestamp     =  "Timestamp" HCOLON 1*(DIGIT) [ "." *(DIGIT) ] [ LWS delay ]
#   delay         =  *(DIGIT) [ "." *(DIGIT) ]
_DATE = re.compile(
    rf"({'|'.join(_DAYS)}), ([0-9]{{2}}) ({'|'.join(_MONTHS)}) ([0-9]{{4}}) "
    r"([0-9]{2}):([0-9]{2}):([0-9]{2}) ([A-Z]{2,4})"
)
_TIMESTAMP = re.compile(r"([0-9]{1,20}+(?:\.[0-9]{0,20}+)?+)(?:[ \t]++([0-9]{0,20}+(?:\.[0-9]{0,20}+)?+))?+")


@attrs.frozen
class Date:
    """When the message was first sent."""

    when: datetime = attrs.field()

    @when.validator
    def _has_zone(self, _: object, value: datetime) -> None:
        if value.tzinfo is None:
            raise LocalProtocolError("a date without a time zone")

    @classmethod
    def parse(cls, text: str, report: Report = tolerate) -> Self:
        """Read one; raises MalformedHeader. ``report`` is told what is tolerated; `sip.refuse` tolerates nothing."""
        match = _DATE.fullmatch(text)
        if match is None or match[8] not in _ZONES:
            raise MalformedHeader("Date", text)
        if match[8] != "GMT":
            report("a date that is not in GMT")  # RFC 4475 section 3.1.2.12
        year, month, day = int(match[4]), _MONTHS.index(match[3]) + 1, int(match[2])
        zone = timezone(timedelta(hours=_ZONES[match[8]]))
        try:
            when = datetime(year, month, day, int(match[5]), int(match[6]), int(match[7]), tzinfo=zone)
            moment = when.astimezone(UTC)
        except (ValueError, OverflowError):
            raise MalformedHeader("Date", text) from None
        if _DAYS[when.weekday()] != match[1]:
            report("a day of the week that is not that of the date")
        return cls(moment)

    def __str__(self) -> str:
        moment = self.when.astimezone(UTC)
        day, month = _DAYS[moment.weekday()], _MONTHS[moment.month - 1]
        return f"{day}, {moment.day:02} {month} {moment.year:04} {moment:%H:%M:%S} GMT"


@attrs.frozen
class Timestamp:
    """A clock of the sender, to be echoed so that it can measure the round trip."""

    text: str = attrs.field()  #: seconds, as written: it is the sender's business
    delay: float | None = attrs.field(default=None)  #: seconds between request and response

    @text.validator
    def _is_number(self, _: object, value: str) -> None:
        match = _TIMESTAMP.fullmatch(value)
        if match is None or match[2] is not None:
            raise LocalProtocolError(f"not a timestamp: {value!r}")

    @delay.validator
    def _is_delay(self, _: object, value: float | None) -> None:
        if value is not None and not 0 <= value < inf:
            raise LocalProtocolError(f"not a delay: {value!r}")

    @classmethod
    def parse(cls, text: str, report: Report = tolerate) -> Self:
        """Read one; raises MalformedHeader. ``report`` is told what is tolerated; `sip.refuse` tolerates nothing."""
        match = _TIMESTAMP.fullmatch(text)
        if match is None:
            raise MalformedHeader("Timestamp", text)
        return cls(match[1], float(match[2]) if match[2] and match[2] != "." else None)

    def __str__(self) -> str:
        return self.text if self.delay is None else f"{self.text} {_decimal(self.delay)}"


def _decimal(number: float) -> str:
    """A number without an exponent."""
    return f"{number:.9f}".rstrip("0").rstrip(".")
