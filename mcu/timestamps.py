"""Times of day in documents."""

from __future__ import annotations

from datetime import UTC, datetime

__all__ = ["timestamp"]


def timestamp(posix: float) -> str:
    """xs:dateTime in UTC, to the second, of a POSIX time in seconds."""
    return datetime.fromtimestamp(posix, tz=UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
