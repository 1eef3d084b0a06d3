"""What judges find is of one shape in every package that has judges, though those import none of ours."""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).parent.parent
PLACES = ("c3p/testing/finding.py", "rtp/testing/judges/finding.py", "sip/testing/judges/finding.py")


def test_a_finding_is_the_same_in_every_package() -> None:
    assert len({ast.dump(ast.parse((ROOT / place).read_text())) for place in PLACES}) == 1
