"""The page of the commands shows documents as they travel."""

import runpy
from pathlib import Path

from c3p import COMMANDS

DOCS = Path(__file__).parents[2] / "docs"


def test_the_page_is_up_to_date_and_has_every_command_of_a_client() -> None:
    pages = runpy.run_path(str(DOCS / "command_pages.py"))
    text = (DOCS / "commands.rst").read_text(encoding="utf-8")
    assert pages["page"](pages["exchanges"](pages["run"]())) == text, "run python docs/command_pages.py"
    between_servers = {"registerMcu", "getMcuHealth"}
    assert {name for name in COMMANDS if name not in text} == between_servers
