"""What must hold whatever happens: plain functions over what was given, sent, told and kept.

Each returns complaints in words, none when all is well. They know nothing of how it came about.
"""

from __future__ import annotations

from pyc3p.simulate.checks.answers import unanswered_requests
from pyc3p.simulate.checks.audio import ejected_and_heard, ejected_and_hearing
from pyc3p.simulate.checks.commands import endings
from pyc3p.simulate.checks.ejections import Ejection, ejections
from pyc3p.simulate.checks.rosters import differences, locks, owners
from pyc3p.simulate.checks.sizes import Sizes, grown

__all__ = [
    "Ejection",
    "Sizes",
    "differences",
    "ejected_and_heard",
    "ejected_and_hearing",
    "ejections",
    "endings",
    "grown",
    "locks",
    "owners",
    "unanswered_requests",
]
