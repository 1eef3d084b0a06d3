"""What a simulation is made of: who is there, what people do, and what goes wrong."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import attrs

import focus
import mcu
from pyc3p.elements.farm import FarmPlan, Handset, Person
from pyc3p.phone import Reaction
from pyc3p.simnet import Conditions
from pyc3p.simulate.acts import Act
from pyc3p.simulate.ear import Voice
from pyc3p.simulate.trouble import Trouble

#: Frequencies of the phones: whole numbers of periods in 20 ms, so that one tone is nothing at the place of another.
_TONES: Final = (400, 700, 1000, 1300, 1600, 1900)

_PEOPLE: Final = (
    Person(name="ann", user="ann", display_name="Ann"),
    Person(name="ben", user="ben", display_name="Ben", transport="udp"),
    Person(name="cat", user="cat", display_name="Cat"),
    Person(name="guest", user="guest", display_name="Gus", guest=True),
)

#: One phone of each kind; what answers may be told to do something else for its next call.
_PHONES: Final = (
    ("phone-dan", "dan", Reaction.ANSWER, 0.4, None),
    ("phone-eve", "eve", Reaction.ANSWER, 2.5, 20.0),
    ("phone-fay", "fay", Reaction.ANSWER, 0.05, None),
    ("phone-gil", "gil", Reaction.REDIRECT, 0.5, None),
    ("phone-hal", "hal", Reaction.IGNORE, 0.5, None),
    ("phone-ida", "ida", Reaction.ANSWER, 0.5, None),  # where others redirect to
)


def _handsets() -> tuple[Handset, ...]:
    return tuple(
        Handset(
            name=name,
            user=user,
            source=Voice(tone),
            reaction=reaction,
            ring_time=ring_time,
            hang_up_after=hang_up_after,
            forward_to="ida",
        )
        for (name, user, reaction, ring_time, hang_up_after), tone in zip(_PHONES, _TONES, strict=False)
    )


#: What clients do when they may do anything, and how often.
_EVERYTHING: Final[Mapping[Act, int]] = {
    Act.DIAL: 30,
    Act.DIAL_AGAIN: 4,
    Act.DIAL_MUTED: 3,
    Act.DIAL_NOBODY: 1,
    Act.EJECT: 14,
    Act.MUTE: 8,
    Act.UNMUTE: 5,
    Act.MUTE_ALL: 3,
    Act.UNMUTE_ALL: 2,
    Act.LOCK: 2,
    Act.UNLOCK: 3,
    Act.PROMOTE: 3,
    Act.DEMOTE: 2,
    Act.ADMIT: 4,
    Act.TURN_AWAY: 1,
    Act.ASK: 3,
    Act.ANNOUNCE: 1,
    Act.LEAVE: 3,
    Act.END: 1,
    Act.UNSUBSCRIBE: 1,
    Act.HANG_UP: 6,
    Act.HOLD: 3,
    Act.RESUME: 3,
    Act.ANSWER_NOW: 3,
    Act.OTHER_HABIT: 3,
}

#: What they do where calls and ejections are what is looked at.
_CALLS: Final[Mapping[Act, int]] = {
    Act.DIAL: 30,
    Act.DIAL_AGAIN: 2,
    Act.EJECT: 20,
    Act.MUTE: 4,
    Act.UNMUTE: 2,
    Act.MUTE_ALL: 3,
    Act.UNMUTE_ALL: 2,
    Act.ASK: 1,
    Act.LEAVE: 1,
    Act.HANG_UP: 4,
    Act.HOLD: 2,
    Act.RESUME: 2,
    Act.OTHER_HABIT: 1,
}

_LOSSY: Final = Conditions(loss=0.05, duplication=0.03, reordering=0.05, jitter=0.01, media_loss=0.01)


@attrs.frozen(kw_only=True)
class Scenario:
    """One kind of simulation."""

    name: str
    summary: str
    acts: Mapping[Act, int] = _EVERYTHING
    trouble: Mapping[Trouble, int] = attrs.Factory(dict)  #: what goes wrong, and how often in proportion
    trouble_share: float = 0.0  #: how much of what happens is trouble
    conditions: Conditions = Conditions()
    mcus: tuple[str, ...] = ("mcu-1", "mcu-2")
    people: tuple[Person, ...] = _PEOPLE
    lobby: bool = False
    restarts_keep_state: bool | None = False  #: None: chance says
    foci: tuple[str, ...] = ()  #: nodes that share the conferences through a store; none: one Focus

    def plan(self) -> FarmPlan:
        """Who and what there is."""
        return FarmPlan(
            people=self.people,
            handsets=_handsets(),
            mcus=self.mcus,
            foci=self.foci,
            conference_policy=focus.ConferenceRules(),
            dial_out_policy=mcu.DialOutRules(),
            durable=self.restarts_keep_state is not False,
        )


_NETWORK: Final[Mapping[Trouble, int]] = {
    Trouble.RESET: 6,
    Trouble.HALF_OPEN: 3,
    Trouble.CUT: 8,
    Trouble.CUT_ONE_WAY: 6,
    Trouble.ALONE: 3,
    Trouble.SLOW_READER: 3,
    Trouble.BAD_LINK: 5,
}
_HTTP: Final[Mapping[Trouble, int]] = {
    Trouble.HTTP_REFUSED: 5,
    Trouble.HTTP_SILENT: 6,
    Trouble.HTTP_ANSWER_LOST: 6,
    Trouble.HTTP_GARBAGE: 2,
}
_DEATHS: Final[Mapping[Trouble, int]] = {
    Trouble.MCU_DIES: 4,
    Trouble.MCU_RESTARTS: 5,
    Trouble.FACTORY_RESTARTS: 2,
    Trouble.PROXY_RESTARTS: 2,
    Trouble.PHONE_DIES: 4,
    Trouble.CLIENT_DIES: 3,
}
_FOCUS: Final[Mapping[Trouble, int]] = {Trouble.FOCUS_RESTARTS: 4, Trouble.FOCUS_DIES: 2, Trouble.CLOCK_STEPS: 2}

_NODES: Final[Mapping[Trouble, int]] = {
    Trouble.FOCUS_RESTARTS: 4,
    Trouble.FOCUS_DIES: 6,
    Trouble.NODE_DRAINS: 3,
    Trouble.STORE_AWAY: 3,
    Trouble.STORE_CUT: 6,
    Trouble.STORE_FORGETS: 2,
    Trouble.WRONG_NODE: 4,
    Trouble.CLOCK_STEPS: 2,
    Trouble.MCU_DIES: 1,
    Trouble.CUT: 2,
    Trouble.CUT_ONE_WAY: 2,
    Trouble.RESET: 2,
    Trouble.CLIENT_DIES: 1,
}

SCENARIOS: Final[Mapping[str, Scenario]] = {
    each.name: each
    for each in (
        Scenario(name="calm", summary="people and phones do whatever they like, and nothing goes wrong"),
        Scenario(
            name="lobby",
            summary="the same in a conference with a lobby, over a network that loses one datagram in twenty",
            conditions=_LOSSY,
            lobby=True,
        ),
        Scenario(
            name="network",
            summary="links are cut, in one direction or both, connections break or are half-open, readers are slow",
            conditions=_LOSSY,
            trouble=_NETWORK,
            trouble_share=0.1,
        ),
        Scenario(
            name="http",
            summary="C3P over HTTP is refused, not answered, answered with junk, or its answer is lost",
            acts=_CALLS,
            trouble=_HTTP,
            trouble_share=0.08,
        ),
        Scenario(
            name="deaths",
            summary="MCUs, phones, clients, the proxy and the MCU Factory die, with or without a word, and start again",
            acts=_CALLS,
            trouble=_DEATHS,
            trouble_share=0.07,
        ),
        Scenario(
            name="focus",
            summary="the Focus dies and starts again with what it had written, and clocks are set",
            trouble=_FOCUS,
            trouble_share=0.06,
            restarts_keep_state=True,
        ),
        Scenario(
            name="nodes",
            summary="three nodes share conferences; they die, drain, are cut off, and their store is away or forgets",
            trouble=_NODES,
            trouble_share=0.1,
            restarts_keep_state=True,
            foci=("focus-1", "focus-2", "focus-3"),
        ),
        Scenario(
            name="everything",
            summary="all of it at once",
            conditions=_LOSSY,
            trouble={**_NETWORK, **_HTTP, **_DEATHS, **_FOCUS},
            trouble_share=0.1,
            restarts_keep_state=None,
        ),
    )
}
