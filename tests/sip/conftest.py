"""Two people on a pretended network; a file of tests that needs others says so itself."""

from __future__ import annotations

import pytest

from sip.testing import Agent, Network


@pytest.fixture
def net() -> Network:
    """A network that loses nothing."""
    return Network()


@pytest.fixture
def alice(net: Network) -> Agent:
    """Whoever begins."""
    return net.agent("alice")


@pytest.fixture
def bob(net: Network, alice: Agent) -> Agent:
    """The other one. He comes second, so that alice has the first address."""
    return net.agent("bob")
