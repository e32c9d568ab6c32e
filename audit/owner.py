"""Two database roles: the owner of the tables, who migrates, and the application, who may not alter a thing.

`settings.DATABASE_ROLE` is the application's role; `settings.DATABASE_OWNER` holds the owner's USER and PASSWORD where
this process has them: a web server, worker or beat does not. docs/security.md says what each role can do.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connections, transaction
from psycopg import sql

NEVER = ("audit_pending", "audit_turn")
READ_ONLY = ("audit_auditentry", "django_migrations")
CALLABLE = ("onchain_ensure_partitions(bigint, bigint)",)
"""Functions that run with the owner's rights and may be called by the application."""


@contextmanager
def as_owner(*, using: str = DEFAULT_DB_ALIAS) -> Iterator[None]:
    """Be the tables' owner inside, on the connection `using`, where the settings know that role."""
    connection, owner = connections[using], getattr(settings, "DATABASE_OWNER", None)
    if not owner or connection.settings_dict["USER"] == owner["USER"]:
        yield
        return
    before = {name: connection.settings_dict[name] for name in owner}
    connection.close()
    connection.settings_dict.update(owner)
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict.update(before)


def grant(*, role: str, using: str = DEFAULT_DB_ALIAS) -> bool:
    """Give the application's role exactly what it needs; call it as the owner. Returns False if the role is the owner.

    Rights that it had before and does not need are taken away, so calling it twice is calling it once.
    """
    # In one step: a service that runs must not be without its rights for a moment.
    with transaction.atomic(using=using), connections[using].cursor() as cursor:
        cursor.execute("SELECT current_user = %s", [role])
        if cursor.fetchone()[0]:
            return False
        name = sql.Identifier(role)
        for statement in _GRANTS:
            cursor.execute(sql.SQL(statement).format(role=name))
        for table in (*NEVER, *READ_ONLY):
            cursor.execute(sql.SQL("REVOKE ALL ON {} FROM {}").format(sql.Identifier(table), name))
        for table in READ_ONLY:
            cursor.execute(sql.SQL("GRANT SELECT ON {} TO {}").format(sql.Identifier(table), name))
        for function in CALLABLE:
            cursor.execute(sql.SQL(f"GRANT EXECUTE ON FUNCTION {function} TO {{}}").format(name))
    return True


_GRANTS = (
    "REVOKE CREATE ON SCHEMA public FROM PUBLIC, {role}",
    "REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {role}",
    "GRANT USAGE ON SCHEMA public TO {role}",
    "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role}",
    "GRANT USAGE, SELECT, UPDATE ON ALL SEQUENCES IN SCHEMA public TO {role}",
    # For tables that a later migration, or a new partition, makes.
    "ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {role}",
    "ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE, SELECT, UPDATE ON SEQUENCES TO {role}",
)
