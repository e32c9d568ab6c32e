"""Signatures of posts by the Standard Webhooks specification, and secrets that are not stored in the open.

https://www.standardwebhooks.com: HMAC-SHA256 over `id.timestamp.body`, in base64 behind `v1,`; several signatures,
with a blank between them, while a secret is being changed.
"""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Sequence
from datetime import datetime

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings

from rewards.errors import SecretUnreadableError
from rewards.models import WebhookEndpoint

PREFIX = "whsec_"
SECRET_BYTES = 32
_PURPOSE = b"lamplight webhook secrets 1"


def new_secret() -> str:
    """Return a fresh secret in the form that receivers are given: `whsec_` and base64."""
    return PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def signature_header(*, message_id: str, timestamp_s: int, body: bytes, keys: Sequence[str]) -> str:
    """Return `webhook-signature` for a post, with one signature by each key (`whsec_…`)."""
    content = f"{message_id}.{timestamp_s}.".encode() + body
    return " ".join(f"v1,{base64.b64encode(_hmac(key, content)).decode()}" for key in keys)


def seal(secret: str) -> bytes:
    """Encrypt a secret for the database; a copy of the database alone signs nothing."""
    return _box().encrypt(secret.encode())


def unseal(sealed: bytes) -> str:
    """Return the secret. Raises SecretUnreadableError when none of SECRET_KEY and its fallbacks opens it."""
    try:
        return _box().decrypt(bytes(sealed)).decode()
    except InvalidToken as error:
        raise SecretUnreadableError from error


def signing_keys(*, endpoint: WebhookEndpoint, now: datetime) -> list[str]:
    """Return the secrets that sign now: the current one, and the former one for as long as it holds."""
    keys = [unseal(bytes(endpoint.secret))]
    if endpoint.former_until is not None and endpoint.former_until > now:
        keys.append(unseal(bytes(endpoint.former_secret)))
    return keys


def _box() -> MultiFernet:
    return MultiFernet([Fernet(_derived(key)) for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)])


def _derived(key: str) -> bytes:
    # SECRET_KEY is long and random in production, so one keyed hash is enough to take a key of another purpose from it.
    return base64.urlsafe_b64encode(hmac.new(key.encode(), _PURPOSE, hashlib.sha256).digest())


def _hmac(key: str, content: bytes) -> bytes:
    return hmac.new(base64.b64decode(key.removeprefix(PREFIX)), content, hashlib.sha256).digest()
