"""What a tolerated message does that it should not."""

from __future__ import annotations

import attrs


@attrs.frozen
class Defect:
    """One deviation from the grammar that was tolerated."""

    where: str  #: header name, ``Request-Line``, ``Status-Line``, ``header section`` or ``body``
    what: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"
