"""The command that simulates: what it prints, what it is told, and how it ends."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from pyc3p.simulate import SCENARIOS, Result, Scenario
from tests.pyc3p.test_cli import pyc3p


def test_a_seed_in_which_everything_holds_ends_well(capsys: pytest.CaptureFixture[str]) -> None:
    assert pyc3p("simulate", "--scenario", "calm", "--seed", "1", "--minutes", "0.2") == 0
    said = capsys.readouterr().out
    assert said.startswith("calm, seed 1, 0.2 minutes: ")
    assert "Everything held." in said


def test_for_machines_it_is_one_object(capsys: pytest.CaptureFixture[str]) -> None:
    assert pyc3p("simulate", "--scenario", "calm", "--seed", "1", "--minutes", "0.2", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["scenario"], told["seed"], told["minutes"], told["complaints"]) == ("calm", 1, 0.2, [])
    assert told["counts"]["commands"] > 0


def failing(scenario: Scenario, seed: int, *, minutes: float) -> Result:
    """A simulation in which something did not hold."""
    return Result(
        seed=seed,
        scenario=scenario.name,
        minutes=minutes,
        complaints=("ann: addUser ended never",),
        counts={"commands": 3, "trouble: a cut": 2},
        digest="",
        story=lambda: "THE LADDER",
    )


@pytest.fixture
def a_failure(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    monkeypatch.setattr("pyc3p.simulate.simulate", failing)
    return failing


def test_a_failure_shows_the_ladder_and_how_to_see_it_again(
    a_failure: Callable[..., Result], capsys: pytest.CaptureFixture[str]
) -> None:
    assert pyc3p("simulate", "--scenario", "network", "--seed", "17", "--minutes", "1.5") == 1
    said = capsys.readouterr().out
    assert said.index("THE LADDER") < said.index("- ann: addUser ended never")
    assert "network, seed 17, 1.5 minutes: 3 commands, 2 troubles" in said
    assert said.rstrip().endswith("pyc3p simulate --scenario network --seed 17 --minutes 1.5")


def test_a_ladder_may_go_to_a_file(
    a_failure: Callable[..., Result], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert pyc3p("simulate", "--ladder", str(tmp_path / "ladder.txt")) == 1
    assert "THE LADDER" not in capsys.readouterr().out
    assert (tmp_path / "ladder.txt").read_text() == "THE LADDER"
    assert pyc3p("simulate", "--ladder", str(tmp_path / "nowhere" / "ladder.txt")) == 1
    assert "cannot be written" in capsys.readouterr().err


def test_scenarios_are_listed_and_others_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert pyc3p("simulate", "--list") == 0
    listed = capsys.readouterr().out
    assert [line.split()[0] for line in listed.splitlines()] == list(SCENARIOS)
    assert pyc3p("simulate", "--list", "--json") == 0
    assert [json.loads(line)["scenario"] for line in capsys.readouterr().out.splitlines()] == list(SCENARIOS)
    assert pyc3p("simulate", "--scenario", "picnic") == 2
    assert "none of calm," in capsys.readouterr().err
