"""Words about streams that somebody acts on: one that nobody knows must not be taken for its opposite.

The types are open on the wire and kept as they came, but whoever blocks a stream on ``block`` and opens it on anything
else would open it on ``Block``. So the words are looked at before they are acted on.
"""

from __future__ import annotations

from typing import Final

from c3p.conference.user import Media
from c3p.conference.view import MediaFiltersRules
from c3p.vocabulary import Filter, MediaStatus

_FILTERS: Final = frozenset({None, *(each.value for each in Filter)})
_STATUSES: Final = frozenset({None, *(each.value for each in MediaStatus)})


def is_known_stream(media: Media) -> bool:
    """Whether status and filters of a stream are absent or words of RFC 4575 section 5.8."""
    return media.status in _STATUSES and media.ingress_filter in _FILTERS and media.egress_filter in _FILTERS


def are_known_filters(rules: MediaFiltersRules) -> bool:
    """Whether the filters that the rules begin with are absent or known words, and every rule has a value."""
    return all(
        one.ingress_filter in _FILTERS and one.egress_filter in _FILTERS for one in rules.initial_filters
    ) and all(one.value is not None for one in rules.may_modify_own_filters)
