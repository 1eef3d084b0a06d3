"""One document for many subscribers: serialised once, the version put in for each (docs/design-decisions.rst)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import attrs

from c3p.conference.info import ConferenceInfo
from c3p.errors import LocalProtocolError

_VERSION: Final = b' version="'


def render_versions(document: ConferenceInfo) -> Callable[[int], bytes]:
    """A function from version to the bytes of ``document`` with that version.

    Raises LocalProtocolError when the document cannot be serialised; the function when the version is below 0.
    """
    data = bytes(attrs.evolve(document, version=0))
    # A quote inside a value is escaped, so the first match is the attribute of the root, which is written early.
    start = data.index(_VERSION) + len(_VERSION)
    head, tail = data[:start], data[start + 1 :]

    def render(version: int) -> bytes:
        if version < 0:
            raise LocalProtocolError(f"a version counts from 0, not {version}")
        return b"%b%d%b" % (head, version, tail)

    return render
