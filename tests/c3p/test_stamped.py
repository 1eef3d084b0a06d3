"""One serialisation for many subscribers."""

from __future__ import annotations

import attrs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from c3p import ConferenceInfo, LocalProtocolError, render_versions
from c3p.testing import conference_infos


@settings(max_examples=40, suppress_health_check=list(HealthCheck), deadline=None)
@given(conference_infos(), st.integers(0, 2**40))
def test_stamping_is_serialising_with_that_version(info: ConferenceInfo, version: int) -> None:
    assert render_versions(info)(version) == bytes(attrs.evolve(info, version=version))


def test_version_in_the_entity_does_not_mislead() -> None:
    info = ConferenceInfo(entity='sip:a;x version="0"')
    assert render_versions(info)(12) == bytes(attrs.evolve(info, version=12))


def test_version_below_zero_is_refused() -> None:
    with pytest.raises(LocalProtocolError):
        render_versions(ConferenceInfo(entity=""))(-1)
