"""A frozen picture of a session."""

from __future__ import annotations

import attrs

from sip.flow import Flow
from sip.headers.name_addr import NameAddr
from sip.session.tables import SessionState
from sip.syntax.uri import Uri


@attrs.frozen(kw_only=True)
class SessionView:
    """What is known of a session at one moment."""

    state: SessionState
    call_id: str
    local_tag: str
    remote_tag: str  #: empty before the other side named one
    local_uri: NameAddr  #: ours as it stands in From or To, with tag
    remote_uri: NameAddr
    remote_target: Uri | None  #: Contact of the other side
    route_set: tuple[NameAddr, ...]
    flow: Flow | None  #: the connection that the dialog uses, None over UDP or when it is closed
    remote_supported: tuple[str, ...]  #: option tags of the last message that listed any
    remote_allow: tuple[str, ...]
    session_interval: int | None  #: seconds of the session timer, None without one
