"""A list of market actions from a TOML or CSV file, all of it or nothing. docs/market-actions.md shows both."""

import csv
import io
import tomllib
from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any

from django.db import transaction

from accounts.roles import Deed, Person, require
from rewards.errors import ActionRefusedError
from rewards.models import MarketAction
from rewards.services.actions import ActionDraft, action_check, action_enter, closure_draft

Kind = MarketAction.Kind
CSV_HEADER = ("kind", "subject", "from", "to", "new", "old", "reason", "source")


def drafts_read(*, path: Path) -> list[ActionDraft]:
    """Return the entries of a file. Raises ActionRefusedError, which says where the first one is wrong."""
    try:
        text = path.read_text("utf-8")
        entries = _csv_entries(text) if path.suffix.lower() == ".csv" else _toml_entries(text)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, csv.Error) as error:
        raise ActionRefusedError(reason=f"{path.name} can't be read ({error})") from error
    drafts = []
    for where, entry in entries:
        try:
            draft = _draft(entry)
            action_check(draft=draft)
        except ActionRefusedError as error:
            raise ActionRefusedError(reason=f"{path.name}, {where}: {error.reason}") from error
        drafts.append(draft)
    return drafts


@transaction.atomic
def actions_import(*, by: Person, drafts: list[ActionDraft]) -> list[MarketAction]:
    """Enter all of them, or none; what stands in the list already, not withdrawn, is left as it is.

    Raises NotPermittedError and ActionRefusedError.
    """
    require(person=by, deed=Deed.ENTER_MARKET_ACTION)
    return [action_enter(by=by, draft=draft) for draft in drafts if not _is_there(draft)]


def _is_there(draft: ActionDraft) -> bool:
    return MarketAction.objects.filter(
        kind=draft.kind, subject=draft.subject, from_ms=draft.from_ms, to_ms=draft.to_ms,
        new_shares=draft.new_shares, old_shares=draft.old_shares, withdrawn_at=None,
    ).exists()  # fmt: skip


def _toml_entries(text: str) -> list[tuple[str, Mapping[str, Any]]]:
    rows = tomllib.loads(text)
    unknown = sorted(set(rows) - {"action"})
    if unknown or not isinstance(rows.get("action"), list):
        raise ActionRefusedError(reason="the file has to be a list of [[action]] and nothing else")
    return [(f"action {number}", entry) for number, entry in enumerate(rows["action"], start=1)]


def _csv_entries(text: str) -> list[tuple[str, Mapping[str, Any]]]:
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    if tuple(reader.fieldnames or ()) != CSV_HEADER:
        raise ActionRefusedError(reason=f"the first line has to be {','.join(CSV_HEADER)}")
    return [(f"line {reader.line_num}", {name: value for name, value in row.items() if value}) for row in reader]


def _draft(entry: Mapping[str, Any]) -> ActionDraft:
    unknown = sorted(str(name) for name in set(entry) - set(CSV_HEADER))
    if unknown:
        raise ActionRefusedError(reason=f"{unknown[0]} is no key of an entry; known are {', '.join(CSV_HEADER)}")
    kind, subject = str(entry.get("kind", "")), str(entry.get("subject", ""))
    words = str(entry.get("reason", "")), str(entry.get("source", ""))
    if kind == Kind.CLOSURE:
        first = _day(entry, "from")
        last = _day(entry, "to") if "to" in entry else first
        return closure_draft(calendar=subject, first=first, last=last, reason=words[0], source=words[1])
    return ActionDraft(
        kind=kind, subject=subject, from_ms=_moment_ms(entry, "from"),
        to_ms=_moment_ms(entry, "to") if "to" in entry else None,
        new_shares=_whole(entry, "new"), old_shares=_whole(entry, "old"), reason=words[0], source=words[1],
    )  # fmt: skip


def _day(entry: Mapping[str, Any], name: str) -> date:
    value = entry.get(name)
    if type(value) is date:
        return value
    try:
        return date.fromisoformat(str(value))
    except ValueError as error:
        raise ActionRefusedError(reason=f"{name} has to be a day, as 2027-06-07") from error


def _moment_ms(entry: Mapping[str, Any], name: str) -> int:
    value = entry.get(name)
    try:
        at = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise ActionRefusedError(reason=f"{name} has to be a moment with its zone, as 2027-06-07T14:00:00-04:00")
    return int(at.timestamp()) * 1000 + at.microsecond // 1000


def _whole(entry: Mapping[str, Any], name: str) -> int | None:
    value = entry.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not str(value).isdecimal():
        raise ActionRefusedError(reason=f"{name} has to be a whole number")
    return int(str(value))
