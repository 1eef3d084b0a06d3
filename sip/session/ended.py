"""Sessions that are over, remembered for a while.

Who names the dialog of one in Replaces or Join is told that it is over (RFC 3891 section 3), and a core that commands
one before it was told of the end has done nothing wrong.
"""

from collections import OrderedDict

from sip.context import Context
from sip.dialog import DialogKey


class EndedSessions:
    """What ended not long ago. There is no timer: the old goes when more comes."""

    def __init__(self, context: Context) -> None:
        self._limit = context.config.max_ended_sessions
        # As long as a request may be on its way or be sent again.
        self._keep = 64 * context.config.t1
        self._dialogs: OrderedDict[DialogKey, float] = OrderedDict()
        self._sessions: OrderedDict[int, tuple[float, str]] = OrderedDict()

    def add_dialog(self, key: DialogKey, now: float) -> None:
        """Note the end of a dialog."""
        dialogs = self._dialogs
        dialogs[key] = now
        while len(dialogs) > self._limit or next(iter(dialogs.values())) < now - self._keep:
            dialogs.popitem(last=False)

    def had_dialog(self, key: DialogKey) -> bool:
        """Whether a dialog with that ID ended."""
        return key in self._dialogs

    def add(self, session_id: int, owner: str, now: float) -> None:
        """Note the end of a session."""
        sessions = self._sessions
        sessions[session_id] = (now, owner)
        while len(sessions) > self._limit or next(iter(sessions.values()))[0] < now - self._keep:
            sessions.popitem(last=False)

    def owner_of(self, session_id: int) -> str | None:
        """Return the core of a session that ended, None for anything else."""
        known = self._sessions.get(session_id)
        return None if known is None else known[1]
