"""What everybody is told about terms that are accepted and don't hold yet: from when, and what changes."""

import datetime as dt
from typing import Any

from rewards.calendars import calendar_zone
from rewards.selectors.programs import program_get
from rewards.selectors.terms_history import announced, terms_in_force, version_source
from rewards.views.terms_diff import terms_differences
from rewards.views.terms_fields import money


def announced_changes(*, slug: str, now_ms: int) -> list[dict[str, Any]]:
    """Return the accepted versions to come with their day and what each changes against the terms before it."""
    program = program_get(slug=slug)
    versions = announced(program=program, now_ms=now_ms)
    before = terms_in_force(program=program, now_ms=now_ms) if versions else None
    unit, zone, rows = money(program.token_symbol, program.token_decimals), calendar_zone(program.calendar), []
    for version in versions:
        after = version_source(version=version)
        changes = terms_differences(before=before.document, after=after.document, unit=unit) if before else None
        begins = dt.datetime.fromtimestamp((version.from_ms or 0) / 1000, tz=zone)
        rows.append({"version": version, "day": f"{begins.day} {begins:%B %Y}", "differences": changes})
        before = after
    return rows
