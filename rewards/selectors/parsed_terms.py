"""Terms of epochs, read once: for 200 markets it takes longer to read them than to look everything else up."""

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from rewards.engine.terms import Terms, parse_terms
from rewards.models import Epoch

_KEPT = 8
"""Each takes a megabyte or two. They are kept by their whole text, so that none is ever out of date."""


def terms_of(*, epoch: Epoch) -> Terms:
    """Return an epoch's terms as the engine reads them."""
    return _terms(epoch.terms_json)


def terms_document(*, epoch: Epoch) -> Mapping[str, Any]:
    """Return an epoch's terms as their JSON document, which is shared: nobody may change it."""
    return _document(epoch.terms_json)


@lru_cache(maxsize=_KEPT)
def _terms(text: str) -> Terms:
    return parse_terms(text.encode())


@lru_cache(maxsize=_KEPT)
def _document(text: str) -> Mapping[str, Any]:
    document: Mapping[str, Any] = json.loads(text)
    return document
