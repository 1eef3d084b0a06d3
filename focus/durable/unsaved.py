"""What of a conference may be other than what was written."""

from __future__ import annotations

#: Names of pieces: a kind, and what it has several of. A dictionary, since it keeps the order in which they came.
Unsaved = dict[tuple[str, ...], None]
