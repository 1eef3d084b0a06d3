"""The pytest plugin, in a pytest of its own."""

from __future__ import annotations

import json

import numpy as np  # noqa: F401  # what a pytest within this one loads is forgotten after it, and numpy loads only once
import pytest

pytest_plugins = ("pytester",)

_ARGUMENTS = ("-p", "pyc3p.pytest_plugin", "-p", "no:cacheprovider", "-p", "no:xdist")


@pytest.fixture
def own(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    return pytester


def test_a_conference_and_its_phones_are_there(own: pytest.Pytester) -> None:
    own.makepyfile(
        """
        def test_bob_is_called(conference, phones):
            call = conference.dial("presenter", "sip:bob@example.com")
            assert conference.outcome("presenter", call).text == "success"
            assert list(phones) == ["phone"]
        """
    )
    own.runpytest_inprocess(*_ARGUMENTS).assert_outcomes(passed=1)


def test_time_passes_when_the_test_says_so(own: pytest.Pytester) -> None:
    own.makepyfile(
        """
        def test_an_hour(sip_network, sip_clock):
            sip_network.run(3600)
            assert sip_clock.now == 3600
        """
    )
    own.runpytest_inprocess(*_ARGUMENTS).assert_outcomes(passed=1)


_FAILING = """
    def test_fails_with_this_seed(sip_network):
        alice, bob = sip_network.agent("alice"), sip_network.agent("bob")
        alice.ask(bob.uri())
        sip_network.run(1)
        assert sip_network.seed != 7

    def test_another(sip_network):
        pass
    """


def test_the_ladder_stands_under_the_traceback_and_a_file_replays_it(own: pytest.Pytester) -> None:
    own.makepyfile(_FAILING)
    own.runpytest_inprocess(*_ARGUMENTS).assert_outcomes(passed=2)
    failed = own.runpytest_inprocess(*_ARGUMENTS, "--pyc3p-seed", "7")
    failed.assert_outcomes(passed=1, failed=1)
    failed.stdout.fnmatch_lines(["*assert 7 != 7*", "*messages*", "*alice -> *MESSAGE*", "*--pyc3p-replay *"])
    (file,) = (own.path / ".pyc3p").iterdir()
    assert json.loads(file.read_text())["seed"] == 7
    again = own.runpytest_inprocess(*_ARGUMENTS, "--pyc3p-replay", str(file))
    again.assert_outcomes(failed=1, deselected=1)


def test_a_file_that_replays_nothing_is_refused(own: pytest.Pytester) -> None:
    file = own.path / "other.json"
    file.write_text("[]")
    result = own.runpytest_inprocess(*_ARGUMENTS, "--pyc3p-replay", str(file))
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*is no file that replays a failure*"])
