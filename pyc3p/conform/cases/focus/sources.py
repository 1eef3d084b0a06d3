"""Where it is written what a Focus does, and the decorator of its cases.

What the published pages print as a rule is MUST or SHOULD as they say it. What they only show in an example or list as
what their server does is SHOULD. What they leave open, and this project has chosen, is a convention of ours.
"""

from __future__ import annotations

from functools import partial
from typing import Final

from pyc3p.conform.case import Trait, add_case, case

focus_case = partial(case, suite="focus")
add_focus_case = partial(add_case, suite="focus")

SERVICE_REQUEST: Final = "MS-CONFPRO section 2.2.2"
SERVICE_RESPONSE: Final = "MS-CONFPRO section 2.2.3"
JOIN_RESPONSE: Final = "MS-CONFBAS section 2.2.3.4"
DELETE_RESPONSE: Final = "MS-CONFBAS section 2.2.3.14"
DIAL_OUT: Final = "MS-CONFBAS section 2.2.3.15"
CONFBAS: Final = "MS-CONFBAS"  #: what it shows in its examples
ERROR_IDS: Final = "MS-OCER section 8.4"
OURS: Final = "pyc3p, design decisions"

FACTORY: Final = (Trait.FACTORY,)
FOCUS: Final = (Trait.FOCUS,)
FOLLOWED: Final = (Trait.FOCUS, Trait.FOLLOWED)
TWO: Final = (Trait.FOCUS, Trait.SECOND_USER)
TWO_FOLLOWED: Final = (Trait.FOCUS, Trait.FOLLOWED, Trait.SECOND_USER)
DIALS: Final = (Trait.FOCUS, Trait.FOLLOWED, Trait.DIALS_OUT)
