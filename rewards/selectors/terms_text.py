"""Reading terms from text and from parsed documents for a programme, with everything that is amiss; stores nothing."""

from dataclasses import dataclass
from typing import Any

from rewards.engine.errors import JsonError, TermsError
from rewards.engine.jsontext import read_json
from rewards.engine.terms import Terms, read_terms
from rewards.engine.tomltext import read_toml
from rewards.models import Program

MOST_BYTES = 2_000_000
"""A file of terms for 200 markets has about 200,000."""
_ANY_EPOCH = {"number": 1, "start_ms": 0, "end_ms": 1}


@dataclass(frozen=True, slots=True, kw_only=True)
class TermsText:
    """What a file says. `document` is None when it can't be read; `has_epoch`: it names an epoch, which was set aside.

    `terms` may be None only when there are problems. Its epoch is a placeholder.
    """

    document: dict[str, Any] | None
    terms: Terms | None
    has_epoch: bool
    problems: tuple[JsonError, ...]


def read_terms_file(*, program: Program, raw: bytes) -> TermsText:
    """Read terms from the bytes of a JSON or TOML file: JSON begins with a brace, TOML never does.

    An `epoch` in it is checked and set aside, for a version of the terms holds from whichever epoch it is accepted for.
    """
    problems: list[JsonError] = []
    if len(raw) > MOST_BYTES:
        reason = f"it has {len(raw):,} bytes, and terms have at most {MOST_BYTES:,}"
        return TermsText(document=None, terms=None, has_epoch=False, problems=(TermsError(path="", reason=reason),))
    text = raw.removeprefix(b"\xef\xbb\xbf")
    read = read_json if text.lstrip()[:1] in (b"{", b"[") and not _is_toml_table(text) else read_toml
    document = read(text, document="terms", problems=problems)
    if not isinstance(document, dict):
        if not problems:
            problems.append(TermsError(path="", reason="it has to be an object"))
        return TermsText(document=None, terms=None, has_epoch=False, problems=tuple(problems))
    terms = check_terms(program=program, document=document, problems=problems)
    has_epoch = "epoch" in document
    return TermsText(
        document={key: value for key, value in document.items() if key != "epoch"},
        terms=terms,
        has_epoch=has_epoch,
        problems=tuple(problems),
    )


def check_terms(*, program: Program, document: dict[str, Any], problems: list[JsonError]) -> Terms | None:
    """Read terms, with or without an `epoch`, by the engine's own rules, and append all that is amiss.

    Returns the terms, with a placeholder where the epoch is missing; None when there are problems.
    """
    terms = read_terms({"epoch": _ANY_EPOCH} | document, problems=problems)
    for path, given, wanted in (("program", terms.program, program.slug), ("token", terms.token, program.token)):
        if given and given != wanted:
            problems.append(TermsError(path=path, reason=f"it is {given}, and this programme's is {wanted}"))
    return None if problems else terms


def _is_toml_table(text: bytes) -> bool:
    """A TOML file may begin with a table's head, `[markets.X]`; a JSON list begins with a value."""
    first = text.lstrip().split(b"\n", 1)[0].strip()
    return first.startswith(b"[") and first.endswith(b"]") and b"," not in first and b"=" in text
