"""The roles of the embedded PostgreSQL: an owner of the tables, and the application, which owns nothing.

The cluster trusts everybody who reaches its socket, so here the second role guards against mistakes and shows that
the service works with production's rights; in production the roles have passwords and guard against a breach.
"""

from contextlib import suppress

import psycopg
from psycopg import sql

SUPERUSER = "postgres"
OWNER = "lamplight_owner"
"""Owns the database and all in it: `migrate` runs as it, and nothing else does."""
APPLICATION = "lamplight"
"""What web, worker and beat connect as; it owns nothing (docs/security.md)."""

# Databases that an earlier version made belong to the superuser; their tables change hands once.
_TAKE_OVER = """
    DO $$ DECLARE each record; BEGIN
        FOR each IN SELECT c.oid::regclass AS name, c.relkind FROM pg_class c
            WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v')
            AND c.relowner <> '{owner}'::regrole LOOP
            EXECUTE format('ALTER TABLE %s OWNER TO {owner}', each.name);
        END LOOP;
        FOR each IN SELECT p.oid::regprocedure AS name FROM pg_proc p
            WHERE p.pronamespace = 'public'::regnamespace AND p.proowner <> '{owner}'::regrole LOOP
            EXECUTE format('ALTER FUNCTION %s OWNER TO {owner}', each.name);
        END LOOP;
    END $$
"""


def ensure(*, host: str, database: str) -> None:
    """Create roles and database unless they are there; host: the folder of the cluster's socket."""
    with psycopg.connect(host=host, user=SUPERUSER, dbname="postgres", autocommit=True) as session:
        for role, rights in ((OWNER, "LOGIN CREATEDB"), (APPLICATION, "LOGIN")):
            if session.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role]).fetchone() is None:
                # Another process may be as far as this one.
                with suppress(psycopg.errors.DuplicateObject, psycopg.errors.UniqueViolation):
                    session.execute(sql.SQL(f"CREATE ROLE {{}} {rights}").format(sql.Identifier(role)))
        found = session.execute(
            "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = %s", [database]
        ).fetchone()
        names = [sql.Identifier(database), sql.Identifier(OWNER)]
        if found is None:
            session.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(*names))
        elif found[0] == SUPERUSER:
            session.execute(sql.SQL("ALTER DATABASE {} OWNER TO {}").format(*names))
            with psycopg.connect(host=host, user=SUPERUSER, dbname=database, autocommit=True) as inside:
                inside.execute(_TAKE_OVER.replace("{owner}", OWNER))
