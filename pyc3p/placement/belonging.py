"""Which conference a piece of state belongs to, so that all of it can be had at once.

The pieces of a Focus say it in their keys. A dialog is written by the endpoint, which knows no conferences; that of a
client with a conference has the Conference-URI as the address on our side. What is removed has no value to look into,
so it is remembered where its last value was put.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable

from c3p import conf_id_of
from sip import NameAddr, Piece, SipError, conference_key, piece_parts


class Belonging:
    """The conferences of pieces, by their keys (`sip.conference_key`)."""

    def __init__(self) -> None:
        self._dialogs: dict[str, str] = {}  #: one entry for each dialog with a conference that is open
        self._of_conference: defaultdict[str, set[str]] = defaultdict(set)  #: the same the other way round

    def __len__(self) -> int:
        return len(self._dialogs)

    def conference_of(self, piece: Piece) -> str | None:
        """The key of the conference that a piece belongs to; None for what belongs to the node.

        A dialog that is removed belongs where it did until ``removed`` is told: what fails is written again.
        """
        parts = piece_parts(piece.key)
        if parts[0] == "conference" and len(parts) > 1:
            return parts[1]
        if parts[0] != "dialog":
            return None
        known = self._dialogs.get(piece.key)
        if piece.value is None:
            return known
        known = known or _named_in(piece.value)
        if known is not None:
            self._dialogs[piece.key] = known
            self._of_conference[known].add(piece.key)
        return known

    def removed(self, pieces: Iterable[Piece]) -> None:
        """Pieces are written; those that have no value are gone."""
        for piece in pieces:
            owner = self._dialogs.pop(piece.key, None) if piece.value is None else None
            if owner is not None:
                self._of_conference[owner].discard(piece.key)
                if not self._of_conference[owner]:
                    del self._of_conference[owner]

    def forget(self, conference: str) -> None:
        """It is another node's now, or has ended."""
        for key in self._of_conference.pop(conference, ()):
            self._dialogs.pop(key, None)


def _named_in(value: bytes) -> str | None:
    """The conference whose address a dialog has on our side."""
    try:
        uri = NameAddr.parse(json.loads(value)["dialog"]["local_value"]).uri
        return conference_key(uri) if conf_id_of(str(uri)) is not None else None
    except (SipError, ValueError, KeyError, TypeError):
        return None
