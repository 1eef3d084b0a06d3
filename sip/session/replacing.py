"""Which session a new INVITE with Replaces is to take over (RFC 3891 section 3)."""

import attrs

from sip.dialog import Dialogs
from sip.errors import RemoteProtocolError
from sip.ids import SessionId
from sip.replaces import Replaces
from sip.request import Request
from sip.session.tables import SessionState


@attrs.frozen(kw_only=True)
class Replacement:
    """The session to replace, or the status to refuse the INVITE with; neither without a Replaces header."""

    session: SessionId | None = None
    early: bool = False  #: the session is an INVITE of ours that rings: cancel it; otherwise end it with BYE
    status: int | None = None


def replacement(request: Request, dialogs: Dialogs) -> Replacement:
    """Match the Replaces header of an INVITE against our dialogs."""
    values = request.headers.get_all("Replaces")
    if not values:
        return Replacement()
    if len(values) > 1 or "Join" in request.headers:
        return Replacement(status=400)
    try:
        wanted = Replaces.parse(values[0])
    except RemoteProtocolError:
        return Replacement(status=400)
    # Section 3: a tag of 0 matches a dialog of an RFC 2543 peer, which has none.
    remote_tag = "" if wanted.from_tag == "0" else wanted.from_tag
    dialog = dialogs.find_key(wanted.call_id, wanted.to_tag, remote_tag)
    if dialog is None and wanted.from_tag == "0":
        dialog = dialogs.find_key(wanted.call_id, wanted.to_tag, "0")
    session = None if dialog is None else dialog.session
    if session is None:
        return Replacement(status=481)
    if session.state is SessionState.PROCEEDING:
        return Replacement(session=session.id, early=True)
    if session.state in (SessionState.CONFIRMED, SessionState.ANSWERED, SessionState.ACCEPTED):
        return Replacement(status=486) if wanted.early_only else Replacement(session=session.id)
    if session.state is SessionState.ENDING:
        return Replacement(status=603)
    # An early dialog may be replaced only at the side that began it.
    return Replacement(status=481)
