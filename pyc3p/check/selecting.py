"""What somebody may ask for with ``--select``: a clause of a document that is judged, or words."""

from __future__ import annotations

import re
from typing import Final

#: RFCs of which some judge holds a clause against a trace.
JUDGED: Final = frozenset(
    (
        *(3261, 3262, 3264, 3311, 3323, 3326, 3327, 3515, 3550, 3711, 3891),
        *(4028, 4320, 4575, 4733, 6086, 6665, 8866),
    )
)
_DOCUMENT: Final = re.compile(r"rfc(?![a-z])", re.IGNORECASE)
_CLAUSE: Final = re.compile(r"rfc (\d+)(?: section \d+(?:\.\d+)*(?:, table \d+)?)?", re.IGNORECASE)


def refused_selection(selected: str) -> str:
    """Why nothing can ever be found by it; empty where something can."""
    if not selected.strip():
        return "it is empty"
    if not _DOCUMENT.match(selected):
        return ""  # words of what is asked for
    clause = _CLAUSE.fullmatch(selected)
    if clause is None:
        return "a clause is written as 'RFC 3261' or 'RFC 3261 section 17.1'"
    if int(clause[1]) not in JUDGED:
        return f"no clause of it is judged; there are RFC {', '.join(map(str, sorted(JUDGED)))}"
    return ""
