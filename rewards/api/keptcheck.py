"""Whether a program may have a kept answer now: asked of the database at each request, for all that wait at once.

Who may see what is decided by the same code as everywhere (accounts.api_keys, rewards.api.callers). What it decided
stands for as long as every row that it looked at is the same, and the key's times allow.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db import Error, connection
from django.utils import timezone

from accounts.api_keys import USED_EVERY, api_key_check, key_prefix
from accounts.errors import AccountsError
from config.front import Headers
from rewards.api.callers import Who, seen_maker
from rewards.api.errors import ScopeError
from rewards.api.limits import Allowance, allowance, caller
from rewards.errors import RewardsError
from rewards.selectors.versions import Question, Version, versions_of

_MOST_GRANTS: Final = 20_000


@dataclass(frozen=True, slots=True)
class Claim:
    """Somebody wants a kept answer: the key as it was sent, from where, what it asks for, and the answer's version."""

    authorization: bytes
    ip: str | None
    maker: str
    programme: str
    number: int
    version: Version


@dataclass(frozen=True, slots=True)
class Permit:
    """A kept answer may be sent: to whom (the number of the person whose key it is), and what is left to them."""

    person: int
    left: Allowance

    def headers(self) -> Headers:
        """Return the headers that say what is left."""
        return [(name.lower().encode(), value.encode()) for name, value in self.left.headers().items()]


@dataclass(frozen=True, slots=True)
class _Grant:
    who: Version
    until: datetime
    person: int
    counted_as: tuple[str, int]


_grants: dict[tuple[str, str | None, str], _Grant] = {}
"""By the key itself: of one key, a caller could write any number of headers."""


def allowed(claims: Sequence[Claim]) -> list[Permit | None]:
    """Count each request and return who asks with what is left, None for those that Django is to answer.

    For one thread: its connection stays open from call to call.
    """
    try:
        now = timezone.now()
        questions = [Question(_prefix(each), each.maker, each.programme, each.number) for each in claims]
        found = versions_of(questions)
        return [
            _allowed(claim, versions.who, now) if versions.figures == claim.version else None
            for claim, versions in zip(claims, found, strict=True)
        ]
    except Error:
        connection.close()
        return [None] * len(claims)


def _allowed(claim: Claim, who: Version, now: datetime) -> Permit | None:
    try:
        grant = _grants.get((_text(claim), claim.ip, claim.maker))
        if grant is None or grant.who != who or now >= grant.until:
            grant = _grant(claim, who, now)
        name, most = grant.counted_as
        return Permit(grant.person, allowance(key=name, most=most, now=now))
    except (AccountsError, RewardsError, ScopeError):
        # Django finds the same, and says it in the API's form.
        _grants.pop((_text(claim), claim.ip, claim.maker), None)
        return None


def _grant(claim: Claim, who: Version, now: datetime) -> _Grant:
    """Decide anew. `who` was read before, so that a change since is seen at the next request."""
    key = api_key_check(text=_text(claim), ip=claim.ip, now=now)
    person: Any = Who(key.person, key)
    seen_maker(request=person, slug=claim.maker)
    # At the latest when its use is to be noted again.
    ends = [key.expires_at, (key.last_used_at or now) + USED_EVERY, now + USED_EVERY]
    if key.former_until is not None and key.former_until > now:
        ends.append(key.former_until)
    if len(_grants) >= _MOST_GRANTS:
        _grants.clear()
    grant = _Grant(who=who, until=min(ends), person=key.person_id, counted_as=caller(person))
    _grants[_text(claim), claim.ip, claim.maker] = grant
    return grant


def _text(claim: Claim) -> str:
    scheme, _, text = claim.authorization.decode("latin-1").partition(" ")
    return text.strip() if scheme.lower() == "bearer" else ""


def _prefix(claim: Claim) -> str:
    return key_prefix(_text(claim)) or ""


def forget() -> None:
    """Forget what was decided; for tests, whose database is another one each time."""
    _grants.clear()
