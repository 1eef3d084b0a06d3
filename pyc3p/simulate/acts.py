"""What people do: commands of clients, and hands on phones. Each is possible, or is not done."""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from typing import Final

import c3p
import focus
from pyc3p.phone import CallState, Phone, Reaction
from pyc3p.simulate.world import World


class Act(enum.Enum):
    """One thing that somebody does."""

    DIAL = "have a phone called"
    DIAL_AGAIN = "have somebody called who is in already"
    DIAL_MUTED = "have a phone called that is not to be heard"
    DIAL_NOBODY = "have an address called at which nobody is"
    EJECT = "throw somebody out"
    MUTE = "mute somebody"
    UNMUTE = "unmute somebody"
    MUTE_ALL = "mute everybody"
    UNMUTE_ALL = "unmute everybody"
    LOCK = "lock the conference"
    UNLOCK = "unlock it"
    PROMOTE = "make somebody presenter"
    DEMOTE = "make somebody attendee"
    ADMIT = "let everybody in from the lobby"
    TURN_AWAY = "send everybody in the lobby away"
    ASK = "ask for the whole state"
    ANNOUNCE = "announce a call to the MCU that does not come"
    LEAVE = "leave"
    END = "end the conference"
    UNSUBSCRIBE = "stop following"
    HANG_UP = "hang up"
    HOLD = "hold a call"
    RESUME = "take a held call back"
    ANSWER_NOW = "take a call that rings"
    OTHER_HABIT = "treat the next call otherwise"


def perform(world: World, act: Act) -> None:
    """Do it, with whoever can; nothing happens where nobody can. Who is in no conference goes into one first."""
    if act in _PHONE_ACTS:
        _PHONE_ACTS[act](world)
        return
    # Guests may do little: mostly somebody else does something.
    name = world.choices.one_of(world.clients if world.choices.happens(0.3) else world.accounts)
    client = world.client(name)
    if client is None:
        return
    if client.state is focus.ClientState.OUT:
        world.enter(name)
    elif client.state is focus.ClientState.JOINED:
        if client.roster is None and not world.watches(name):
            world.watch(name)
        elif act in _CLIENT_ACTS:
            _CLIENT_ACTS[act](world, name)


# Clients -------------------------------------------------------------------------------------------------------------


def _dial(world: World, name: str, muted: bool = False) -> None:
    uri = world.aor(world.choices.one_of(world.callable))
    world.give(name, "addUser", uri, lambda client, now: client.add_user(uri, muted=muted, now=now))


def _dial_again(world: World, name: str) -> None:
    present = [uri for uri in world.present(name) if uri in world.phone_uris]
    if present:
        uri = world.choices.one_of(present)
        world.give(name, "addUser", uri, lambda client, now: client.add_user(uri, now=now))


def _dial_nobody(world: World, name: str) -> None:
    uri = world.aor("nobody")
    world.give(name, "addUser", uri, lambda client, now: client.add_user(uri, now=now))


def _eject(world: World, name: str) -> None:
    present = [uri for uri in world.present(name) if uri != world.aor_of(name)]
    phones = [uri for uri in present if uri in world.phone_uris]
    # Now and then somebody who is only being called, or is not there at all.
    chosen = phones if phones and world.choices.happens(0.85) else [*present, *sorted(world.phone_uris)]
    uri = world.choices.one_of(chosen)
    world.give(name, "deleteUser", uri, lambda client, now: client.delete_user(uri, now=now))


def _mute(world: World, name: str, muted: bool) -> None:
    heard = world.audio_endpoints(name)
    if heard:
        uri, endpoint = world.choices.one_of(heard)
        world.give(name, "mute", uri, lambda client, now: client.mute(uri, endpoint=endpoint, muted=muted, now=now))


def _mute_all(world: World, name: str, muted: bool) -> None:
    may = not muted or world.choices.happens(0.5)
    world.give(name, "muteAll", "", lambda client, now: client.mute_all(muted, may_unmute=may, now=now))


def _lock(world: World, name: str, locked: bool) -> None:
    world.give(name, "lock", "", lambda client, now: client.set_lock(locked, now=now))


def _role(world: World, name: str, role: str) -> None:
    present = world.present(name)
    if present:
        uri = world.choices.one_of(present)
        world.give(name, "roles", uri, lambda client, now: client.modify_user_roles(uri, role, now=now))


