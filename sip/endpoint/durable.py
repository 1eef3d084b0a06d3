"""An endpoint that can be restored: its dialogs as pieces of state, and the names that last over a restart."""

from __future__ import annotations

from collections.abc import Iterable

from sip.context import Context
from sip.core.dialogs import Dialogs
from sip.endpoint.kept_dialogs import KeptDialogs, key_of_session, key_of_subscription
from sip.errors import LocalProtocolError
from sip.events import Event
from sip.ids import SessionId, SubscriptionId
from sip.pieces import Piece, piece_parts
from sip.session.session import session_of
from sip.session.sessions import Sessions
from sip.session.tables import SessionState
from sip.subscription.subscription import Subscription
from sip.subscription.subscriptions import Subscriptions


class DurableDialogs:
    """Answered sessions and subscriptions of durable cores outlast the process, where no connection is needed for it.

    `SessionId` and `SubscriptionId` mean nothing to another process. A core writes down the *key* of a session or
    subscription with what it keeps of it, and asks for the number that it has now. Restore the endpoint first, then
    its cores.
    """

    _context: Context
    _dialogs: Dialogs
    _kept: KeptDialogs
    _sessions: Sessions
    _subscriptions: Subscriptions

    def take_pieces(self) -> list[Piece]:
        """Return the dialogs that changed since the last call; the first gives all, and what follows is noted."""
        return [] if self._dialogs.unsaved == {} else self._kept.take()

    def snapshot(self, keys: Iterable[str] | None = None) -> list[Piece]:
        """Return every dialog that is to come back, as it is now; with ``keys`` of pieces, those of them alone."""
        return self._kept.all() if keys is None else self._kept.of(keys)

    def restore(self, pieces: Iterable[Piece], *, now: float) -> list[Event]:
        """Go on with the dialogs in ``pieces`` whose cores are here; others, and what is no dialog, are passed over.

        Requests of ours go on with CSeqs above all that were sent. Timers go on by the wall clock; what ended while
        nobody was here ends with its usual event. A session whose BYE was out sends it again, and its end is reported
        to a core that need not know it. Raises LocalProtocolError, with nothing changed, when a dialog is here already.

        Then drain ``data_to_send`` and read ``next_timeout``.
        """
        self._kept.restore(pieces, now)
        return self._context.take_events()

    def hand_over(self, key: str, *, now: float) -> Piece | None:
        """Forget the dialog with a key without a word to anybody: another endpoint goes on with it.

        Returns what that one restores; None when there is no such dialog, or it cannot go on elsewhere. The piece
        that was written stays written. Raises LocalProtocolError for a dialog in which we subscribe.
        """
        return self._kept.hand_over(key, now)

    def go_on_above(self, keys: Iterable[str]) -> None:
        """Let our CSeqs in the dialogs with these keys leap: another endpoint may have gone on with them, and be gone.

        RFC 3261 section 12.2.1.1 lets them; a gap is no loss (section 12.2.2). Keys of dialogs that are not here are
        passed over.
        """
        self._kept.go_on_above(keys)

    def session_key(self, session: SessionId) -> str:
        """Return the key under which a session comes back, that of its piece. Raises LocalProtocolError before 2xx."""
        return key_of_session(self._sessions.get(session))

    def session_at(self, key: str) -> SessionId | None:
        """Return the session with a key; None when it is over, or its BYE is out, or it did not come back."""
        dialog = self._kept.find(key)
        session = None if dialog is None else session_of(dialog)
        return None if session is None or session.state is SessionState.ENDING else session.id

    def subscription_key(self, subscription: SubscriptionId) -> str:
        """Return the key under which a subscription comes back: that of the piece of its dialog and three parts more.

        Raises LocalProtocolError for a subscription without dialog, or that is over.
        """
        found = self._subscriptions.find(subscription)
        if found is None or found.dialog is None:
            raise LocalProtocolError("the subscription has no dialog")
        return key_of_subscription(found.dialog, found)

    def keys_of(self, owner: str) -> list[str]:
        """Return the keys of the sessions and subscriptions of a core that have a dialog.

        After ``restore`` a core ends those that it does not know of: what they were for is gone.
        """
        return self._kept.keys_of(owner)

    def subscription_at(self, key: str) -> SubscriptionId | None:
        """Return the subscription with a key; None when it is over, or did not come back."""
        dialog, parts = self._kept.find(key), piece_parts(key)
        if dialog is None or len(parts) != 7:
            return None
        found = dialog.subscriptions.get((parts[4], parts[5], parts[6] or None))
        assert found is None or isinstance(found, Subscription)
        return None if found is None else found.id
