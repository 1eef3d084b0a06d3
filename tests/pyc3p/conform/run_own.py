"""Our own Focus and MCU, whole: ``python -m tests.pyc3p.conform.run_own`` takes some five minutes."""

from __future__ import annotations

import sys

from pyc3p.conform import Report, Verdict
from tests.pyc3p.conform.element import told
from tests.pyc3p.conform.meeting import focus_tried, mcu_tried, own_focus, own_mcu


def _say(what: str, report: Report) -> bool:
    counts = ", ".join(f"{report.count(each)} {each.value}" for each in Verdict if report.count(each))
    print(f"{what}: {len(report.outcomes)} cases in {report.seconds:.0f} s: {counts}", flush=True)
    for line in told(report):
        print(f"  {line}")
    return not told(report)


def main() -> int:
    """Run all, and say what is wrong."""
    fine = []
    for transport in ("tcp", "udp"):
        with own_focus(transport) as target:
            fine.append(_say(f"focus over {transport}", focus_tried(target, slow=True)))
    with own_mcu(ring_timeout=20.0) as target:
        fine.append(_say("mcu", mcu_tried(target, slow=True)))
    return 0 if all(fine) else 1


if __name__ == "__main__":
    sys.exit(main())
