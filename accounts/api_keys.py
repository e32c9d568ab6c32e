"""API keys: made, rotated and revoked by their person, and checked at each request.

A key reads `lamp_PREFIX_SECRET`. The secret is 256 random bits, so one keyed hash is enough, and no slow one is needed:
a copy of the database alone can neither be turned into keys nor be used to try guesses against.
"""

import ipaddress
import re
import secrets
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils.crypto import constant_time_compare, salted_hmac

from accounts.errors import ApiKeyFieldError, ApiKeyRefusedError, ApiKeyUnknownError
from accounts.models import ApiKey, User
from accounts.roles import Deed, Person, require, user_of

MOST_KEYS: Final = 20
MOST_DAYS: Final = 366
MOST_NETWORKS: Final = 20
MOST_NAME_CHARS: Final = 80
FORMER_FOR: Final = timedelta(hours=24)
"""The former secret still counts for so long after a change, so that programs can change in their own time."""
USED_EVERY: Final = timedelta(minutes=5)
"""Use is noted this often at most: a read of the API should not be a write to the database."""
_FORM: Final = re.compile(r"lamp_([a-z0-9]{12})_([A-Za-z0-9_-]{43})")
_LETTERS: Final = "abcdefghijklmnopqrstuvwxyz0123456789"
Scope = ApiKey.Scope


@transaction.atomic
def api_key_make(
    *, by: Person, name: str, scopes: Collection[str], days: int, networks: Sequence[str] = (), now: datetime
) -> tuple[ApiKey, str]:
    """Make a key for oneself; returns it and the text to hand to a program, which is not shown again.

    days: how long it lasts, 1 to 366. networks: addresses or CIDR networks that it may be used from, none: any.
    Raises NotPermittedError, and ApiKeyFieldError, which names the field.
    """
    require(person=by, deed=Deed.MAKE_API_KEY)
    person = User.objects.select_for_update().get(pk=user_of(by).pk)
    if Scope.ALL in scopes:
        require(person=by, deed=Deed.READ_ALL_BY_KEY)
    if Scope.WHAT_IFS in scopes:
        require(person=by, deed=Deed.ASK_WHAT_IF)
    if not 1 <= days <= MOST_DAYS:
        raise ApiKeyFieldError(field="days", reason=f"A key lasts from 1 to {MOST_DAYS} days.")
    if api_keys_open(person=person, now=now) >= MOST_KEYS:
        raise ApiKeyFieldError(field="name", reason=f"You have {MOST_KEYS} keys. Revoke one that you don't use first.")
    prefix, secret = "".join(secrets.choice(_LETTERS) for _ in range(12)), secrets.token_urlsafe(32)
    key = ApiKey.objects.create(
        person=person, name=_name(name), prefix=prefix, digest=_digest(prefix, secret), scopes=_scopes(scopes),
        networks=_networks(networks), expires_at=now + timedelta(days=days),
    )  # fmt: skip
    return key, f"lamp_{prefix}_{secret}"


@transaction.atomic
def api_key_rotate(*, by: Person, number: int, now: datetime) -> tuple[ApiKey, str]:
    """Give a key of one's own a new secret; the former one counts for a day more. Returns both as api_key_make.

    Raises ApiKeyUnknownError when the person has no open key of this number.
    """
    key = _own(by, number=number, now=now)
    secret = secrets.token_urlsafe(32)
    key.former_digest, key.former_until = key.digest, now + FORMER_FOR
    key.digest = _digest(key.prefix, secret)
    key.save(update_fields=["digest", "former_digest", "former_until"])
    return key, f"lamp_{key.prefix}_{secret}"


@transaction.atomic
def api_key_revoke(*, by: Person, number: int, now: datetime) -> ApiKey:
    """End a key of one's own at once, both its secrets. Raises ApiKeyUnknownError as api_key_rotate."""
    key = _own(by, number=number, now=now)
    key.revoked_at = now
    key.save(update_fields=["revoked_at"])
    return key


