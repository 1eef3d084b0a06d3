"""The kit bites: mutants of our own elements fall to its cases."""

from __future__ import annotations

import pytest

from tests.conformance.mutant import Mutant
from tests.conformance.mutants import MUTANTS
from tests.conformance.run_mutants import drawn, found_by

#: As many as continuous integration runs, others for each commit; ``python -m tests.conformance.run_mutants`` runs all.
DRAWN = 10


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda each: each.name)
def test_a_mutant_still_changes_one_place(mutant: Mutant) -> None:
    assert mutant.mutated() != mutant.path.read_text()


def test_mutants_have_names_of_their_own() -> None:
    assert len({each.name for each in MUTANTS}) == len(MUTANTS)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("mutant", drawn(DRAWN), ids=lambda each: each.name)
def test_a_mutant_falls_to_a_case(mutant: Mutant) -> None:
    assert found_by(mutant) is not None
