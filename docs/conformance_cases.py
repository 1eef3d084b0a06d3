"""Write the page of the cases of ``pyc3p conform``.

``python docs/conformance_cases.py`` writes ``conformance-cases.rst``, ``--check`` says whether it is up to date.
"""

import sys
import textwrap
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

from pyc3p.conform import ANY, Case, sip_cases

PAGE = Path(__file__).parent / "conformance-cases.rst"
_HEAD = """\
Cases of ``pyc3p conform``
==========================

All cases of ``pyc3p conform sip`` (:doc:`howto/conform`), in the order in which they are run. Each names its source and
how strongly that asks; what it applies to is found out first. Beside these, all that a target does in a case is held
against the judges of :doc:`howto/check`.

.. Written by docs/conformance_cases.py.
"""


def page() -> str:
    """The page."""
    parts = [_HEAD]
    for family, cases in groupby(sip_cases(), key=lambda case: case.id.partition(".")[0]):
        parts += _family(family, list(cases))
    return "\n".join(parts)


def _family(family: str, cases: list[Case]) -> Iterator[str]:
    yield f"{family}\n{'-' * len(family)}\n"
    yield ".. list-table::\n   :header-rows: 1\n   :widths: 22 22 8 48\n"
    yield "   * - Case\n     - Source\n     - Force\n     - Wanted"
    for case in cases:
        yield f"   * - ``{case.id.partition('.')[2]}``\n     - {case.clause}\n     - {case.force.value}"
        text = ". ".join(filter(None, (case.wanted, case.why.rstrip("."), _applies(case))))
        yield textwrap.fill(text.rstrip(".") + ".", 112, initial_indent="     - ", subsequent_indent="       ")
    yield ""


def _applies(case: Case) -> str:
    wide = [] if case.over >= frozenset(ANY) else [f"over {', '.join(sorted(case.over))}"]
    traits = [each.value for each in case.applies if each.name != "ELEMENT"]
    return (
        f"For what {' and '.join(traits)}{', ' if wide else ''}{' '.join(wide)}"
        if traits
        else (f"Only {wide[0]}" if wide else "")
    )


def main() -> None:
    """Write it, or say whether it is up to date."""
    if "--check" in sys.argv:
        sys.exit(0 if PAGE.read_text() == page() else "docs/conformance-cases.rst is not up to date")
    PAGE.write_text(page())


if __name__ == "__main__":
    main()
