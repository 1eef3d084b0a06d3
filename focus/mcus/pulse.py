"""Whether an MCU is there: when it last said something, when it was last told something, and time-outs in a row."""

from __future__ import annotations

from focus.config import FocusConfig


class Pulse:
    """Of the MCU of one link."""

    def __init__(self, config: FocusConfig) -> None:
        self._config = config
        self._heard_at = self._told_at = 0.0  # monotonic seconds
        self._time_outs = 0

    def heard(self, *, now: float) -> None:
        """The MCU said something."""
        self._heard_at = now

    def told(self, *, now: float) -> None:
        """It was sent a command, or asked."""
        self._told_at = now

    def carried_out(self) -> None:
        """It answered a command. To say what it has, when it is asked, does not show that it carries commands out."""
        self._time_outs = 0

    def begin(self) -> None:
        """It is another MCU."""
        self._time_outs = 0

    def timed_out(self) -> bool:
        """No answer in time. Whether it counts as failed (docs/design-decisions.rst)."""
        self._time_outs += 1
        return self._time_outs >= self._config.time_outs_to_fail

    def next_check(self, *, has_participants: bool) -> float:
        """When to ask it: one with participants that is silent, and one without before it gives the conference up."""
        if has_participants:
            return self._heard_at + self._config.mcu_silence
        return self._told_at + self._config.mcu_keep
