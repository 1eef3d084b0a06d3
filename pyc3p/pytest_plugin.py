"""A plugin for pytest: a network, a clock, a conference and phones in virtual time, and the ladder under a failure.

It is found by itself where pyc3p is installed. What fails leaves a file that replays it::

    pytest --pyc3p-replay .pyc3p/test_calls.py-test_busy.json

Nothing heavy is imported before a test asks for one of the fixtures.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Generator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

if TYPE_CHECKING:
    from pyc3p.elements import FarmPlan
    from pyc3p.phone import Phone
    from pyc3p.simnet import Meeting
    from sip.testing import Network, VirtualClock

#: Lines of a ladder that stand under a failure; the file has all of them.
SHOWN: Final = 200
_STORIES: Final = pytest.StashKey[list[Callable[[], str]]]()
_SEED: Final = pytest.StashKey[int]()
_ONLY: Final = pytest.StashKey[str]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options, all of which begin with ``--pyc3p``."""
    group = parser.getgroup("pyc3p", "networks in virtual time")
    group.addoption("--pyc3p-seed", type=int, default=1, help="seed of simulated networks (default: 1)")
    group.addoption("--pyc3p-failures", default=".pyc3p", help="folder for files that replay failures")
    group.addoption("--pyc3p-replay", metavar="FILE", help="run the one test of such a file again, with its seed")


def pytest_configure(config: pytest.Config) -> None:
    """Read the file that is to be replayed. Raises UsageError for one that is none."""
    config.stash[_SEED] = config.getoption("--pyc3p-seed")
    path = config.getoption("--pyc3p-replay")
    if path is None:
        return
    try:
        failure = json.loads(Path(path).read_text(encoding="utf-8"))
        config.stash[_ONLY], config.stash[_SEED] = str(failure["test"]), int(failure["seed"])
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise pytest.UsageError(f"{path} is no file that replays a failure: {error}") from error


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep the test that is to be replayed."""
    only = config.stash.get(_ONLY, None)
    if only is not None:
        left_out = [item for item in items if item.nodeid != only]
        items[:] = [item for item in items if item.nodeid == only]
        config.hook.pytest_deselected(items=left_out)


@pytest.fixture
def sip_network(request: pytest.FixtureRequest) -> Network:
    """`sip.testing.Network`: endpoints on a network that exists only in this test."""
    from sip.testing import Network

    network = Network(seed=request.config.stash[_SEED])
    _tell(request, network.ladder)
    return network


@pytest.fixture
def sip_clock(sip_network: Network) -> VirtualClock:
    """The clock of ``sip_network``: time passes in its ``run``, and nowhere else."""
    return sip_network.wire.clock


@pytest.fixture
def conference_plan() -> FarmPlan:
    """Who is there: a presenter, a watcher, and the phone of bob. A test overrides it to have others."""
    from pyc3p.elements import FarmPlan, Handset

    return FarmPlan(handsets=[Handset(name="phone", user="bob")])


@pytest.fixture
def conference(request: pytest.FixtureRequest, conference_plan: FarmPlan) -> Meeting:
    """`pyc3p.simnet.Meeting`: a conference that everybody has joined, with phones that are registered."""
    from pyc3p.simnet import Meeting

    meeting = Meeting(conference_plan, seed=request.config.stash[_SEED])
    _tell(request, meeting.network.story)
    meeting.register_phones()
    meeting.open()
    return meeting


@pytest.fixture
def phones(conference: Meeting) -> Mapping[str, Phone]:
    """The phones of ``conference``, by their names."""
    return conference.sim.farm.phones


def _tell(request: pytest.FixtureRequest, story: Callable[[], str]) -> None:
    request.node.stash.setdefault(_STORIES, []).append(story)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Put the ladder under the traceback, and write the file that replays it."""
    report = yield
    stories = item.stash.get(_STORIES, [])
    error = call.excinfo.value if call.excinfo is not None else None
    if report.failed and (stories or hasattr(error, "story")):
        texts = [story() for story in stories] or [str(getattr(error, "story", ""))]
        path = _keep(item, texts, error)
        for text in texts if stories else ():
            report.sections.append(("messages", _shortened(text)))
        report.sections.append(("replay", f"pytest --pyc3p-replay {path}"))
    return report


def _shortened(text: str) -> str:
    lines = text.splitlines()
    if len(lines) <= SHOWN:
        return text
    return "\n".join([*lines[: SHOWN // 2], f"... {len(lines) - SHOWN} lines ...", *lines[-SHOWN // 2 :]])


def _keep(item: pytest.Item, texts: list[str], error: object) -> Path:
    """Write what replays a failure."""
    folder = Path(item.config.getoption("--pyc3p-failures"))
    if not folder.is_absolute():
        folder = item.config.rootpath / folder
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{re.sub(r'[^A-Za-z0-9_.]+', '-', item.nodeid)[-120:]}.json"
    failure: dict[str, Any] = {
        "test": item.nodeid,
        "seed": item.config.stash[_SEED],
        "error": f"{type(error).__name__}: {error}"[:2000],
        "messages": [text.splitlines() for text in texts],
    }
    path.write_text(json.dumps(failure, indent=1), encoding="utf-8")
    return path
