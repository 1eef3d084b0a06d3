"""Where it is written what an MCU does, and the decorator of its cases.

How a Focus commands an MCU over HTTP is published in outline only. What a command is for, and how an answer is made,
is; what of the rest a Focus of this project needs, is the contract of ``docs/c3p-over-http.rst``, a convention of ours.
"""

from __future__ import annotations

from functools import partial
from typing import Final

from pyc3p.conform.case import Trait, add_case, case

mcu_case = partial(case, suite="mcu")
add_mcu_case = partial(add_case, suite="mcu")

ENVELOPE: Final = "MS-CONFBAS section 2.2.1"
DIAL_OUT: Final = "MS-CONFBAS section 2.2.3.15"
CONFBAS: Final = "MS-CONFBAS"  #: what it shows in its examples
AUTHORISES: Final = "OCS 2007 R2, C3P addUser dial-out"  #: "The conferencing server authorizes the command"
WIRE: Final = "pyc3p, C3P over HTTP"
OURS: Final = "pyc3p, design decisions"

MCU: Final = (Trait.MCU,)
CALLS: Final = (Trait.MCU, Trait.CALLS)
