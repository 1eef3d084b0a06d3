"""The page of the cases shows what the machines do, and every case says why it is there."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

from pyc3p.testing import MEETING_CASES, MeetingCase
from sip.testing import REGISTRAR_CASES, SIP_CASES, Case

DOCS = Path(__file__).parents[2] / "docs"


def test_the_page_is_up_to_date() -> None:
    pages = runpy.run_path(str(DOCS / "case_pages.py"))
    assert pages["page"]() == pages["PAGE"].read_text(encoding="utf-8"), "run python docs/case_pages.py"


@pytest.mark.parametrize("case", [*SIP_CASES, *REGISTRAR_CASES, *MEETING_CASES], ids=lambda each: each.name)
def test_a_case_says_its_source_and_why(case: Case | MeetingCase) -> None:
    assert case.source
    assert case.clause
    assert case.reason
