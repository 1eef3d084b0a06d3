"""Which session a new INVITE with Join wants to be mixed into (RFC 3911 section 4)."""

from __future__ import annotations

import attrs

from sip.core.dialogs import Dialogs
from sip.errors import RemoteProtocolError
from sip.headers.replaces import Join
from sip.ids import SessionId
from sip.message.request import Request
from sip.session.ended import EndedSessions
from sip.session.replacing import session_named
from sip.session.tables import SessionState

_EARLY = frozenset((SessionState.PROCEEDING, SessionState.INCOMING))


@attrs.frozen(kw_only=True)
class Joining:
    """The session to join, or the status to refuse the INVITE with; neither when there is nothing to join."""

    session: SessionId | None = None
    early: bool = False  #: the session is not answered yet, which does not keep others from joining it
    status: int | None = None


def joining(request: Request, dialogs: Dialogs, ended: EndedSessions, *, conference: bool) -> Joining:
    """Match the Join header of an INVITE against our dialogs."""
    values = request.headers.get_all("Join")
    if not values:
        return Joining()
    if len(values) > 1 or "Replaces" in request.headers or request.method != "INVITE":
        return Joining(status=400)
    try:
        wanted = Join.parse(values[0])
    except RemoteProtocolError:
        return Joining(status=400)
    session = session_named(wanted.call_id, wanted.to_tag, wanted.from_tag, dialogs, ended)
    if isinstance(session, int):
        return Joining() if conference and session == 481 else Joining(status=session)
    return Joining(session=session.id, early=session.state in _EARLY)
