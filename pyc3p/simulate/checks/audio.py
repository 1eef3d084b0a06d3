"""Nobody who was thrown out hears, or is heard."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from pyc3p.simulate.checks.ejections import Ejection
from pyc3p.simulate.ear import Ear
from pyc3p.trace.trace import Names, Record

#: Seconds that may pass from the confirmation to the last packet: what is on its way, over the worst link.
GRACE: Final = 2.0
#: ... and to the last that is heard of somebody: with sound in a part of ten seconds only, what a phone has in its
#: buffer is played when there is sound again.
GRACE_OF_EARS: Final = 13.0


def ejected_and_hearing(
    ejected: Iterable[Ejection],
    packets: Iterable[Record],
    names: Names,
    phone_of: Mapping[str, str],
    is_mcu: Callable[[str], bool],
) -> list[str]:
    """Complain of whoever was thrown out, and to whose phone an MCU goes on sending sound."""
    sent: dict[str, list[float]] = {}
    for packet in packets:
        if packet.layer == "rtp" and is_mcu(names.label(packet.source)):
            sent.setdefault(names.label(packet.destination), []).append(packet.at)
    complaints = []
    for each in ejected:
        late = [at for at in sent.get(phone_of[each.user], ()) if each.since + GRACE <= at < each.until]
        if late:
            complaints.append(f"{each} still hears: {len(late)} packets from {late[0]:.3f} to {late[-1]:.3f} s")
    return complaints


def ejected_and_heard(
    ejected: Iterable[Ejection],
    ears: Mapping[str, Iterable[Ear]],
    phone_of: Mapping[str, str],
    tone_of: Mapping[str, float],
) -> list[str]:
    """Complain of whoever was thrown out, and whose tone others go on hearing."""
    complaints = []
    for each in ejected:
        own = phone_of[each.user]
        for listener, all_ears in ears.items():
            if listener == own:
                continue
            for ear in all_ears:
                at = ear.heard(tone_of[each.user], each.since + GRACE_OF_EARS, each.until)
                if at is not None:
                    complaints.append(f"{each} is still heard by {listener} at {at:.3f} s")
    return complaints
