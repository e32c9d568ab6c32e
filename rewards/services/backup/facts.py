"""What a manifest says of the database, read in the very snapshot that is dumped."""

from typing import Any

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.migrations.loader import MigrationLoader
from psycopg import sql

from rewards.models import Epoch

# A partition's rows are counted with its table's.
_TABLES = """
    SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')
    AND NOT relispartition ORDER BY relname
"""
_CHAINS = "SELECT chain_id, block_number, block_hash, final_block FROM onchain_cursor ORDER BY chain_id"
_AUDIT = "SELECT sequence, hash FROM audit_auditentry ORDER BY sequence DESC LIMIT 1"


def database_facts(*, using: str = DEFAULT_DB_ALIAS) -> dict[str, Any]:
    """Return the manifest's fields that the database alone knows; see Manifest."""
    connection = connections[using]
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('server_version_num')::int, current_user")
        postgres, owner = cursor.fetchone()
        cursor.execute(_CHAINS)
        chains = {
            str(chain): {"block": block, "hash": "0x" + bytes(block_hash).hex(), "final": final}
            for chain, block, block_hash, final in cursor.fetchall()
        }
        cursor.execute(_AUDIT)
        last = cursor.fetchone()
    return {
        "postgres": postgres,
        "roles": {"owner": owner, "application": settings.DATABASE_ROLE},
        "migrations": applied(using=using),
        "counts": table_counts(using=using),
        "chains": chains,
        "epochs": [
            {"program": slug, "number": number, "state": state, "root": root, "evidence": evidence}
            for slug, number, state, root, evidence in Epoch.objects.using(using)
            .order_by("program__slug", "number")
            .values_list("program__slug", "number", "state", "root", "evidence_name")
        ],
        "audit": None if last is None else {"sequence": last[0], "hash": last[1]},
    }


def table_counts(*, using: str = DEFAULT_DB_ALIAS) -> dict[str, int]:
    """Return how many rows each table has, exactly."""
    with connections[using].cursor() as cursor:
        cursor.execute(_TABLES)
        counts = {}
        for (name,) in cursor.fetchall():
            cursor.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(name)))
            counts[name] = cursor.fetchone()[0]
    return counts


def applied(*, using: str = DEFAULT_DB_ALIAS) -> dict[str, str]:
    """Return the last applied migration of every app."""
    loader = MigrationLoader(connections[using])
    done = loader.applied_migrations or {}
    return {app: max(name for each, name in done if each == app) for app in sorted({app for app, _ in done})}


def unknown_migrations(migrations: dict[str, str]) -> list[str]:
    """Return those of a backup's last migrations that this release does not have."""
    known = set(MigrationLoader(None).graph.nodes)
    return [f"{app}.{name}" for app, name in migrations.items() if (app, name) not in known]
