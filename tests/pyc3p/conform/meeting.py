"""Our own Focus and MCU over real sockets, and a run of their cases."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Final

from c3p import pair_secret
from pyc3p.conform import (
    MCU,
    BenchSettings,
    FocusTarget,
    McuTarget,
    Plan,
    Report,
    Run,
    chosen,
    focus_cases,
    focus_kind,
    mcu_cases,
    parse_focus_target,
    parse_mcu_target,
)
from pyc3p.elements.loopback import reserved_ports
from pyc3p.settings.c3p import C3pSettings
from sip.aio import live_entropy
from tests.pyc3p.conform.element import own_server

#: Nobody in these tests is as slow as that; a case that waits for what must not come waits shorter.
HASTE: Final = BenchSettings(patience=4.0, rate=5000.0)
_ROOT: Final = "not a secret, for tests alone"


@contextlib.contextmanager
def own_focus(transport: str = "tcp", **settings: object) -> Iterator[FocusTarget]:
    """A whole server of ours, whose Focus is the target."""
    with own_server(**settings) as server:
        yield parse_focus_target("sip:ann@127.0.0.1", server=f"{transport}:{server.address}")


@contextlib.contextmanager
def own_mcu(**settings: object) -> Iterator[McuTarget]:
    """An MCU of ours by itself, which knows two Foci."""
    with reserved_ports(4) as ports:
        places = dict(zip(("sip_port", "http_port", "mcu_sip_port", "mcu_http_port"), ports, strict=True))
    given: dict[str, object] = {
        "parts": ("mcu",),
        "secret": _ROOT,
        "mcu_factory_url": "http://127.0.0.1:9/LiveServer/MCUFactory",
        "c3p": C3pSettings(foci=("focus", "focus-2")),
        "chat": False,
        **places,
        **settings,
    }
    with own_server(**given):
        yield parse_mcu_target(
            f"http://127.0.0.1:{places['mcu_http_port']}/LiveServer/audio-video",
            secret=pair_secret(_ROOT, "focus", "mcu-1"),
            other_secret=pair_secret(_ROOT, "focus-2", "mcu-1"),
        )


def focus_tried(target: FocusTarget, *select: str, ours: bool = True, slow: bool = False) -> Report:
    """A run of the cases for a Focus that ``select`` chooses."""
    plan = Plan(
        target=target,
        bench=HASTE,
        cases=chosen(focus_cases(), select),
        kind=focus_kind(),
        ours=ours,
        slow=slow,
    )
    return Run(plan, entropy=live_entropy()).play()


def mcu_tried(target: McuTarget, *select: str, ours: bool = True, slow: bool = False) -> Report:
    """A run of the cases for an MCU that ``select`` chooses."""
    plan = Plan(target=target, bench=HASTE, cases=chosen(mcu_cases(), select), kind=MCU, ours=ours, slow=slow)
    return Run(plan, entropy=live_entropy()).play()
