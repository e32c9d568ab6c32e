"""Tells the database who is at work, just before each write to a tracked table and before no other statement."""

import json
import re
from collections.abc import Callable
from functools import cache
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper

from audit.context import facts_now
from audit.tracked import tracked_tables

_WRITES = ("INSERT", "UPDATE", "DELETE", "MERGE", "WITH", "COPY")


def stamp_connection(connection: BaseDatabaseWrapper, **_: object) -> None:
    """Wrap what the connection executes, once."""
    if stamp not in connection.execute_wrappers:
        connection.execute_wrappers.append(stamp)


def stamp(execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: dict[str, Any]) -> Any:
    """Set `audit.context` where a tracked table is about to be written, then execute.

    Until the transaction's end; without one, until the next such write: what an earlier one left is always replaced.
    """
    if isinstance(sql, str) and sql.lstrip()[:6].upper().startswith(_WRITES) and _pattern().search(sql):
        connection = context["connection"]
        with connection.cursor() as cursor:
            text = json.dumps(facts_now(), ensure_ascii=False, default=str)
            cursor.execute("SELECT set_config('audit.context', %s, %s)", [text, connection.in_atomic_block])
    return execute(sql, params, many, context)


@cache
def _pattern() -> re.Pattern[str]:
    names = "|".join(re.escape(name) for name in sorted(tracked_tables()))
    return re.compile(rf'\b(?:INTO|UPDATE|FROM|COPY)\s+(?:ONLY\s+)?"?(?:{names})\b', re.IGNORECASE)
