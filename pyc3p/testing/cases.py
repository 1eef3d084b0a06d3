"""Cases for a conference: what people in it do, and what has to be true when they are told that it is done."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import attrs
from hypothesis import strategies as st

import c3p
import focus
from pyc3p.roster import endpoint_states
from pyc3p.testing.stage import ATTENDEE, BUSY, LATECOMER, PRESENTER, TONES, Stage
from sip.testing import Force

_C3P: Final = "C3P, what a success says"
_WHO: Final = st.sampled_from(sorted(TONES))


@attrs.frozen(kw_only=True)
class MeetingCase:
    """One rule of a conference machine."""

    name: str
    source: str
    clause: str
    reason: str
    act: Callable[..., None]
    ready: Callable[[Stage], bool]
    given: Mapping[str, st.SearchStrategy[Any]]


def case(
    source: str,
    clause: str,
    *,
    ready: Callable[[Stage], bool] = lambda stage: True,
    **given: st.SearchStrategy[Any],
) -> Callable[[Callable[..., None]], MeetingCase]:
    """Make a case of a function whose first argument is the stage, and the others drawn from ``given``."""

    def made(act: Callable[..., None]) -> MeetingCase:
        reason = " ".join((act.__doc__ or "").split())
        return MeetingCase(
            name=act.__name__, source=source, clause=clause, reason=reason, act=act, ready=ready, given=given
        )

    return made


def _told_since(stage: Stage, about: str, number: int) -> bool:
    """Whether something else was commanded about it since, so that nobody knows what is true."""
    return stage.told[about].number > number if about in stage.told else False


@case(_C3P, "a success of addUser means that the phone is in the conference", who=_WHO, muted=st.booleans())
def dials(stage: Stage, who: str, muted: bool) -> None:
    """A presenter goes on speaking to somebody who is not there."""
    number = stage.next_number
    hung_up = stage.told.get(f"{who} hung up")

    def look() -> None:
        if not stage.talks(who) and not _told_since(stage, who, number) and stage.told.get(f"{who} hung up") == hung_up:
            clause = "a success of addUser means that the phone is in the conference"
            stage.blame(_C3P, Force.MUST, clause, f"the phone of {who} is {stage.meeting.phone(f'phone-{who}').state}")

    text = f"has {who} called" + (", who is not to be heard" if muted else "")
    stage.give(
        PRESENTER,
        text,
        lambda client, now: client.add_user(stage.aor(who), muted=muted, now=now),
        on_success=look,
        about=who,
    )
    if muted:
        _expect_silence(stage, who)


@case(_C3P, "an addUser of somebody who is busy fails")
def dials_somebody_busy(stage: Stage) -> None:
    """And says why."""
    stage.give(
        PRESENTER,
        f"has {BUSY} called, who is busy",
        lambda client, now: client.add_user(stage.aor(BUSY), now=now),
        on_success=lambda: stage.blame(_C3P, Force.MUST, "a call that is refused is no success", "success"),
    )


@case(_C3P, "an addUser of nobody fails")
def dials_nobody(stage: Stage) -> None:
    """There is no such address."""
    stage.give(
        PRESENTER,
        "has an address called at which nobody is",
        lambda client, now: client.add_user(stage.aor("nobody"), now=now),
        on_success=lambda: stage.blame(_C3P, Force.MUST, "a call to nobody is no success", "success"),
    )


@case(_C3P, "a success of deleteUser means that the phone is out", who=_WHO)
def ejects(stage: Stage, who: str) -> None:
    """Somebody hears on who was thrown out."""
    number = stage.next_number

    def look() -> None:
        if not stage.is_idle(who) and not _told_since(stage, who, number):
            clause = "a success of deleteUser means that the phone is out"
            stage.blame(_C3P, Force.MUST, clause, f"the phone of {who} is still in a call a second later")

    stage.give(
        PRESENTER,
        f"throws {who} out",
        lambda client, now: client.delete_user(stage.aor(who), now=now),
        on_success=lambda: stage.later(1.0, look),
        about=who,
    )


def _can_mute(stage: Stage) -> bool:
    return any(stage.endpoint_of(PRESENTER, user) for user in TONES)


@case(_C3P, "who was muted is not heard, and shown as muted", ready=_can_mute, muted=st.booleans())
def mutes(stage: Stage, muted: bool) -> None:
    """The dog of one barks into the talk of another."""
    user = next(user for user in TONES if stage.endpoint_of(PRESENTER, user))
    endpoint = stage.endpoint_of(PRESENTER, user) or ""
    number = stage.next_number

    def look() -> None:
        state = next((s for (uri, _), s in stage.meeting.roster(PRESENTER).items() if uri == stage.aor(user)), None)
        if (
            state is not None
            and "connected" in state
            and ("muted" in state) != muted
            and not _told_since(stage, user, number)
        ):
            clause = "who was muted is shown as muted, and nobody else"
            stage.blame(_C3P, Force.MUST, clause, f"{user} is shown as {state} a second after the success")

    stage.give(
        PRESENTER,
        f"{'mutes' if muted else 'unmutes'} {user}",
        lambda client, now: client.mute(stage.aor(user), endpoint=endpoint, muted=muted, now=now),
        on_success=lambda: stage.later(1.0, look),
        about=user,
    )
    if muted:
        _expect_silence(stage, user)


def _expect_silence(stage: Stage, user: str) -> None:
    """From the success on nobody hears a user, until something else is commanded about him."""
    given, told = stage.given[-1] if stage.given else None, stage.told.get(user)
    if given is None or told is None or given.number != told.number:
        return  # it was not given
    before, number = given.on_success, told.number

    def listen(since: float) -> None:
        until = stage.told[user].at if _told_since(stage, user, number) else stage.network.now
        for other, ear in stage.ears.items():
            at = ear.heard(TONES[user], since + 0.5, until) if other != user else None
            if at is not None:
                stage.blame(_C3P, Force.MUST, "who was muted is not heard", f"{other} hears {user} at {at:.2f} s")

    def succeeded() -> None:
        if before is not None:
            before()
        since = stage.network.now
        stage.later(6.0, lambda: listen(since))

    given.on_success = succeeded


@case(
    _C3P,
    "who was unmuted, or never muted, is heard by the others",
    ready=lambda stage: all(map(stage.talks, TONES)),
)
def speak_to_each_other(stage: Stage) -> None:
    """It is what it is all for."""
    stage.note("both phones speak")
    since, told = stage.network.now, dict(stage.told)
    shown = {uri: state for (uri, _), state in stage.meeting.roster(PRESENTER).items() if "connected" in state}
    stage.network.run_for(5.0)
    if stage.told != told or not all(map(stage.talks, TONES)):
        return
    for speaker, tone in TONES.items():
        if "muted" in shown.get(stage.aor(speaker), "muted"):
            continue
        for listener, ear in stage.ears.items():
            heard = ear.heard(tone, since + 0.5, stage.network.now)
            if listener == speaker and heard is not None:
                clause = "nobody hears himself"
                stage.blame(_C3P, Force.MUST, clause, f"{speaker} does at {heard:.2f} s")
            elif listener != speaker and heard is None:
                clause = "everybody who is not muted is heard by the others"
                stage.blame(_C3P, Force.MUST, clause, f"{listener} does not hear {speaker}")


@case(_C3P, "a success of modifyConferenceLock means that it is locked", locked=st.booleans())
def locks(stage: Stage, locked: bool) -> None:
    """Nobody else is to come in."""
    number = stage.next_number

    def look() -> None:
        if _told_since(stage, "lock", number):
            return
        for name, one in stage.meeting.sim.farm.mcus.items():
            info = one.conference(stage.meeting.uri)
            views = info.conference_view.views if info is not None and info.conference_view is not None else ()
            for view in views:
                if view.entity_state is not None and bool(view.entity_state.locked) is not locked:
                    clause = "an MCU is told of the lock"
                    stage.blame(_C3P, Force.MUST, clause, f"for {name} it is locked: {bool(view.entity_state.locked)}")

    stage.give(
        PRESENTER,
        "locks the conference" if locked else "unlocks it",
        lambda client, now: client.set_lock(locked, now=now),
        on_success=lambda: stage.later(2.0, look),
        about="lock",
    )


@case(_C3P, "a role that was given is shown", presenter=st.booleans())
def gives_a_role(stage: Stage, presenter: bool) -> None:
    """Ben is made presenter, or attendee again."""
    role = c3p.Role.PRESENTER if presenter else c3p.Role.ATTENDEE
    number = stage.next_number

    def look() -> None:
        roster = stage.meeting.client(PRESENTER).roster
        users = roster.users.users if roster is not None and roster.users is not None else ()
        shown = next((each.roles for each in users if each.entity == stage.aor("ben")), None)
        if shown is not None and shown != (role,) and not _told_since(stage, "ben", number):
            stage.blame(_C3P, Force.MUST, "a role that was given is shown", f"{shown} a second after the success")

    stage.give(
        PRESENTER,
        f"makes ben {role}",
        lambda client, now: client.modify_user_roles(stage.aor("ben"), role, now=now),
        on_success=lambda: stage.later(1.0, look),
        about="ben",
    )


def _attends(stage: Stage) -> bool:
    return stage.meeting.client(ATTENDEE).role == c3p.Role.ATTENDEE and "ben" not in stage.told


@case(
    _C3P,
    "an attendee may not lock, call, throw out or end",
    ready=_attends,
    what=st.sampled_from(("lock", "call", "throw out", "promote", "end")),
)
def attendee_oversteps(stage: Stage, what: str) -> None:
    """Ben is no presenter."""
    acts: Mapping[str, Callable[[focus.Client, float], focus.CommandId]] = {
        "lock": lambda client, now: client.set_lock(True, now=now),
        "call": lambda client, now: client.add_user(stage.aor("eve"), now=now),
        "throw out": lambda client, now: client.delete_user(stage.aor("ann"), now=now),
        "promote": lambda client, now: client.modify_user_roles(stage.aor("ben"), c3p.Role.PRESENTER, now=now),
        "end": lambda client, now: client.end_conference(now=now),
    }
    stage.give(ATTENDEE, f"tries to {what}, and may not", acts[what], forbidden=True)


@case("RFC 4575 section 4.6", "who comes later sees everything", ready=lambda stage: _is_out(stage, LATECOMER))
def somebody_joins(stage: Stage) -> None:
    """Cat is late."""
    stage.note("cat joins")
    client = stage.meeting.client(LATECOMER)
    client.join(stage.meeting.uri, now=stage.network.now)
    stage.meeting.sim.kick(LATECOMER)
    stage.network.run_for(2.0)
    if client.state is focus.ClientState.JOINED:
        client.subscribe(now=stage.network.now)
        stage.meeting.sim.kick(LATECOMER)


def _is_out(stage: Stage, name: str) -> bool:
    return stage.meeting.client(name).state is focus.ClientState.OUT


@case(
    "RFC 4575 section 5.6",
    "who has left is not shown any more",
    ready=lambda stage: stage.meeting.client(LATECOMER).state is focus.ClientState.JOINED,
)
def somebody_leaves(stage: Stage) -> None:
    """Cat has another meeting."""
    stage.note("cat leaves")
    stage.meeting.client(LATECOMER).leave(now=stage.network.now)
    stage.meeting.sim.kick(LATECOMER)

    def look() -> None:
        shown = {uri for uri, _ in stage.meeting.roster(PRESENTER)}
        if stage.aor("cat") in shown and _is_out(stage, LATECOMER):
            stage.blame("RFC 4575 section 5.6", Force.MUST, "who has left is not shown", "cat, two seconds later")

    stage.later(2.0, look)


@case("RFC 4575 section 4.6", "the whole state is what the changes have made")
def asks_for_everything(stage: Stage) -> None:
    """Who has missed something asks."""

    def look() -> None:
        response = given.ended[-1].response if given is not None else None
        command = response.command if response is not None else None
        info = command.conference_info if isinstance(command, c3p.GetConference) else None
        if info is None:
            stage.blame(_C3P, Force.MUST, "getConference is answered with the conference", f"{command}")
        elif difference := set(endpoint_states(info).items()) ^ set(stage.meeting.roster(PRESENTER).items()):
            clause = "the whole state is what the changes have made"
            stage.blame("RFC 4575 section 4.6", Force.MUST, clause, f"{sorted(difference)}")

    given = stage.give(
        PRESENTER,
        "asks for the whole state",
        lambda client, now: client.get_conference(now=now),
        on_success=look,
    )


@case("RFC 3261 section 15", "a phone that hangs up is out", ready=lambda stage: any(map(stage.talks, TONES)))
def phone_hangs_up(stage: Stage) -> None:
    """Nobody told the Focus but the MCU."""
    user = next(filter(stage.talks, TONES))
    stage.note(f"{user} hangs up")
    stage.tell(f"{user} hung up")
    stage.meeting.phone(f"phone-{user}").hang_up(now=stage.network.now)
    stage.meeting.sim.kick(f"phone-{user}")


@case(
    "RFC 4575 section 4.6",
    "time passes, and what was begun comes to its end",
    seconds=st.sampled_from((0.01, 0.3, 2.0, 8.0)),
)
def time_passes(stage: Stage, seconds: float) -> None:
    """Cases that wait for nothing cross."""
    stage.network.run_for(seconds)


MEETING_CASES: Final[tuple[MeetingCase, ...]] = (
    dials,
    dials_somebody_busy,
    dials_nobody,
    ejects,
    mutes,
    speak_to_each_other,
    locks,
    gives_a_role,
    attendee_oversteps,
    somebody_joins,
    somebody_leaves,
    asks_for_everything,
    phone_hangs_up,
    time_passes,
)
