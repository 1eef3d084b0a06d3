"""A message as it passed the place where somebody watches, and what that tells of its arrival."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from typing import Final

import attrs

from sip.message.request import Request
from sip.message.response import Response

#: Copies of a message after which one of them counts as arrived, where nobody knows.
SURE: Final = 3


@attrs.frozen(kw_only=True)
class Passage:
    """One message on its way from one element to another: each copy that was sent is one."""

    at: float  #: seconds, of any clock
    sender: Hashable  #: whatever names the element
    receiver: Hashable
    message: Request | Response
    transport: str = "UDP"
    arrived: bool | None = None  #: None where nobody knows, as in a capture
    arrived_at: float | None = None  #: when it did, by the same clock; None where nobody knows

    @property
    def reliable(self) -> bool:
        """Whether the transport repeats what gets lost."""
        return self.transport.upper() != "UDP"

    @property
    def request(self) -> Request | None:
        """The message, if it is a request."""
        return self.message if isinstance(self.message, Request) else None

    @property
    def response(self) -> Response | None:
        """The message, if it is a response."""
        return self.message if isinstance(self.message, Response) else None


def surely_arrived(copies: Iterable[Passage]) -> Passage | None:
    """The copy by which the message has arrived without doubt; None while there is one."""
    doubtful = 0
    for copy in copies:
        if copy.arrived or (copy.arrived is None and copy.reliable):
            return copy
        doubtful += copy.arrived is None
        if doubtful >= SURE:
            return copy
    return None


def distinct(passages: Sequence[Passage]) -> list[list[Passage]]:
    """Copies of one message together, in the order of the first of each."""
    found: dict[bytes, list[Passage]] = {}
    for passage in passages:
        found.setdefault(bytes(passage.message), []).append(passage)
    return list(found.values())
