"""The page of state machines shows the tables as they are."""

import runpy
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"


def test_the_page_is_up_to_date() -> None:
    drawing = runpy.run_path(str(DOCS / "state_diagrams.py"))
    stale = [path.name for path, text in drawing["files"]().items() if not path.exists() or path.read_text() != text]
    assert stale == [], "run python docs/state_diagrams.py"


def test_every_machine_can_be_drawn_by_graphviz() -> None:
    drawing = runpy.run_path(str(DOCS / "state_diagrams.py"))
    for title, (_, table) in drawing["MACHINES"].items():
        text = drawing["dot"](title, table)
        assert text.startswith(f'digraph "{title}" {{')
        assert text.count("->") >= 3
