"""Odd messages, after the descriptions of RFC 4475 and RFC 5118: valid ones that few expect, and broken ones."""

from __future__ import annotations

from typing import Final

import attrs

from pyc3p.conform.corpus.broken import BROKEN
from pyc3p.conform.corpus.odd import Odd
from pyc3p.conform.corpus.valid import VALID

#: All of them, the valid ones first.
CORPUS: Final[tuple[Odd, ...]] = (*(attrs.evolve(each, broken=False) for each in VALID), *BROKEN)
