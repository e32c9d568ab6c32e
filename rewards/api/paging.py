"""Pages of lists by cursor: where the page before ended, so that nothing is missed or seen twice as rows come."""

import base64
import binascii
import json
from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from typing import Any, TypeVar

from django.db.models import Model, QuerySet
from rest_framework.request import Request
from rest_framework.utils.urls import replace_query_param

from rewards.api.errors import CursorError

R = TypeVar("R")
M = TypeVar("M", bound=Model)
Key = list[int | str]


def cursor_of(key: Key) -> str:
    """Write a row's key as a cursor; nobody has to know what is in it."""
    return base64.urlsafe_b64encode(json.dumps(key, separators=(",", ":")).encode()).decode().rstrip("=")


def key_of(cursor: str, *, like: Key) -> Key:
    """Read a cursor. like: a key of the list, whose types it has to have. Raises CursorError."""
    try:
        found = json.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True))
    except (ValueError, binascii.Error, RecursionError) as error:
        raise CursorError from error
    if not isinstance(found, list) or [type(each) for each in found] != [type(each) for each in like]:
        raise CursorError
    if any(isinstance(each, str) and "\0" in each for each in found):
        raise CursorError
    return found


def cut(
    rows: Iterable[R], *, key: Callable[[R], Key], like: Key, cursor: str, limit: int
) -> tuple[list[R], str | None]:
    """Return a page of rows that are ordered by `key`, and the cursor of the next one, None at the end."""
    found = iter(rows)
    if cursor:
        after = key_of(cursor, like=like)
        found = (row for row in found if key(row) > after)
    page = list(islice(found, limit + 1))
    return page[:limit], cursor_of(key(page[limit - 1])) if len(page) > limit else None


def cut_query(
    rows: QuerySet[M], *, field: str, like: Key, cursor: str, limit: int, descending: bool = False
) -> tuple[Sequence[M], str | None]:
    """Return a page of a query by a unique column, and the cursor of the next one."""
    if cursor:
        (after,) = key_of(cursor, like=like)
        if isinstance(after, int) and not -(2**63) <= after < 2**63:
            raise CursorError
        rows = rows.filter(**{f"{field}__{'lt' if descending else 'gt'}": after})
    page = list(rows.order_by(f"-{field}" if descending else field)[: limit + 1])
    following = cursor_of([getattr(page[limit - 1], field)]) if len(page) > limit else None
    return page[:limit], following


def link(request: Request, cursor: str | None) -> str | None:
    """Return the address of the next page."""
    if cursor is None:
        return None
    return str(replace_query_param(request.build_absolute_uri(), "cursor", cursor))


def envelope(request: Request, rows: Sequence[dict[str, Any]], cursor: str | None) -> dict[str, Any]:
    """Return a page as it is sent."""
    return {"items": rows, "next": link(request, cursor)}
