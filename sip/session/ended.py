"""Sessions that are over, remembered for a while.

Who names the dialog of one in Replaces or Join is told that it is over (RFC 3891 section 3), and a core that commands
one before it was told of the end has done nothing wrong.
"""

from __future__ import annotations

from collections import OrderedDict

from sip.context import Context
from sip.core.dialog import DialogKey


class EndedSessions:
    """What ended not long ago. It has no timer of its own: the old goes when more comes, or when others fire."""

    def __init__(self, context: Context) -> None:
        self._limit = context.config.max_ended_sessions
        # As long as a request may be on its way or be sent again.
        self._keep = 64 * context.config.t1
        self._dialogs: OrderedDict[DialogKey, float] = OrderedDict()
        self._sessions: OrderedDict[int, tuple[float, str]] = OrderedDict()

    def add_dialog(self, key: DialogKey, now: float) -> None:
        """Note the end of a dialog."""
        self._dialogs[key] = now
        if len(self._dialogs) > self._limit:
            self._dialogs.popitem(last=False)
        self.forget_old(now)

    def had_dialog(self, key: DialogKey) -> bool:
        """Whether a dialog with that ID ended."""
        return key in self._dialogs

    def add(self, session_id: int, owner: str, now: float) -> None:
        """Note the end of a session."""
        self._sessions[session_id] = (now, owner)
        if len(self._sessions) > self._limit:
            self._sessions.popitem(last=False)

    def forget_old(self, now: float) -> None:
        """Drop what nobody can mean any more."""
        dialogs, sessions, old = self._dialogs, self._sessions, now - self._keep
        while dialogs and next(iter(dialogs.values())) <= old:
            dialogs.popitem(last=False)
        while sessions and next(iter(sessions.values()))[0] <= old:
            sessions.popitem(last=False)

    def owner_of(self, session_id: int) -> str | None:
        """Return the core of a session that ended, None for anything else."""
        known = self._sessions.get(session_id)
        return None if known is None else known[1]