def api_key_check(*, text: str, ip: str | None, now: datetime) -> ApiKey:
    """Return the key that a request carries, its person loaded, and note that it is used.

    Raises ApiKeyRefusedError. Unknown, wrong, expired and revoked keys and those of people who are switched off give
    one and the same answer; only who has the key learns that it may not be used from this address.
    """
    match = _FORM.fullmatch(text)
    key = ApiKey.objects.select_related("person").filter(prefix=match[1]).first() if match else None
    if match is None or key is None or not _opens(key, match[2], now=now):
        raise ApiKeyRefusedError(reason="It is unknown, revoked or expired. Make a new one under Your account")
    if not key.is_open(now=now) or not key.person.is_active:
        raise ApiKeyRefusedError(reason="It is unknown, revoked or expired. Make a new one under Your account")
    if not _is_from(key.networks, ip):
        raise ApiKeyRefusedError(reason=f"It may not be used from {ip or 'an unknown address'}")
    if key.last_used_at is None or now - key.last_used_at >= USED_EVERY:
        stale = Q(last_used_at=None) | Q(last_used_at__lte=now - USED_EVERY)
        ApiKey.objects.filter(stale, pk=key.pk).update(last_used_at=now)
    return key


def key_prefix(text: str) -> str | None:
    """Return the part of a key's text that names its row; None for what is no key."""
    match = _FORM.fullmatch(text)
    return match[1] if match else None


def api_keys_of(*, person: User) -> list[ApiKey]:
    """Return a person's keys, the newest first, those that are revoked or expired too."""
    return list(ApiKey.objects.filter(person=person))


def api_keys_open(*, person: User, now: datetime) -> int:
    """Return how many keys of the person can be used."""
    return ApiKey.objects.filter(person=person, revoked_at=None, expires_at__gt=now).count()


def _own(by: Person, *, number: int, now: datetime) -> ApiKey:
    person = user_of(by)
    key = ApiKey.objects.select_for_update().filter(pk=number, person=person).first()
    if key is None or not key.is_open(now=now) or not person.is_active:
        raise ApiKeyUnknownError
    return key


def _opens(key: ApiKey, secret: str, *, now: datetime) -> bool:
    held = [key.digest]
    if key.former_until is not None and now < key.former_until:
        held.append(key.former_digest)
    given = list(_digests(key.prefix, secret))
    matches = [constant_time_compare(mine, theirs) for mine in held for theirs in given]
    # All pairs were compared, so that the time says nothing.
    return any(matches)


def _digest(prefix: str, secret: str) -> str:
    return next(_digests(prefix, secret))


def _digests(prefix: str, secret: str) -> Iterator[str]:
    """Give the keyed hash under the secret key of the settings, then under each of the former ones."""
    for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS):
        yield salted_hmac("accounts.ApiKey", f"{prefix} {secret}", secret=key, algorithm="sha256").hexdigest()


def _is_from(networks: Sequence[str], ip: str | None) -> bool:
    if not networks:
        return True
    try:
        address = ipaddress.ip_address(ip or "")
    except ValueError:
        return False
    return any(address in ipaddress.ip_network(network) for network in networks)


def _name(name: str) -> str:
    name = " ".join(name.split())
    if not name or len(name) > MOST_NAME_CHARS or not name.isprintable():
        raise ApiKeyFieldError(field="name", reason=f"Say what the key is for, in 1 to {MOST_NAME_CHARS} characters.")
    return name


def _scopes(scopes: Collection[str]) -> list[str]:
    unknown = sorted(set(scopes) - set(Scope.values))
    if unknown or not scopes:
        raise ApiKeyFieldError(field="scopes", reason="Choose what the key may do, from the list.")
    return sorted(set(scopes))


def _networks(networks: Sequence[str]) -> list[str]:
    if len(networks) > MOST_NETWORKS:
        raise ApiKeyFieldError(field="networks", reason=f"At most {MOST_NETWORKS} networks.")
    found = []
    for text in networks:
        try:
            found.append(str(ipaddress.ip_network(text.strip())))
        except ValueError as error:
            reason = f"“{text[:50]}” is no address or network. Write 203.0.113.7 or 203.0.113.0/24."
            raise ApiKeyFieldError(field="networks", reason=reason) from error
    return sorted(set(found))
