"""What a notification says."""

from __future__ import annotations

from typing import Final

import attrs

from sip.message.lines import Lines
from sip.message.request import Request
from sip.message.response import Response


@attrs.frozen
class Notification:
    """What one NOTIFY or BENOTIFY is to say; the rest of its lifetime is filled in when it goes out."""

    state: str
    reason: str | None
    retry_after: int | None
    headers: Lines
    body: bytes
    content_type: str | None
    last: bool = attrs.field(init=False)  #: whether nothing follows

    @last.default
    def _is_last(self) -> bool:
        return self.state == "terminated"


#: Says nothing, but wants an answer: for a subscriber whose address may be an invention.
PROBE: Final = Notification("pending", None, None, [], b"", None)


def reason_of(message: Request | Response) -> str:
    """Return why there are no more notifications; where the last one gives no reason, the time is up."""
    state = message.subscription_state
    return "timeout" if state is None or state.reason is None else state.reason
