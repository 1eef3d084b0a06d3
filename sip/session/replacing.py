"""Which session a new INVITE with Replaces is to take over (RFC 3891 section 3)."""

from __future__ import annotations

import attrs

from sip.core.dialogs import Dialogs
from sip.errors import RemoteProtocolError
from sip.headers.replaces import Replaces
from sip.ids import SessionId
from sip.message.request import Request
from sip.session.ended import EndedSessions
from sip.session.session import Session, session_of
from sip.session.tables import SessionState

#: A session on its way to its end; whoever wants it comes too late.
ENDING = frozenset((SessionState.ENDING, SessionState.CANCELLING))


@attrs.frozen(kw_only=True)
class Replacement:
    """The session to replace, or the status to refuse the INVITE with; neither without a Replaces header."""

    session: SessionId | None = None
    early: bool = False  #: the session is an INVITE of ours that rings: cancel it; otherwise end it with BYE
    status: int | None = None


def replacement(request: Request, dialogs: Dialogs, ended: EndedSessions) -> Replacement:
    """Match the Replaces header of an INVITE against our dialogs."""
    values = request.headers.get_all("Replaces")
    if not values:
        return Replacement()
    if len(values) > 1 or "Join" in request.headers or request.method != "INVITE":
        return Replacement(status=400)
    try:
        wanted = Replaces.parse(values[0])
    except RemoteProtocolError:
        return Replacement(status=400)
    session = session_named(wanted.call_id, wanted.to_tag, wanted.from_tag, dialogs, ended)
    if isinstance(session, int):
        return Replacement(status=session)
    if session.state is SessionState.PROCEEDING:
        return Replacement(session=session.id, early=True)
    if session.state in (SessionState.CONFIRMED, SessionState.ANSWERED, SessionState.ACCEPTED):
        return Replacement(status=486) if wanted.early_only else Replacement(session=session.id)
    # An early dialog may be replaced only at the side that began it.
    return Replacement(status=481)


def session_named(call_id: str, to_tag: str, from_tag: str, dialogs: Dialogs, ended: EndedSessions) -> Session | int:
    """Return the session of the dialog that a header names, else the status that says that there is none."""
    # A tag of 0 matches a dialog of an RFC 2543 peer, which has none.
    for remote_tag in ("", "0") if from_tag == "0" else (from_tag,):
        dialog = dialogs.find_key(call_id, to_tag, remote_tag)
        session = None if dialog is None else session_of(dialog)
        if session is not None:
            return 603 if session.state in ENDING else session
        if ended.had_dialog((call_id, to_tag, remote_tag)):
            return 603
    return 481
