"""Requests and answers counted by method and status, in words of which there are not many, whatever peers send."""

from __future__ import annotations

from collections import Counter
from typing import Final

from sip.message.reason_phrases import REASONS

#: Methods of the standards (the IANA registry of SIP methods) and of deployed clients; any other counts as ``other``.
METHODS: Final = frozenset(
    (
        *("ACK", "BYE", "CANCEL", "INFO", "INVITE", "MESSAGE", "NOTIFY", "OPTIONS", "PRACK", "PUBLISH", "REFER"),
        *("REGISTER", "SUBSCRIBE", "UPDATE"),
        *("BENOTIFY", "NEGOTIATE", "SERVICE"),
    )
)
_STATUSES: Final = {status: str(status) for status in REASONS}


class Traffic:
    """Counted once each: repetitions are not, nor is ACK, which no transaction carries."""

    __slots__ = ("requests", "responses")

    def __init__(self) -> None:
        self.requests: Counter[tuple[str, str]] = Counter()  #: by direction (``in``, ``out``) and method
        self.responses: Counter[tuple[str, str, str]] = Counter()  #: by direction, method and status

    def request(self, direction: str, method: str) -> None:
        """Count a request."""
        self.requests[direction, method if method in METHODS else "other"] += 1

    def response(self, direction: str, method: str, status: int) -> None:
        """Count an answer. A status that no standard names counts as its class, such as ``4xx``."""
        known = _STATUSES.get(status) or f"{status // 100}xx"
        self.responses[direction, method if method in METHODS else "other", known] += 1
