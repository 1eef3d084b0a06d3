"""Write the pages of the cases of ``pyc3p conform``.

``python docs/conformance_cases.py`` writes ``conformance-cases.rst`` and those of the Focus and the MCU; ``--check``
says whether they are up to date.
"""

import sys
import textwrap
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

from pyc3p.conform import ANY, Case, focus_cases, mcu_cases, sip_cases

_DOCS = Path(__file__).parent
_OURS = (
    ' "Our convention" is what the sources leave open and this project has chosen: such cases are tried with '
    "``--ours`` alone."
)


def _head(more: str, what: str) -> str:
    wrapped = textwrap.fill(
        f"{what} Each names its source and how strongly that asks; what it applies to is found out "
        "first. Beside these, all that a target does in a case is held against the judges of "
        ":doc:`howto/check`.",
        120,
        break_on_hyphens=False,
    )
    title = f"Cases of ``pyc3p conform{more}``"
    return f"{title}\n{'=' * len(title)}\n\n{wrapped}\n\n.. Written by docs/conformance_cases.py.\n"


def _page(head: str, cases: Sequence[Case]) -> str:
    parts = [head]
    for family, found in groupby(cases, key=lambda case: case.id.partition(".")[0]):
        parts += _family(family, list(found))
    return "\n".join(parts)


def pages() -> dict[Path, str]:
    """Each page."""
    sip = "All cases of ``pyc3p conform sip`` (:doc:`howto/conform`), in the order in which they are run."
    focus = "All cases of ``pyc3p conform focus`` (:doc:`howto/conform`), in the order in which they are run." + _OURS
    mcu = "All cases of ``pyc3p conform mcu`` (:doc:`howto/conform`), in the order in which they are run." + _OURS
    return {
        _DOCS / "conformance-cases.rst": _page(_head("", sip), sip_cases()),
        _DOCS / "conformance-cases-focus.rst": _page(_head(" focus", focus), focus_cases()),
        _DOCS / "conformance-cases-mcu.rst": _page(_head(" mcu", mcu), mcu_cases()),
    }


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
    plain = ("ELEMENT", "FACTORY", "FOCUS", "MCU")
    traits = [each.value for each in case.applies if each.name not in plain]
    return (
        f"For what {' and '.join(traits)}{', ' if wide else ''}{' '.join(wide)}"
        if traits
        else (f"Only {wide[0]}" if wide else "")
    )


def main() -> None:
    """Write it, or say whether it is up to date."""
    for file, text in pages().items():
        if "--check" not in sys.argv:
            file.write_text(text)
        elif not file.exists() or file.read_text() != text:
            sys.exit(f"docs/{file.name} is not up to date")


if __name__ == "__main__":
    main()
