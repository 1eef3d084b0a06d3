"""A case: one thing that the tester does, the source that says what has to come of it, and when it can be done."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import attrs
from hypothesis import strategies as st

from sip.testing.conformance.tester import Tester

Act = Callable[..., None]


@attrs.frozen(kw_only=True)
class Case:
    """One rule of a conformance machine."""

    name: str
    source: str  #: document and section
    clause: str  #: what the source asks for
    reason: str  #: why it matters: the docstring of the function
    act: Act
    ready: Callable[[Tester], bool]
    given: Mapping[str, st.SearchStrategy[Any]]


def case(
    source: str,
    clause: str,
    *,
    ready: Callable[[Tester], bool] = lambda tester: True,
    **given: st.SearchStrategy[Any],
) -> Callable[[Act], Case]:
    """Make a case of a function whose first argument is the tester, and the others drawn from ``given``."""

    def made(act: Act) -> Case:
        return Case(
            name=act.__name__,
            source=source,
            clause=clause,
            reason=" ".join((act.__doc__ or "").split()),
            act=act,
            ready=ready,
            given=given,
        )

    return made
