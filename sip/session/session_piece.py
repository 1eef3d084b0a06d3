"""What is written of a session that is answered, and how one goes on with it after a restart."""

from __future__ import annotations

from typing import Final

import attrs
from attrs.validators import optional

from sip.core.dialog import Dialog
from sip.core.dialog_piece import is_flag, is_number, is_text, is_text_or_none, is_time, texts
from sip.core.routing import CoreEntry
from sip.session.requests_sent import Bye
from sip.session.session import Session
from sip.session.session_timer import Interval
from sip.session.sessions import Sessions
from sip.session.tables import SessionInput, SessionState

#: Both sides know of it. A session that waits for the ACK to our 2xx is one of these: the caller has the 2xx, or will
#: ask for it again. One whose BYE is out is another: the BYE may be lost.
LASTING: Final = frozenset((SessionState.ACCEPTED, SessionState.CONFIRMED, SessionState.ENDING))


@attrs.frozen(kw_only=True)
class SavedSession:
    """The fields of a session; times are POSIX times. Wrong ones raise TypeError or ValueError."""

    owner: str = attrs.field(validator=is_text)
    contact: str | None = attrs.field(validator=is_text_or_none)
    called: bool = attrs.field(validator=is_flag)
    source: str | None = attrs.field(validator=is_text_or_none)
    #: our description of the session, for refreshes by re-INVITE, octet by octet
    body: str = attrs.field(validator=is_text, repr=False)
    content_type: str | None = attrs.field(validator=is_text_or_none)
    supported: tuple[str, ...] = texts()
    allow: tuple[str, ...] = texts()
    min_se: int = attrs.field(validator=is_number)
    ending: bool = attrs.field(validator=is_flag)
    interval: int | None = attrs.field(validator=optional(is_number))  #: seconds of the session timer
    refreshing: bool = attrs.field(validator=is_flag)  #: whether we refresh
    ends_at: float = attrs.field(validator=is_time)

    @classmethod
    def of(cls, session: Session, wall_clock: float) -> SavedSession:
        """Those of a session as it is."""
        body, content_type = session.last_body
        timer, interval = session.timer, session.interval
        return cls(
            owner=session.owner,
            contact=session.contact,
            called=session.called,
            source=session.source,
            body=body.decode("latin-1"),
            content_type=content_type,
            supported=session.remote_supported,
            allow=session.remote_allow,
            min_se=session.min_se,
            ending=session.state is SessionState.ENDING,
            interval=None if interval is None else interval.seconds,
            refreshing=interval is not None and interval.ours,
            ends_at=0.0 if timer is None or interval is None else round(timer.ends_at + wall_clock, 3),
        )

    def resume(self, sessions: Sessions, core: CoreEntry, dialog: Dialog, wall_clock: float, now: float) -> None:
        """Go on with the session, in its dialog."""
        session = sessions.new(core, SessionState.CONFIRMED)
        session.dialog, dialog.session = dialog, session
        session.contact, session.called, session.min_se = self.contact, self.called, self.min_se
        session.last_body = self.body.encode("latin-1", "replace"), self.content_type
        session.recall(self.supported, self.allow)
        if self.source is not None:
            sessions.context.limits.sessions.move((), (self.source,))  # there was room when it began
            session.source = self.source
        if self.ending:
            session.command(SessionInput.BYE)
            Bye(sessions, session, []).send(now)
        elif self.interval is not None:
            session.timer = sessions.new_timer(session)
            interval, spread = Interval(self.interval, self.refreshing), sessions.context.waits.uniform()
            session.timer.resume(interval, self.ends_at - wall_clock, now, spread)
