"""What the judges of any package found, and where in a trace it is seen."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from typing import Protocol

import attrs

from pyc3p.trace.trace import Names, Record


class AnyFinding(Protocol):
    """A finding of `sip.testing`, `c3p.testing` or `rtp.testing`."""

    @property
    def source(self) -> str:
        """Document and section."""

    @property
    def force(self) -> enum.Enum:
        """How strongly the source asks for it."""

    @property
    def clause(self) -> str:
        """What the source asks for."""

    @property
    def expected(self) -> str:
        """What should have been there, where that says more."""

    @property
    def seen(self) -> str:
        """What was there instead."""


class Severity(enum.Enum):
    """How bad it is, the worst first."""

    MUST = "must"
    SHOULD = "should"
    OURS = "ours"  #: a convention of this project: never wrong in what others have written

    @property
    def rank(self) -> int:
        """0 for the worst."""
        return list(Severity).index(self)


@attrs.frozen(kw_only=True)
class Verdict:
    """One finding in a trace."""

    finding: AnyFinding
    records: tuple[Record, ...]  #: what it was seen in, in the order of sending
    by: str  #: who did it, as it is called in the trace; empty where nobody knows
    element: str = ""  #: the same for all that one element did, whatever it is called
    address: str = ""  #: where that listens, ``host:port``
    program: str = ""  #: and what that says it is, in User-Agent or Server
    names: Names = attrs.field(factory=Names, eq=False, repr=False)  #: for a ladder of the records

    @property
    def at(self) -> float:
        """When it showed: seconds, as the records have them."""
        return self.records[-1].at if self.records else 0.0

    @property
    def severity(self) -> Severity:
        """How bad it is."""
        return Severity[self.finding.force.name]

    @property
    def kind(self) -> tuple[str, str, str]:
        """What makes several of them one matter: who did what."""
        return self.by, self.finding.source, self.finding.clause

    def is_of(self, selected: Sequence[str]) -> bool:
        """Whether it is of one of these clauses: ``RFC 3261``, ``RFC 3261 section 17``, or words of what is asked."""
        return not selected or any(self._is_of(each.lower()) for each in selected)

    def _is_of(self, wanted: str) -> bool:
        source = self.finding.source.lower()
        after = source.removeprefix(wanted)
        return (after != source and not after[:1].isalnum()) or wanted in self.finding.clause.lower()
