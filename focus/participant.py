"""One Focus dialog: a device of a user that joined by INVITE."""

from __future__ import annotations

import attrs

from focus.answers import Remembered
from sip import AddressOfRecord, Flow, SessionId


@attrs.define(eq=False)
class Participant:
    """A user may have several, one for each device."""

    session: SessionId
    user: AddressOfRecord  #: as the user spells it
    endpoint: str  #: GUID of the Focus endpoint in the roster
    flow: Flow
    remembered: Remembered
    open_commands: int = 0
    lost_until: float | None = None  #: the connection is gone; when the dialog is given up, monotonic seconds
