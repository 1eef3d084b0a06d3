"""xs:dateTime in UTC, as conference-info documents write times, to and from seconds since 1970."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Final

from c3p.errors import C3PError

#: Lexical form of xs:dateTime for the years of the calendar (XML Schema part 2, section 3.2.7.1). ISO 8601 has others,
#: such as a date alone, which would be believed to be midnight.
_DATE_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)?", re.ASCII)


def format_timestamp(seconds: float) -> str:
    """``2026-01-31T08:00:00Z``; whole seconds. Raises C3PError for a time outside the years 1 to 9999."""
    try:
        return datetime.fromtimestamp(int(seconds), UTC).strftime("%Y-%m-%dT%H:%M:%SZ").rjust(20, "0")
    except (ValueError, OverflowError, OSError) as error:
        raise C3PError(f"not a time of the calendar: {seconds!r}") from error


def parse_timestamp(text: str) -> float:
    """Seconds since 1970. A time without zone is taken for UTC. Raises C3PError when it is no xs:dateTime."""
    try:
        if _DATE_TIME.fullmatch(text.strip()) is None:
            raise ValueError(text)
        moment = datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise C3PError(f"not a date and time: {text[:100]!r}") from error
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
