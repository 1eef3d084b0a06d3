"""SIGHUP: what is read again while a server runs, and what of its settings has to wait for a restart."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import attrs

from pyc3p.commands.output import Output
from pyc3p.elements.server import Server
from pyc3p.problems import Problem, UsageProblem
from pyc3p.settings.serve import ServeConfig


class Reloading:
    """Reads users and certificates again, those of workers too, and looks at the settings.

    Each of them stays as it was where there is a mistake in it. Settings are what all is built with: none of them
    changes under what runs, and it is said which are other ones now. ``config`` are those of the start, ``read`` reads
    them from their file and the command line, as then; it raises UsageProblem.
    """

    def __init__(
        self, server: Server, output: Output, config: ServeConfig, read: Callable[[], ServeConfig] | None
    ) -> None:
        self._server, self._output, self._config, self._read = server, output, config, read

    def __call__(self) -> None:
        """Do it, and say in one line what came of it; each mistake has a line of its own before."""
        done = [what for what, read in (("users", self._users), ("certificates", self._certificates)) if read()]
        waits = self._changed_settings()
        told = f"read again: {', '.join(done)}" if done else "there are no users or certificates to read again"
        if waits:
            told += f"; in the settings there is another {', '.join(waits)}, which needs a restart"
        self._output.tell(told, reloaded=done, needs_restart=waits)

    def _users(self) -> bool:
        return self._server.identities is not None and self._server.identities.reload(self._output)

    def _certificates(self) -> bool:
        try:
            return self._server.reload()
        except UsageProblem as problem:
            self._output.tell(f"certificates stay as they were: {problem}", level="warning", error=str(problem))
            return False

    def _changed_settings(self) -> list[str]:
        if self._read is None:
            return []
        try:
            return list(differences(self._config, self._read()))
        except Problem as problem:
            self._output.tell(f"the settings cannot be read: {problem}", level="warning", error=str(problem))
            return []


def differences(before: attrs.AttrsInstance, after: attrs.AttrsInstance, section: str = "") -> Iterator[str]:
    """Names of the settings that differ, those of a section by both, such as ``limits.calls_per_source``."""
    for field in attrs.fields(type(before)):
        one, other = getattr(before, field.name), getattr(after, field.name)
        if one == other:
            continue
        if attrs.has(type(one)):
            yield from differences(one, other, f"{section}{field.name}.")
        else:
            yield f"{section}{field.name}"