def _lobby(world: World, name: str, granted: bool) -> None:
    waiting = world.in_lobby(name)
    if waiting:
        world.give(
            name,
            "lobby",
            ",".join(waiting),
            lambda client, now: client.set_lobby_access(waiting, granted=granted, now=now),
        )


def _ask(world: World, name: str) -> None:
    world.give(name, "getConference", "", lambda client, now: client.get_conference(now=now))


def _announce(world: World, name: str) -> None:
    world.give(name, "dialIn", "", lambda client, now: client.dial_in(now=now))


def _leave(world: World, name: str) -> None:
    client = world.client(name)
    assert client is not None
    client.leave(now=world.network.now)
    world.sim.kick(name)


def _end(world: World, name: str) -> None:
    world.give(name, "end", "", lambda client, now: client.end_conference(now=now))


def _unsubscribe(world: World, name: str) -> None:
    client = world.client(name)
    assert client is not None
    client.unsubscribe(now=world.network.now)
    world.sim.kick(name)


_CLIENT_ACTS: Final[Mapping[Act, Callable[[World, str], None]]] = {
    Act.DIAL: _dial,
    Act.DIAL_AGAIN: _dial_again,
    Act.DIAL_MUTED: lambda world, name: _dial(world, name, True),
    Act.DIAL_NOBODY: _dial_nobody,
    Act.EJECT: _eject,
    Act.MUTE: lambda world, name: _mute(world, name, True),
    Act.UNMUTE: lambda world, name: _mute(world, name, False),
    Act.MUTE_ALL: lambda world, name: _mute_all(world, name, True),
    Act.UNMUTE_ALL: lambda world, name: _mute_all(world, name, False),
    Act.LOCK: lambda world, name: _lock(world, name, True),
    Act.UNLOCK: lambda world, name: _lock(world, name, False),
    Act.PROMOTE: lambda world, name: _role(world, name, c3p.Role.PRESENTER),
    Act.DEMOTE: lambda world, name: _role(world, name, c3p.Role.ATTENDEE),
    Act.ADMIT: lambda world, name: _lobby(world, name, True),
    Act.TURN_AWAY: lambda world, name: _lobby(world, name, False),
    Act.ASK: _ask,
    Act.ANNOUNCE: _announce,
    Act.LEAVE: _leave,
    Act.END: _end,
    Act.UNSUBSCRIBE: _unsubscribe,
}


# Phones --------------------------------------------------------------------------------------------------------------

#: What a phone may do with its next call.
_HABITS: Final = (
    Reaction.ANSWER,
    Reaction.ANSWER,
    Reaction.BUSY,
    Reaction.DECLINE,
    Reaction.IGNORE,
    Reaction.REDIRECT,
    Reaction.UNUSABLE_MEDIA,
)


def _with_phone(world: World, fits: Callable[[Phone], bool], act: Callable[[Phone, float], None]) -> None:
    names = [name for name in world.phones if (phone := world.phone(name)) is not None and fits(phone)]
    if names:
        name = world.choices.one_of(names)
        phone = world.phone(name)
        assert phone is not None
        act(phone, world.network.now)
        world.sim.kick(name)


def _hang_up(world: World) -> None:
    _with_phone(world, lambda phone: phone.state is not None, lambda phone, now: phone.hang_up(now=now))


def _hold(world: World, held: bool) -> None:
    _with_phone(world, lambda phone: phone.may_hold, lambda phone, now: phone.hold(held, now=now))


def _answer_now(world: World) -> None:
    _with_phone(world, lambda phone: phone.state is CallState.RINGING, lambda phone, now: phone.answer(now=now))


def _other_habit(world: World) -> None:
    habit = world.choices.one_of(_HABITS)

    def change(phone: Phone, now: float) -> None:
        phone.reaction = habit

    _with_phone(world, lambda phone: True, change)


_PHONE_ACTS: Final[Mapping[Act, Callable[[World], None]]] = {
    Act.HANG_UP: _hang_up,
    Act.HOLD: lambda world: _hold(world, True),
    Act.RESUME: lambda world: _hold(world, False),
    Act.ANSWER_NOW: _answer_now,
    Act.OTHER_HABIT: _other_habit,
}
