"""Where a program is missing, a test is skipped with what installs it, and leaves nothing behind."""

from __future__ import annotations

import gc
import warnings

import pytest

from tests.interop.sipp_peer import play


def test_a_conversation_that_is_skipped_has_not_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.delenv("CI", raising=False)

    async def talk() -> None:
        raise AssertionError("there is nobody to talk to")

    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        with pytest.raises(pytest.skip.Exception, match="apt-get install --no-install-recommends sip-tester"):
            play(talk)
        gc.collect()
    assert told == []
