"""One message on its way to everybody, and the report to its sender when all have it or not (MS-CONFIM 4.2.2)."""

from __future__ import annotations

from typing import Final

import attrs

from c3p import DeliveryReport, ReportEntry, ReportRecipient
from mcu.chat.formats import Content
from mcu.events import LegId

#: ErrorIds of messages are 6000 to 6999 (MS-OCER); 6001 is the one that is known: nobody answered.
_TIMED_OUT: Final = 6001
_NOT_TAKEN: Final = 6000
_TIMEOUT: Final = 408


@attrs.frozen(kw_only=True)
class Message:
    """What somebody said."""

    id: str  #: ``Message-Id``: the sender's client knows it by that
    sender: LegId
    sender_key: str  #: of the user; see `mcu.identity.user_id`
    named: str = attrs.field(repr=False)  #: value of ``Ms-Sender``: who it is, as the Focus authenticated it
    content: Content
    at: float  #: when it came; monotonic seconds


@attrs.define(eq=False)
class Delivery:
    """Who still has to get a message, and who will not."""

    message: Message
    open: int  #: recipients of whom nothing is known yet
    failed: list[tuple[str, int]] = attrs.Factory(list)  #: user and SIP status

    def settle(self, user: str, status: int) -> bool:
        """One recipient answered, or will not; true when it was the last one."""
        self.open -= 1
        if status >= 300:
            self.failed.append((user, status))
        return self.open == 0

    def report(self, source: str) -> DeliveryReport:
        """What the sender is told; ``source`` is who we are."""
        recipients = tuple(
            ReportRecipient(uri=f"<{user}>", status=status, entries=(_entry(status, source),))
            for user, status in self.failed
        )
        return DeliveryReport(message_id=self.message.id, recipients=recipients)


def _entry(status: int, source: str) -> ReportEntry:
    error_id, reason = (_TIMED_OUT, "Request Timeout") if status == _TIMEOUT else (_NOT_TAKEN, "Not delivered")
    return ReportEntry(key="ms-diagnostics", value=f'{error_id};source="{source}";reason="{reason}"')
