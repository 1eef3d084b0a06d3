"""Errors of this package.

``McuError``
    ``LocalProtocolError``      the caller gave a command that cannot be, nothing was changed
``MissingExtra``        a part needs a package of an optional extra (an ``ImportError``)

What a peer sends never raises out of a machine: it is answered, or dropped and counted.
"""

from __future__ import annotations


class McuError(ValueError):
    """Base of the errors raised by ``mcu``."""


class LocalProtocolError(McuError):
    """A call that the state of the machine does not allow; the state is unchanged."""


LocalError = LocalProtocolError  #: its name before all packages named it alike


class MissingExtra(ImportError):
    """A package of an extra is not installed; the text names the extra."""

    def __init__(self, package: str, extra: str, purpose: str) -> None:
        super().__init__(f"{purpose} needs {package}: pip install '.[{extra}]' in a checkout", name=package)
        self.extra = extra
