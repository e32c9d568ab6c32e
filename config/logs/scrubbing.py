"""Keeps secrets out of lines: by what they are called, by how they look, and by what the settings say they are."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from django.conf import settings
from django.utils.functional import LazyObject
from structlog.typing import EventDict, WrappedLogger

HIDDEN: Final = "[hidden]"
SHORTEST: Final = 8
"""What is shorter is no secret worth the name, and hiding it would hide words."""
DEEPEST: Final = 6

_NAMES: Final = re.compile(
    r"authorization|cookie|passw|secret|signature|mnemonic|seed_phrase|csrf|session_?(?:id|key)$|credential"
    r"|(?:^|[_-])(?:key|token|otp|dsn|pin)$|api_?key|private_?key|keystore",
    re.IGNORECASE,
)
_LOOKS: Final = re.compile(
    # Anybody can put a long text into a log. So what begins a word is tried at its first character alone, and what is
    # repeated within one is bounded: else the time would go with the square of the length.
    # A header, or a cookie's whole line, in words.
    r"(?P<header>\b(?:proxy-)?authorization|\b(?:set-)?cookie)(?P<is>[\"']?\s*[:=]\s*[\"']?)(?P<line>[^\"'\n]+)"
    # name=value of a form, an address or a setting
    r"|(?P<name>(?<![\w-])[\w-]*(?:passw(?:or)?d|secret|signature|csrf\w{0,40}|api_?key|private_?key|access_token)\b)"
    r"(?P<to>[\"']?\s*[:=]\s*[\[(\"']*)(?P<value>[^\s\"',;&]+)"
    r"|\bBearer\s+[\w.~+/=-]+"
    # keys of our API, webhooks' secrets, JSON Web Tokens
    r"|\blamp_\w{6,}|\bwhsec_[\w+/=]{8,}|(?<![\w-])(?=[\w-]*\beyJ[\w-]{8})[\w-]++\.[\w-]+\.[\w-]*"
    # a signature is 65 bytes; a transaction's or a root's 32 are public
    r"|\b0x[0-9a-fA-F]{130}\b"
    # name and password of an address
    r"|(?<=://)[^/\s:@]*:[^/\s@]+(?=@)"
    # links that act without signing in
    r"|(?<=/notices/stop/)[^/\s]+",
    re.IGNORECASE,
)
_OURS: list[re.Pattern[str] | None] = []
"""What the settings hold that nobody may read, as one pattern; worked out when the first line is written."""


def scrub(_logger: WrappedLogger, _name: str, event: EventDict) -> EventDict:
    """Return the line's fields without secrets, exceptions included."""
    return {key: _clean(value, key, 0) for key, value in event.items()}


def scrubbed(text: str) -> str:
    """Return a text without what looks like a secret, or is one of ours."""
    ours = _ours()
    text = text if ours is None else ours.sub(HIDDEN, text)
    return _LOOKS.sub(_hide, text)


def scrubbed_tree(value: Any, key: str = "") -> Any:
    """Return a tree of dicts and lists without secrets: for reports to other services."""
    return _clean(value, key, 0)


def forget_secrets() -> None:
    """Read the settings anew at the next line."""
    _OURS.clear()


def _clean(value: Any, key: str, depth: int) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return value
    if _NAMES.search(key):
        return HIDDEN
    if isinstance(value, str):
        return scrubbed(value)
    if depth < DEEPEST and isinstance(value, Mapping):
        return {str(name): _clean(inner, str(name), depth + 1) for name, inner in value.items()}
    if depth < DEEPEST and isinstance(value, list | tuple | set | frozenset):
        return [_clean(inner, "", depth + 1) for inner in value]
    return scrubbed(str(value))


def _hide(found: re.Match[str]) -> str:
    if found["header"]:
        return f"{found['header']}{found['is']}{HIDDEN}"
    if found["name"]:
        return f"{found['name']}{found['to']}{HIDDEN}"
    return HIDDEN


def _ours() -> re.Pattern[str] | None:
    if not settings.configured:
        return None
    if not _OURS:
        words = sorted({word for word in _secrets() if len(word) >= SHORTEST}, key=len, reverse=True)
        _OURS.append(re.compile("|".join(map(re.escape, words)), re.IGNORECASE) if words else None)
    return _OURS[0]


def _secrets() -> Iterator[str]:
    """Yield every secret of the settings; what is not set is an empty text."""
    yield from (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS, settings.METRICS_TOKEN)
    yield settings.EMAIL_HOST_PASSWORD or ""
    for signer in settings.SIGNERS.values():
        # One that is worked out when first used is the local chain's, and known to everybody.
        yield from (
            signer[part].removeprefix("0x") for part in ("key", "password") if not isinstance(signer[part], LazyObject)
        )
    for database in (*settings.DATABASES.values(), getattr(settings, "DATABASE_OWNER", None) or {}):
        yield str(database.get("PASSWORD") or "")
    yield urlsplit(str(settings.CELERY_BROKER_URL)).password or ""
    for url in (*settings.RPC_URLS, settings.RPC_WS_URL):
        # Providers put the key into the path or the query.
        parts = urlsplit(str(url))
        yield from (parts.password or "", *parts.path.split("/"), *re.split(r"[=&]", parts.query))
    # Its key stands where a name would.
    reports = urlsplit(str(settings.SENTRY_DSN))
    yield from (reports.username or "", reports.password or "")
