"""What a judge finds. The same class in every package that has judges, because they import none of ours."""

from __future__ import annotations

import enum

import attrs


class Force(enum.Enum):
    """How strongly a source asks for something."""

    MUST = "MUST"
    SHOULD = "SHOULD"
    OURS = "our convention"  #: of this library, or of our deployment: nothing that another element has to follow


@attrs.frozen(kw_only=True)
class Finding:
    """One thing that is not as its source wants it."""

    source: str  #: document and section, ``RFC 3261 section 8.2.6.2``
    force: Force
    clause: str  #: what the source asks for
    expected: str = ""  #: what should have been there, where that says more than the clause
    seen: str  #: what was there instead
    by: object = None  #: who did it, where the judge was told who speaks
    messages: tuple[object, ...]  #: what it was seen in, in the order of sending; the last one shows it

    def __str__(self) -> str:
        wanted = f"; expected: {self.expected}" if self.expected else ""
        return f"{self.source}: {self.force.value}: {self.clause}{wanted}; seen: {self.seen}"
