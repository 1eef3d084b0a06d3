"""What a worker is given to do."""

from __future__ import annotations

import attrs

from pyc3p.elements.principals import Acquaintance
from pyc3p.settings.serve import ServeConfig


@attrs.frozen(kw_only=True)
class Task:
    """Goes through the pipe once, pickled."""

    config: ServeConfig = attrs.field(repr=False)
    peers: Acquaintance = attrs.field(repr=False)  #: who the others are, with the secrets of the MCU and no others
    is_log: bool  #: whether what only operators look for is told too
    traced: bool  #: whether what is sent and received goes into a capture
