"""A transfer that was asked for here: a REFER, and what the other side says became of it (RFC 3515)."""

from __future__ import annotations

import re
from typing import Final

import attrs

from sip.endpoint.endpoint import Endpoint
from sip.errors import LocalProtocolError
from sip.events import Event, NotifyReceived, SubscriptionEnded, SubscriptionFailed
from sip.headers.name_addr import NameAddr
from sip.headers.replaces import Replaces
from sip.ids import SessionId, SubscriptionId
from sip.message.lines import local_uri
from sip.syntax.escaping import escape
from sip.syntax.uri import Uri
from sip.syntax.uri_parts import HEADER

#: The first line of a ``message/sipfrag`` (RFC 3420), which tells how far the call is.
_STATUS_LINE: Final = re.compile(rb"SIP/2\.0 ([1-6][0-9]{2})(?: ([^\r\n]*))?")


@attrs.frozen
class TransferOutcome:
    """How a transfer ended."""

    status: int  #: of the call that the other side made, or of its refusal; 0: nobody says
    reason: str


class Transfer:
    """One that is open."""

    def __init__(self, subscription: SubscriptionId) -> None:
        self.subscription = subscription
        self._last = TransferOutcome(0, "nothing was told of it")

    @classmethod
    def begin(
        cls,
        endpoint: Endpoint,
        owner: str,
        session: SessionId,
        target: Uri | str | SessionId,
        *,
        sender: NameAddr,
        now: float,
    ) -> Transfer:
        """Send the REFER; ``target`` is whom to call, or a session whose other side is to be taken over.

        Raises LocalProtocolError for a session without the other side's address.
        """
        seen = endpoint.session(session)
        if seen.remote_target is None:
            raise LocalProtocolError("the other side has given no address")
        if isinstance(target, int):
            where = _taking_over(endpoint, target)
        else:
            where = f"<{local_uri(target)}>"
        subscription = endpoint.refer(
            owner,
            seen.remote_target,
            refer_to=where,
            from_=sender,
            to=seen.remote_uri,
            headers=[("Referred-By", str(sender))],
            session=session,
            now=now,
        )
        return cls(subscription)

    def handle(self, event: Event) -> TransferOutcome | None:
        """Take an event of the subscription; the outcome once it is known."""
        match event:
            case NotifyReceived():
                match = _STATUS_LINE.match(event.body)
                if match is not None:
                    self._last = TransferOutcome(int(match[1]), (match[2] or b"").decode("utf-8", "replace"))
                final = self._last.status >= 200
                return self._last if final or event.state == "terminated" else None
            case SubscriptionFailed():
                reason = event.response.reason if event.response is not None else "no answer"
                return TransferOutcome(event.status or 0, reason)
            case SubscriptionEnded():
                return TransferOutcome(self._last.status if self._last.status >= 200 else 0, event.reason)
            case _:
                return None


def _taking_over(endpoint: Endpoint, session: SessionId) -> str:
    """A Refer-To that has the other side take the place of us in another session (RFC 3891 section 4)."""
    other = endpoint.session(session)
    if other.remote_target is None:
        raise LocalProtocolError("the other side of the other call has given no address")
    # As the one who gets the INVITE sees the dialog: its own tag is "to".
    replaces = Replaces(other.call_id, to_tag=other.remote_tag, from_tag=other.local_tag)
    return f"<{other.remote_target.without_headers()}?Replaces={escape(str(replaces), HEADER)}>"
