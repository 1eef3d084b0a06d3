"""Did everything happen? Answers from what went over the network and what everybody saw, not from what was intended."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import attrs

from pyc3p.commands.demo_report import Check, Stage
from pyc3p.phone.tone import Heard
from pyc3p.trace.ladder import Band, Ladder, Step

#: What every subscriber must see of somebody who is called, answers and is ejected (RFC 4575 section 5.7.3).
CALLED: Final = ("audio-video dialing-out", "audio-video alerting", "audio-video connected")
EJECTED: Final = ("audio-video disconnecting", "audio-video disconnected (booted)", "gone")


@attrs.frozen
class Expected:
    """A message that must be in the ladder."""

    source: str
    target: str
    label: str
    detail: str = ""

    def fits(self, step: Step) -> bool:
        """Whether this is the message."""
        return (
            (step.source, step.target) == (self.source, self.target)
            and step.label.startswith(self.label)
            and self.detail in step.detail
        )


def main_job(user: str, phone: str, subscribers: Sequence[str]) -> list[tuple[str, tuple[Expected, ...]]]:
    """The eight steps of adding a legacy phone to a conference, each with its messages."""
    notified = tuple(Expected("focus", name, "BENOTIFY", f"{user} audio-video connected") for name in subscribers)
    return [
        (
            "1 the presenter asks the Focus to add a phone, the Focus accepts",
            (
                Expected("presenter", "focus", "INFO", f"addUser dialed-out {user}"),
                Expected("focus", "presenter", "202"),
            ),
        ),
        (
            "2 the Focus asks the MCU Factory for an A/V conferencing server",
            (
                Expected("focus", "mcu-factory", "POST", "addConference"),
                Expected("mcu-factory", "focus", "200", "addConference success"),
            ),
        ),
        (
            "3 the Focus bootstraps it",
            (
                Expected("focus", "mcu", "POST", "addConference"),
                Expected("mcu", "focus", "200", "addConference success"),
            ),
        ),
        (
            "4 the Focus tells it to dial out, it authorises the command",
            (
                Expected("focus", "mcu", "POST", f"addUser dialed-out {user}"),
                Expected("mcu", "focus", "200", "addUser pending"),
            ),
        ),
        (
            "5 it sends INVITE through the outbound proxy, the phone rings",
            (
                Expected("mcu", "proxy", "INVITE", user),
                Expected("proxy", phone, "INVITE", user),
                Expected(phone, "proxy", "180"),
            ),
        ),
        (
            "6 the phone answers, RTP flows directly between the two",
            (
                Expected(phone, "proxy", "200", "INVITE SDP audio"),
                Expected("mcu", "proxy", "ACK"),
                Expected("proxy", phone, "ACK"),
            ),
        ),
        (
            "7 the conferencing server reports the participant to the Focus",
            (
                Expected("mcu", "focus", "POST", f"{user} audio-video connected"),
                Expected("mcu", "focus", "POST", "addUser success"),
            ),
        ),
        (
            "8 the Focus notifies every subscriber, the presenter gets the result",
            (*notified, Expected("focus", "presenter", "INFO", "addUser success")),
        ),
    ]


def check_main_job(ladder: Ladder, user: str, phone: str, subscribers: Sequence[str]) -> list[Check]:
    """Each of the eight steps, by its messages and, for the sixth, by its media."""
    steps = [item for item in ladder.items if isinstance(item, Step)]
    checks = []
    for title, expected in main_job(user, phone, subscribers):
        missing = [each for each in expected if not any(each.fits(step) for step in steps)]
        if title.startswith("6") and not _media(ladder, "mcu", phone):
            missing.append(Expected("mcu", phone, "RTP both ways"))
        detail = ", ".join(f"no {each.label} {each.detail} from {each.source} to {each.target}" for each in missing)
        checks.append(Check(title, not missing, detail))
    return checks


def stages(ladder: Ladder, user: str, phone: str, subscribers: Sequence[str]) -> list[Stage]:
    """When each of the eight steps began and ended, as far as its messages are there; in their order."""
    steps = [item for item in ladder.items if isinstance(item, Step)]
    found = []
    for title, expected in main_job(user, phone, subscribers):
        times = [step.at for each in expected for step in steps if each.fits(step)]
        number, _, words = title.partition(" ")
        if times:
            found.append(Stage(number=number, title=words, began=min(times), ended=max(times)))
    return found


def number_stages(ladder: Ladder, user: str, phone: str, subscribers: Sequence[str]) -> None:
    """Number the message with which each of the eight steps begins."""
    waiting = {title[0]: expected[0] for title, expected in main_job(user, phone, subscribers)}

    def stage_of(step: Step) -> str:
        for number, expected in waiting.items():
            if expected.fits(step):
                del waiting[number]
                return number
        return ""

    ladder.number(stage_of)


def _media(ladder: Ladder, one: str, other: str) -> bool:
    """Whether RTP flowed both ways."""
    bands = [item for item in ladder.items if isinstance(item, Band) and {item.left, item.right} == {one, other}]
    return any(band.forth > 10 and band.back > 10 for band in bands)


def check_history(who: str, user: str, seen: Sequence[str], expected: Iterable[str]) -> Check:
    """Whether a subscriber saw these states of a user, in this order."""
    wanted = list(expected)
    short = [state.removeprefix("audio-video ") for state in seen]
    return Check(f"{who} saw every change of {user}", list(seen) == wanted, " → ".join(short) or "nothing")


def check_tone(who: str, heard: Heard, expected: bool) -> Check:
    """Whether a tone was heard, or was not, as it must be."""
    title = f"{who} {'hears' if expected else 'does not hear'} {heard.frequency:g} Hz"
    return Check(title, heard.heard is expected, f"{heard.level:.1f} dB, {heard.share:.0%} of the sound")
