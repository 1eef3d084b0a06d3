"""SIP responses (RFC 3261 section 7.2)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Self

from sip.errors import LocalProtocolError
from sip.message.editing import Changes, framed
from sip.message.headers import Field, checked_fields, checked_text
from sip.message.message import Message
from sip.message.reason_phrases import reason_for


class Response(Message):
    """A response: a status and the headers of the request that it answers."""

    __slots__ = ("reason", "status")

    status: int
    reason: str  #: free text for people

    @classmethod
    def build(
        cls, status: int, reason: str | None = None, headers: Iterable[tuple[str, object]] = (), body: bytes = b""
    ) -> Self:
        """Make one from its parts; raises LocalProtocolError for what does not fit into a message."""
        fields = checked_fields(headers)
        return cls._of(checked_status(status), checked_reason(status, reason), framed(fields, body), body)

    @classmethod
    def _of(cls, status: int, reason: str, fields: list[Field], body: bytes) -> Self:
        made = cls.__new__(cls)
        made.status, made.reason = status, reason
        made._fill(fields, body, True)
        return made

    def evolve(
        self,
        *,
        status: int | None = None,
        reason: str | None = None,
        body: bytes | None = None,
        set: Mapping[str, object] = {},
        add: Iterable[tuple[str, object]] = (),
        prepend: Iterable[tuple[str, object]] = (),
        remove: Iterable[str] = (),
    ) -> Self:
        """A changed copy. Lines are removed, then set, prepended and added; untouched ones stay as they came.

        A value is text or anything whose ``str`` is the value; a list of values makes several lines; None in ``set``
        removes. Raises LocalProtocolError for what does not fit on one line.
        """
        changes = Changes(body, set, add, prepend, remove)
        fields, new_body = self._edited(changes)
        new_status = self.status if status is None else checked_status(status)
        if reason is not None:
            new_reason = checked_reason(new_status, reason)
        else:
            new_reason = self.reason if status is None else reason_for(new_status)
        made = self._of(new_status, new_reason, fields, new_body)
        made._keep_values(self, changes.touched)
        return made

    def _start_line(self) -> str:
        return f"SIP/2.0 {self.status} {self.reason}"


def checked_status(status: int) -> int:
    """A status that can be sent. Raises LocalProtocolError for another number."""
    if not 100 <= status <= 699:
        raise LocalProtocolError(f"not a status: {status}")
    return status


def checked_reason(status: int, reason: str | None) -> str:
    """A reason phrase that fits on the status line; the default one when none is given."""
    return reason_for(status) if reason is None else checked_text("the reason phrase", reason)
