"""Versions of rows, as PostgreSQL counts them: whether what was read, or decided by, is still what the database has.

A row that is written gets another place (ctid) and another writer (xmin), so two equal pairs mean the same row.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import connection

Version = tuple[str | None, ...]


@dataclass(frozen=True, slots=True)
class Question:
    """A key (by its prefix), and the figures of a maker in an epoch that it asks for."""

    prefix: str
    maker: str
    programme: str
    number: int


@dataclass(frozen=True, slots=True)
class Versions:
    """who: of all that decides whether the key may read this maker. figures: of the epoch's scores and allocations."""

    who: Version
    figures: Version


# Those of a scored epoch stay until it is scored again, which writes the epoch's row. Those of a live one are written
# anew each time, all in one transaction with the markets' states, which are there even while nobody has earned: the
# first state's id will do. What a token is called is in the answers.
_FIGURES = "e.ctid::text, e.xmin::text, r.ctid::text, r.xmin::text, f.id::text"
_EPOCHS = """
    LEFT JOIN rewards_program r ON r.slug = q.programme
    LEFT JOIN rewards_epoch e ON e.program_id = r.id AND e.number = q.number
    LEFT JOIN LATERAL (
        SELECT s.id FROM rewards_livestate s WHERE s.epoch_id = e.id ORDER BY s.epoch_id, s.market LIMIT 1
    ) f ON true
"""
_WHO = """k.ctid::text, k.xmin::text, p.ctid::text, p.xmin::text, m.ctid::text, m.xmin::text, b.ctid::text,
    b.xmin::text, a.factors"""
_ALL = f"""
    SELECT {_WHO}, {_FIGURES}
    FROM unnest(%s::text[], %s::text[], %s::text[], %s::integer[]) WITH ORDINALITY
        AS q (prefix, maker, programme, number, place)
    LEFT JOIN accounts_apikey k ON k.prefix = q.prefix
    LEFT JOIN accounts_user p ON p.id = k.person_id
    LEFT JOIN accounts_maker m ON m.slug = q.maker
    LEFT JOIN accounts_maker_members b ON b.maker_id = m.id AND b.user_id = p.id
    LEFT JOIN LATERAL (
        SELECT string_agg(t.id || t.type, ',' ORDER BY t.id) AS factors FROM mfa_authenticator t WHERE t.user_id = p.id
    ) a ON true
    {_EPOCHS}
    ORDER BY q.place
"""  # noqa: S608 - all of it is written above
_ONE = f"SELECT {_FIGURES} FROM (VALUES (%s::text, %s::integer)) AS q (programme, number) {_EPOCHS}"  # noqa: S608
_WHO_COLUMNS = 9


def versions_of(questions: Sequence[Question]) -> list[Versions]:
    """Return the versions for each question, in one query for all."""
    columns = [
        [getattr(question, name) for question in questions] for name in ("prefix", "maker", "programme", "number")
    ]
    with connection.cursor() as cursor:
        cursor.execute(_ALL, columns)
        return [Versions(who=row[:_WHO_COLUMNS], figures=row[_WHO_COLUMNS:]) for row in cursor.fetchall()]


def figures_version(*, programme: str, number: int) -> Version:
    """Return the version of an epoch's figures, as `versions_of` does, in one query."""
    with connection.cursor() as cursor:
        cursor.execute(_ONE, [programme, number])
        found: Version = cursor.fetchone()
        return found
