"""Connections of the database's roles, beside Django's own."""

from collections.abc import Callable, Iterator

import psycopg
import pytest
from django.conf import settings
from django.db import connection


@pytest.fixture
def connect(transactional_db) -> Iterator[Callable[[str], psycopg.Connection]]:
    """Open a connection of psycopg's own to the test database, as one of the two roles."""
    opened = []

    def open_as(role: str) -> psycopg.Connection:
        target = connection.get_connection_params()
        user = {"owner": settings.DATABASE_OWNER["USER"], "application": settings.DATABASE_ROLE}[role]
        made = psycopg.connect(host=target["host"], user=user, dbname=target["dbname"], autocommit=True)
        opened.append(made)
        return made

    yield open_as
    for each in opened:
        each.close()
