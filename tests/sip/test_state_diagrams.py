"""The page of state machines shows the tables as they are."""

import runpy
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"


def test_the_page_and_the_pictures_are_up_to_date() -> None:
    drawing = runpy.run_path(str(DOCS / "state_diagrams.py"))
    assert [path.name for path in drawing["stale"]()] == [], "run python docs/state_diagrams.py"


def test_a_picture_of_another_table_is_found(tmp_path: Path) -> None:
    drawing = runpy.run_path(str(DOCS / "state_diagrams.py"))
    title, (_, table) = next(iter(drawing["MACHINES"].items()))
    drawn = drawing["source_in_comment"](drawing["dot"](title, table))
    shorter = dict(list(table.items())[1:])
    assert drawing["source_in_comment"](drawing["dot"](title, shorter)) != drawn
    assert drawn in drawing["picture_of"](title).read_text()


def test_every_machine_can_be_drawn_by_graphviz() -> None:
    drawing = runpy.run_path(str(DOCS / "state_diagrams.py"))
    for title, (_, table) in drawing["MACHINES"].items():
        text = drawing["dot"](title, table)
        assert text.startswith(f'digraph "{title}" {{')
        assert text.count("->") >= 3
