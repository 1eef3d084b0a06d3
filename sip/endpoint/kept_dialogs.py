"""The dialogs of an endpoint as pieces of state: one for each, with the session and the subscriptions that use it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

import attrs

from sip.core.dialog import Dialog
from sip.core.dialog_piece import SavedDialog, outlasts_connections
from sip.core.stack import Stack
from sip.errors import LocalProtocolError
from sip.pieces import Piece, piece_key, piece_parts, read_piece, unreadable, write_piece
from sip.session.session import Session, session_of
from sip.session.session_piece import LASTING, SavedSession
from sip.session.sessions import Sessions
from sip.subscription.notifier import Notifier
from sip.subscription.subscriber import Subscriber
from sip.subscription.subscription import Subscription
from sip.subscription.subscription_piece import SavedNotifier, SavedSubscriber
from sip.subscription.subscriptions import Subscriptions

KIND: Final = "dialog"  #: first part of the key of a dialog
VERSION: Final = 1  #: of the fields of its piece
#: How far CSeqs leap where another endpoint may have gone on with a dialog. Each that does begins a hundred above what
#: was written, so that it takes a hundred of them, or ten thousand requests, to get there.
CSEQ_LEAP: Final = 10_000


class KeptDialogs:
    """Writes dialogs and goes on with them.

    A dialog is written when its core is durable, an answered session or a lasting subscription uses it, and its next
    hop can be reached without the connection that this process has (`sip.core.dialog_piece`).
    """

    def __init__(self, stack: Stack, sessions: Sessions, subscriptions: Subscriptions, wall_clock: float) -> None:
        self._context = stack.context
        self._transport = stack.transport
        self._cores = stack.cores
        self._dialogs = stack.dialogs
        self._sessions = sessions
        self._subscriptions = subscriptions
        self._wall_clock = wall_clock

    # Writing ---------------------------------------------------------------------------------------------------------

    def take(self) -> list[Piece]:
        """Return what is other than what was given before. What raises over one dialog costs that one alone."""
        pieces: list[Piece] = []
        for dialog in self._dialogs.take_unsaved():
            try:
                piece = self._piece(dialog)
            except Exception as error:
                self._context.fault(error, f"write {key_of(dialog)}")
                continue
            if piece.value != dialog.saved:
                dialog.saved, dialog.reserved_cseq = piece.value, dialog.cseq_room
                pieces.append(piece)
        return pieces

    def all(self) -> list[Piece]:
        """Return a piece for each dialog that is to come back."""
        return [piece for dialog in self._dialogs.all() if (piece := self._piece(dialog)).value is not None]

    def of(self, keys: Iterable[str]) -> list[Piece]:
        """Return those of ``all`` that have these keys, without looking at the others."""
        dialogs = [dialog for key in keys if (dialog := self.find(key)) is not None]
        return [piece for dialog in dialogs if (piece := self._piece(dialog)).value is not None]

    def _piece(self, dialog: Dialog) -> Piece:
        fields = self._usages(dialog) if outlasts_connections(dialog, self._transport.opened) else None
        if not fields:
            return Piece(key_of(dialog), None)
        return write_piece(key_of(dialog), VERSION, {"dialog": _plain(SavedDialog.of(dialog)), **fields})

    def _usages(self, dialog: Dialog) -> dict[str, Any]:
        """What uses a dialog and is to come back; nothing of a dialog that is over."""
        found: dict[str, Any] = {}
        session = session_of(dialog)
        if session is not None and session.core.durable and session.state in LASTING and session.dialog is dialog:
            found["session"] = _plain(SavedSession.of(session, self._wall_clock))
        for each in dialog.subscriptions.values():
            if not each.core.durable:
                continue
            if isinstance(each, Notifier) and (notifier := SavedNotifier.of(each, self._wall_clock)) is not None:
                found.setdefault("notifiers", []).append(_plain(notifier))
            if isinstance(each, Subscriber) and (subscriber := SavedSubscriber.of(each, self._wall_clock)) is not None:
                found.setdefault("subscribers", []).append(_plain(subscriber))
        return found

    # Going on --------------------------------------------------------------------------------------------------------

    def restore(self, pieces: Iterable[Piece], now: float) -> None:
        """Go on with the dialogs of cores that are here; raises LocalProtocolError when one of them is here."""
        ours = [piece for piece in pieces if piece.value is not None and piece_parts(piece.key)[0] == KIND]
        for piece in ours:
            if self.find(piece.key) is not None:
                raise LocalProtocolError(f"the endpoint has this dialog: {piece.key}")
        for piece in ours:
            try:
                self._resume(piece, now)
            except Exception as error:  # whatever stands there, the other dialogs go on
                self._context.count("state not restored: unreadable")
                self._context.emit(unreadable(piece, error))

    def _resume(self, piece: Piece, now: float) -> None:
        fields = read_piece(piece, VERSION)
        dialog = SavedDialog(**fields["dialog"]).dialog()
        if key_of(dialog) != piece.key:
            raise ValueError("the piece of another dialog")
        session = SavedSession(**fields["session"]) if "session" in fields else None
        saved: list[SavedNotifier | SavedSubscriber] = [
            *[SavedNotifier(**each) for each in fields.get("notifiers", ())],
            *[SavedSubscriber(**each) for each in fields.get("subscribers", ())],
        ]
        cores = {owner: core for owner in _owners(fields) if (core := self._cores.get(owner)) is not None}
        if not cores:
            return  # of another machine
        if self._dialogs.is_full():
            self._context.count("state not restored: too many dialogs")
            return
        dialog.saved = piece.value
        self._dialogs.add(dialog)
        try:
            for each in saved:
                if (core := cores.get(each.owner)) is not None:
                    each.resume(self._subscriptions, core, dialog, self._wall_clock, now)
            if session is not None and (core := cores.get(session.owner)) is not None:
                session.resume(self._sessions, core, dialog, self._wall_clock, now)  # the last: it may send a BYE
        except Exception:
            dialog.saved = None  # so that the piece stays as it is, as any other that cannot be read
            self._forget(dialog, now)
            raise

    def _forget(self, dialog: Dialog, now: float) -> None:
        """Drop a dialog with all that uses it, without a word to anybody."""
        for each in list(dialog.subscriptions.values()):
            if isinstance(each, Notifier):
                each.forget()
            elif isinstance(each, Subscriber):
                each.timer.stop()
                self._subscriptions.remove(each)
        session = session_of(dialog)
        if session is not None:
            self._sessions.forget(session, now)
        self._dialogs.release(dialog)  # where nothing used it yet

    def find(self, key: str) -> Dialog | None:
        """Return the dialog with a key, which may go on with what names a subscription in it."""
        parts = piece_parts(key)
        return self._dialogs.find_key(*parts[1:4]) if len(parts) >= 4 and parts[0] == KIND else None

    def keys_of(self, owner: str) -> list[str]:
        """Return the keys of what a core has in dialogs."""
        keys: list[str] = []
        for dialog in self._dialogs.all():
            session = session_of(dialog)
            if session is not None and session.owner == owner and session.dialog is dialog:
                keys.append(key_of(dialog))
            for each in dialog.subscriptions.values():
                if isinstance(each, Subscription) and each.owner == owner:
                    keys.append(key_of_subscription(dialog, each))
        return keys

    def go_on_above(self, keys: Iterable[str]) -> None:
        """Let requests of ours in these dialogs have CSeqs well above those that were sent."""
        for key in keys:
            if (dialog := self.find(key)) is not None:
                dialog.local_cseq = min(dialog.local_cseq + CSEQ_LEAP, 2**31 - 1)
                dialog.touch()

    # Handing over ----------------------------------------------------------------------------------------------------

    def hand_over(self, key: str, now: float) -> Piece | None:
        """Forget a dialog without a word, and without its piece being removed; return that piece as it is now.

        Raises LocalProtocolError for a dialog in which we subscribe.
        """
        dialog = self.find(key)
        if dialog is None:
            return None
        if any(isinstance(each, Subscriber) for each in dialog.subscriptions.values()):
            raise LocalProtocolError("a dialog with a subscription of ours cannot be handed over")
        piece, dialog.saved = self._piece(dialog), None
        dialog.unsaved = None
        self._forget(dialog, now)
        return piece if piece.value is not None else None


def key_of(dialog: Dialog) -> str:
    """The key of a dialog's piece."""
    return piece_key(KIND, *dialog.key)


def key_of_session(session: Session) -> str:
    """The key under which a session comes back: that of its dialog. Raises LocalProtocolError where there is none."""
    if session.dialog is None:
        raise LocalProtocolError("the session has no dialog yet")
    return key_of(session.dialog)


def key_of_subscription(dialog: Dialog, subscription: Subscription) -> str:
    """The key under which a subscription comes back: that of its dialog, and which one it is there."""
    return f"{key_of(dialog)}/{piece_key(subscription.side, subscription.package, subscription.event_id or '')}"


def _plain(saved: attrs.AttrsInstance) -> dict[str, Any]:
    return attrs.asdict(saved, recurse=False)


def _owners(fields: Mapping[str, Any]) -> set[str]:
    usages = [fields.get("session"), *fields.get("notifiers", ()), *fields.get("subscribers", ())]
    return {usage["owner"] for usage in usages if usage is not None}
