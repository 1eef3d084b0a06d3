"""One Focus dialog: a device of a user that joined by INVITE."""

from __future__ import annotations

import attrs

from focus.answers import Remembered
from sip import AddressOfRecord, Flow, SessionId


@attrs.define(eq=False)
class Participant:
    """A user may have several, one for each device."""

    session: SessionId  #: `absent_session` of one whose dialog did not outlast a restart
    user: AddressOfRecord  #: as the user spells it
    endpoint: str  #: GUID of the Focus endpoint in the roster
    number: int  #: what it is called where state is written
    flow: Flow | None  #: the one that it was heard on last; None after a restart, until it is heard
    host: str  #: the address that it joined from
    remembered: Remembered
    open_commands: int = 0
    lost_until: float | None = None  #: the connection is gone; when the dialog is given up, monotonic seconds

    @property
    def absent(self) -> bool:
        """Whether there is no dialog: its user may join again in its place for a while."""
        return self.session < 0


def absent_session(number: int) -> SessionId:
    """What stands for the dialog of a participant who has none. Those of an endpoint count from 1."""
    return SessionId(-number)
