"""Nonces of signed messages, and the chain that messages name."""

import secrets
from datetime import datetime, timedelta

from django.db import connection

from accounts.errors import ChainUnknownError, NonceRefusedError
from accounts.models import SignInNonce
from onchain import selectors as chain
from onchain.errors import OnchainError
from onchain.rpc import RpcClient

_TAKE = """
    DELETE FROM accounts_signinnonce
    WHERE nonce = %s AND purpose = %s AND browser = %s AND expires_at > %s
    RETURNING nonce
"""


def issue(*, purpose: str, bound_to: str, now: datetime, lifetime: timedelta) -> str:
    """Return a new nonce. bound_to: SHA-256, hex, of whatever alone may use it. Old ones are swept away."""
    nonce = secrets.token_hex(16)
    SignInNonce.objects.filter(expires_at__lte=now).delete()
    SignInNonce.objects.create(nonce=nonce, purpose=purpose, browser=bound_to, expires_at=now + lifetime)
    return nonce


def take(*, nonce: str, purpose: str, bound_to: str, now: datetime) -> None:
    """Use a nonce up; raises NonceRefusedError. The row goes with the statement: of two at once one finds it."""
    with connection.cursor() as cursor:
        cursor.execute(_TAKE, [nonce, purpose, bound_to, now])
        if cursor.fetchone() is None:
            raise NonceRefusedError


def signing_chain(client: RpcClient) -> int:
    """Return the chain that messages name: the indexed one, before that the node's. Raises ChainUnknownError."""
    followed = chain.followed_chain_id()
    if followed is not None:
        return followed
    try:
        return int(client.call(method="eth_chainId"), 16)
    except (OnchainError, TypeError, ValueError) as error:
        raise ChainUnknownError from error
