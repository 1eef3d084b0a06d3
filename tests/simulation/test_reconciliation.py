"""Whatever is lost between Focus and MCUs, in the end what was wanted is so: by Hypothesis, from a seed of chances."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import c3p
import focus
from pyc3p.roster import endpoint_states
from pyc3p.simnet import HttpFault, Meeting
from sip import SeededEntropy

BOB, CAROL = "sip:bob@example.com", "sip:carol@example.com"
PHONES = {BOB: "phone-bob", CAROL: "phone-carol"}
MCUS = ("mcu-1", "mcu-2", "mcu-3")
Meet = Callable[..., Meeting]

#: Virtual seconds until the slowest of it is over: an exchange that waits, the longest pause between two questions, a
#: Focus that an MCU gives up, and what is told again to an MCU.
SETTLING = 180.0

ACTS = (
    "dial bob",
    "dial carol",
    "eject bob",
    "eject carol",
    "mute all",
    "unmute all",
    "lock",
    "unlock",
    "kill",
    "wait",
)


class Weather(dict[str, HttpFault]):
    """Faults that come by chance, each time that an exchange asks for one, in either direction."""

    def __init__(self, seed: int, share: float) -> None:
        super().__init__()
        self.chance, self.share = SeededEntropy(b"weather %d" % seed), share

    def get(self, name: str, default: object = None) -> HttpFault | None:  # type: ignore[override]
        if self.chance.uniform() >= self.share:
            return None
        kinds = tuple(HttpFault)
        return kinds[int(self.chance.uniform() * len(kinds))]


class Told:
    """What the presenter wanted, in order, and what came of it."""

    def __init__(self, meeting: Meeting) -> None:
        self.meeting = meeting
        self.commands: list[tuple[str, focus.CommandId]] = []
        self.killed = False

    def give(self, act: str) -> None:
        meeting, client = self.meeting, self.meeting.client("presenter")
        now = meeting.network.now
        what, _, who = act.partition(" ")
        user = {"bob": BOB, "carol": CAROL}.get(who, "")
        if act == "kill":
            self._kill()
            return
        if act == "wait" or client.state is not focus.ClientState.JOINED:
            return
        if what == "dial":
            command = client.add_user(user, now=now)
        elif what == "eject":
            command = client.delete_user(user, now=now)
        elif who == "all":
            command = client.mute_all(what == "mute", now=now)
        else:
            command = client.set_lock(what == "lock", now=now)
        self.commands.append((act, command))
        meeting.sim.kick("presenter")

    def _kill(self) -> None:
        """The MCU that has the conference dies, if another one is left."""
        alive = [name for name in MCUS if not self.meeting.host(name).off]
        holding = [name for name in alive if self.meeting.sim.farm.mcus[name].conferences]
        if len(alive) > 1 and holding:
            self.meeting.network.remove(self.meeting.host(holding[0]))
            self.killed = True

    def last(self, *acts: str) -> tuple[str, bool] | None:
        """The last command of these kinds that was not refused, and whether it succeeded."""
        for act, command in reversed(self.commands):
            (outcome,) = self.meeting.outcomes("presenter", command)
            if act in acts and not (isinstance(outcome.event, focus.CommandFailed) and outcome.event.status):
                return act, outcome.succeeded
        return None


def check(meeting: Meeting, told: Told) -> None:
    for act, command in told.commands:
        assert len(meeting.outcomes("presenter", command)) == 1, act
    true = meeting.true_roster()
    for name in ("presenter", "watcher"):
        assert meeting.roster(name) == true, name
    living = {name: one for name, one in meeting.sim.farm.mcus.items() if not meeting.host(name).off}
    holding = {name: one for name, one in living.items() if one.conferences}
    assert len(holding) <= 1, "two MCUs have the conference"
    legs: dict[tuple[str, str], str] = {}
    for one in holding.values():
        info = one.conference(meeting.uri)
        assert info is not None
        legs = endpoint_states(info)
        _check_settings(meeting, told, info)
    assert legs == {key: state for key, state in true.items() if state.startswith("audio-video")}
    for user, phone in PHONES.items():
        who = user[4:].partition("@")[0]
        if told.last(f"dial {who}", f"eject {who}") == (f"eject {who}", True):
            assert not [key for key in true if key[0] == user], f"{user} was ejected and is in the roster"
            # A phone whose MCU lost its power hears nothing, and finds that out by itself.
            assert told.killed or meeting.phone(phone).state is None, f"{user} was ejected and is in a call"


def _check_settings(meeting: Meeting, told: Told, info: c3p.ConferenceInfo) -> None:
    assert info.conference_view is not None
    (view,) = info.conference_view.views
    state = view.entity_state
    assert state is not None
    locked = told.last("lock", "unlock")
    assert state.locked == (locked is not None and locked[0] == "lock")
    rules = told.last("mute all", "unmute all")
    if rules is not None and rules[1]:
        assert state.media_filters_rules is not None
        wanted = c3p.Filter.BLOCK if rules[0] == "mute all" else c3p.Filter.UNBLOCK
        assert [one.ingress_filter for one in state.media_filters_rules.initial_filters] == [wanted]
        for user in info.users.users if info.users is not None else ():
            for endpoint in user.endpoints:
                assert {one.ingress_filter for one in endpoint.media} <= {wanted.value}, user.entity


@pytest.mark.parametrize("share", [0.15, 0.4])
@settings(max_examples=4, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    acts=st.lists(st.tuples(st.sampled_from(ACTS), st.sampled_from((0.0, 0.3, 3.0, 40.0))), min_size=2, max_size=6),
    seed=st.integers(0, 1_000_000),
)
def test_what_was_wanted_is_so_in_the_end(meet: Meet, share: float, acts: list[tuple[str, float]], seed: int) -> None:
    meeting = meet(mcus=MCUS, seed=seed)
    told = Told(meeting)
    told.give("dial bob")
    meeting.network.run_for(5.0)
    meeting.network.web.faults = Weather(seed, share)
    for act, pause in acts:
        told.give(act)
        meeting.network.run_for(pause)
    meeting.network.run_for(10.0)
    meeting.network.web.faults = {}
    meeting.network.run_for(SETTLING)
    check(meeting, told)
