"""For machines: /healthz says that this process is alive, /readyz whether it can do its work now."""

from functools import cache

from django.db import DatabaseError, connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from config.queues import queue_answers

_migrated: list[bool] = []
"""Holds something once all migrations of this release were seen applied: they stay so while the process lives."""


@require_safe
@never_cache
def healthz(_request: HttpRequest) -> HttpResponse:
    """Answer 200 as long as this process answers at all; asks neither database nor queue."""
    return HttpResponse("ok\n", content_type="text/plain")


@require_safe
@never_cache
def readyz(_request: HttpRequest) -> HttpResponse:
    """Answer 200 when all that pages need is there, else 503, with a line each; strangers learn no host and no role."""
    lines = {"database": _database(), "queue": _queue()}
    body = "".join(f"{name}: {trouble or 'ok'}\n" for name, trouble in lines.items())
    return HttpResponse(body, content_type="text/plain", status=503 if any(lines.values()) else 200)


def _database() -> str:
    """Return what is wrong with the database in a few words; empty when nothing is."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        if not _migrated:
            # Without its table nothing has been applied.
            missing = sorted(_newest_migrations() - set(MigrationRecorder(connection).applied_migrations()))
            if missing:
                return f"not migrated to this release ({len(missing)} missing); run manage.py migrate"
            _migrated.append(True)
    except DatabaseError:
        return "does not answer"
    return ""


def _queue() -> str:
    return "" if queue_answers() else "does not answer"


@cache
def _newest_migrations() -> set[tuple[str, str]]:
    """Return (app, name) of each app's last migration; an older release asks for less, so it stays ready meanwhile."""
    loader = MigrationLoader(None)
    return set(loader.graph.leaf_nodes())
