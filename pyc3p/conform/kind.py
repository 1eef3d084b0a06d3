"""What is tried: a SIP element, a Focus or an MCU. How its cases are begun, judged and tidied up after."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol

import attrs

from pyc3p.conform.bench import Bench, Facts
from pyc3p.conform.case import Case, Trait
from pyc3p.conform.findings import Found, judged
from pyc3p.conform.probing import probe
from pyc3p.conform.tidying import tidy


class AnyTarget(Protocol):
    """What is known of a target before it is asked anything. Its text is how it is named."""

    @property
    def transport(self) -> str:
        """``UDP``, ``TCP`` or ``TLS``: cases are over some of them."""

    @property
    def host(self) -> str:
        """As it was named."""

    @property
    def address(self) -> str:
        """The IP address that the host stands for."""

    @property
    def port(self) -> int:
        """Where it listens."""

    @property
    def words(self) -> Sequence[str]:
        """What names it at the command line."""


@attrs.frozen(kw_only=True)
class Kind:
    """One suite. The bench is of its own class, so that only it knows what its functions take."""

    name: str  #: ``sip``, ``focus``, ``mcu``: a word of the command line
    make: Callable[..., Bench]
    probe: Callable[[Callable[[], Any], Facts], None]  #: finds out what a target is; raises Blame where nobody answers
    judged: Callable[[Case, Any], list[Found]]  #: what the judges say of a case
    tidy: Callable[[Any], None]
    gone: Callable[[Facts], str]  #: document and section that asks for the answer which did not come


def _judged(case: Case, bench: Bench) -> list[Found]:
    return judged(case, bench.arrivals, bench.wire.records, bench.names())


def _gone(facts: Facts) -> str:
    """What was asked to see it: OPTIONS, or a call where it has never answered OPTIONS."""
    return f"RFC 3261 section {'17.2.1' if Trait.ELEMENT in facts.lacks else '11'}"


SIP: Final = Kind(name="sip", make=Bench, probe=probe, judged=_judged, tidy=tidy, gone=_gone)
