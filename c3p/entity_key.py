"""Keys under which items of a conference-info document are the same item (conference-info.md section 4.3)."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

#: Characters of a key that is worth remembering; longer ones are computed anew, so that memory stays bounded.
CACHED_LENGTH: Final = 256


def uri_key(uri: str) -> str:
    """Key of a user, a view or a URI entry: case does not count, in user, host and ``opaque``."""
    return _uri_key(uri) if len(uri) <= CACHED_LENGTH else uri.strip().lower()


@lru_cache(maxsize=4096)
def _uri_key(uri: str) -> str:
    return uri.strip().lower()


def guid_key(entity: str) -> str:
    """Key of an endpoint: neither case nor braces count."""
    return _guid_key(entity) if len(entity) <= CACHED_LENGTH else entity.strip().strip("{}").lower()


@lru_cache(maxsize=4096)
def _guid_key(entity: str) -> str:
    return entity.strip().strip("{}").lower()


def text_key(text: str) -> str:
    """Key of a media or of a labelled entry."""
    return text.strip()
