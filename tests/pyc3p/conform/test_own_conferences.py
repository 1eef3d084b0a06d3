"""Our own Focus and MCU pass, held to our own conventions as well: of the Focus other cases for each commit.

``python -m tests.pyc3p.conform.run_own`` runs all, the slow ones too, over TCP and UDP.
"""

from __future__ import annotations

import random

import pytest

from pyc3p.conform import Verdict, focus_cases
from tests.altered.seed_of_commit import SEED
from tests.pyc3p.conform.element import told
from tests.pyc3p.conform.meeting import focus_tried, mcu_tried, own_focus, own_mcu

#: Cases that one commit tries.
DRAWN = 80


@pytest.mark.timeout(300)
def test_our_focus_passes() -> None:
    quick = [case for case in focus_cases() if not case.slow]
    drawn = [case.id for case in random.Random(SEED).sample(quick, DRAWN)]
    with own_focus() as target:
        report = focus_tried(target, *drawn)
    assert not told(report)
    assert not report.lacks
    assert report.count(Verdict.PASSED) >= DRAWN


@pytest.mark.timeout(300)
def test_our_focus_passes_over_udp() -> None:
    with own_focus("udp") as target:
        report = focus_tried(target, "joining", "refusals")
    assert not told(report)
    assert report.count(Verdict.PASSED) > 60


@pytest.mark.timeout(300)
def test_our_mcu_passes_every_case() -> None:
    with own_mcu() as target:
        report = mcu_tried(target)
    assert not told(report)
    assert not report.lacks
    assert report.count(Verdict.PASSED) > 100


def test_conventions_of_ours_are_tried_only_when_asked_for() -> None:
    with own_mcu() as target:
        report = mcu_tried(target, "conferences", ours=False)
    skipped = [each.why for each in report.outcomes if each.case.force.value == "our convention"]
    assert len(skipped) > 5
    assert set(skipped) == {"it is a convention of pyc3p: --ours tries it"}
    assert report.count(Verdict.PASSED) > 5
