"""In the end everybody sees the same: subscribers, the Focus, and the MCUs with their legs and their locks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import c3p
from pyc3p.roster import endpoint_states

States = Mapping[tuple[str, str], str]  #: status by user and endpoint


def differences(
    conference: str,
    truth: c3p.ConferenceInfo | None,
    seen: Mapping[str, c3p.ConferenceInfo | None],
    legs: Mapping[str, c3p.ConferenceInfo],
) -> list[str]:
    """Complain of rosters that are not what the Focus holds, and of legs that it does not know, or that are not there.

    ``seen`` is what each subscriber sees, ``legs`` what each MCU has of the conference. Who waits in the lobby sees
    only itself.
    """
    held = endpoint_states(truth) if truth is not None else {}
    complaints = []
    waiting = {user for (user, _), state in held.items() if state == "focus on-hold"}
    for name, info in seen.items():
        states = endpoint_states(info) if info is not None else {}
        if states != held and not (waiting and {user for user, _ in states} <= waiting):
            complaints.append(f"{name} sees another roster than the Focus has: {_difference(held, states)}")
    at_focus = {key: state for key, state in held.items() if _is_audio(state)}
    at_mcus: dict[tuple[str, str], str] = {}
    for mcu, info in legs.items():
        for key, state in endpoint_states(info).items():
            if key in at_mcus:
                complaints.append(f"{key[0]} has the same leg on two MCUs, one of them {mcu}")
            at_mcus[key] = state
    if at_focus != at_mcus:
        complaints.append(f"the MCUs have other legs than the Focus of {conference}: {_difference(at_focus, at_mcus)}")
    return complaints


def owners(conference: str, truths: Iterable[str]) -> list[str]:
    """Complain of a conference that more than one Focus has; ``truths`` are their names."""
    names = sorted(truths)
    return [f"{' and '.join(names)} all have {conference}"] if len(names) > 1 else []


def locks(conference: str, truth: c3p.ConferenceInfo | None, legs: Mapping[str, c3p.ConferenceInfo]) -> list[str]:
    """Complain of a conference that is locked for the Focus and open on an MCU, or the other way round."""
    if truth is None:
        return []
    held = _locked(truth, conference)
    return [
        f"{mcu} has {'an open' if held else 'a locked'} conference, for the Focus it is {'locked' if held else 'open'}"
        for mcu, info in legs.items()
        if any(locked is not held for locked in _locks(info))
    ]


def _locked(info: c3p.ConferenceInfo, entity: str) -> bool:
    views = info.conference_view.views if info.conference_view is not None else ()
    return any(view.entity == entity and view.entity_state is not None and view.entity_state.locked for view in views)


def _locks(info: c3p.ConferenceInfo) -> list[bool]:
    views = info.conference_view.views if info.conference_view is not None else ()
    return [bool(view.entity_state.locked) for view in views if view.entity_state is not None]


def _is_audio(state: str) -> bool:
    return state.startswith(c3p.SessionType.AUDIO_VIDEO)


def _difference(expected: States, found: States) -> str:
    told = [f"without {user} {endpoint} ({state})" for (user, endpoint), state in _only(expected, found)]
    told += [f"with {user} {endpoint} ({state})" for (user, endpoint), state in _only(found, expected)]
    told += [
        f"{user} {found[user, endpoint]} in place of {state}"
        for (user, endpoint), state in expected.items()
        if (user, endpoint) in found and found[user, endpoint] != state
    ]
    return "; ".join(told)


def _only(here: States, there: States) -> list[tuple[tuple[str, str], str]]:
    return [(key, state) for key, state in here.items() if key not in there]
