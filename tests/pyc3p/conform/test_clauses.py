"""A case asks no more than its source, which was read in the RFC for those that are named here."""

from __future__ import annotations

import pytest

from pyc3p.conform import sip_cases

CASES = {case.id: case for case in sip_cases()}


def test_what_is_not_normative_has_no_must() -> None:
    wrong = [each.id for each in CASES.values() if each.clause.startswith("RFC 4475") and each.force.value == "MUST"]
    assert wrong == []


@pytest.mark.parametrize(
    ("case", "clause", "force"),
    [
        ("dialogs.bye-twice", "RFC 3261 section 15.1.2", "SHOULD"),
        ("dialogs.other-tag", "RFC 3261 section 15.1.2", "SHOULD"),
        ("dialogs.gap-in-cseq", "RFC 3261 section 12.2.2", "SHOULD"),
        ("dialogs.lower-cseq", "RFC 3261 section 12.2.2", "MUST"),
        ("user-agent.unknown-dialog", "RFC 3261 section 15.1.2", "SHOULD"),
        ("user-agent.optional-body", "RFC 3204 section 6", "MUST"),
        ("malformed.needed-fields", "RFC 3261 section 8.2.2", "SHOULD"),
        ("malformed.acks", "RFC 3261 section 17", "MUST"),
    ],
)
def test_the_force_is_that_of_the_text(case: str, clause: str, force: str) -> None:
    assert (CASES[case].clause, CASES[case].force.value) == (clause, force)
