"""Write the page of the conformance cases, and of the mutants that prove them.

``python docs/case_pages.py`` writes ``reference/conformance-cases.rst``; a test says whether it is up to date.
"""

import textwrap
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Protocol

from pyc3p.testing import MEETING_CASES
from sip.testing import REGISTRAR_CASES, SIP_CASES

PAGE = Path(__file__).parent / "reference" / "conformance-cases.rst"

HEAD = """\
Conformance cases
=================

What the conformance machines do, with the source that says what has to come of it, and why it matters. Beside that all
that an element sends is held against the judges of :doc:`sip-testing` and :doc:`c3p-testing` when everything is over.
Written by ``docs/case_pages.py`` from the cases themselves. :doc:`/howto/conformance` says how to add one.
"""

TITLES = (
    ("A user agent: ``sip.testing.SipElementConformance``", SIP_CASES),
    ("A registrar: ``sip.testing.RegistrarConformance``", REGISTRAR_CASES),
    ("A Focus or an MCU: ``pyc3p.testing.FocusConformance``, ``McuConformance``", MEETING_CASES),
)


class Case(Protocol):
    """What both kinds of cases have."""

    name: str
    source: str
    clause: str
    reason: str


def rows(cases: Iterable[Case]) -> Iterator[str]:
    """Yield a row of a table for each case."""
    for case in cases:
        yield f"   * - ``{case.name}``"
        yield f"     - {case.source}"
        text = f"{_sentence(case.clause)} {case.reason}"
        yield from textwrap.wrap(text, 110, initial_indent="     - ", subsequent_indent=" " * 7)


def _sentence(clause: str) -> str:
    return f"{clause[0].upper()}{clause[1:]}."


def page() -> str:
    """Return the whole page."""
    lines = [HEAD]
    for title, cases in TITLES:
        lines += [title, "-" * len(title), "", ".. list-table::", "   :header-rows: 1", "   :widths: 25 20 55", ""]
        lines += ["   * - Case", "     - Source", "     - What has to come of it, and why", *rows(cases), ""]
    return "\n".join(lines)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
