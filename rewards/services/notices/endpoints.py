"""Webhooks: who may have notices posted where, with which secret."""

from collections.abc import Collection
from datetime import datetime, timedelta

from django.conf import settings
from django.db import IntegrityError, transaction

from accounts.models import Maker
from accounts.roles import Deed, Person, require, require_manages_maker
from rewards.errors import WebhookConflictError, WebhookUrlError
from rewards.models import Delivery, Notice, WebhookEndpoint
from rewards.selectors.notices import FOR_MAKERS, FOR_TREASURY, Kind
from rewards.services.notices import signing
from rewards.services.notices.delivering import delivery_try
from rewards.services.notices.posting import check_url

MOST_ENDPOINTS = 10
FORMER_FOR = timedelta(hours=24)
"""The former secret signs along for so long after a change, so that a receiver can change in its own time."""


def require_manages_webhooks(*, person: Person, maker: Maker | None) -> None:
    """Raise NotPermittedError unless the person looks after the webhooks of this maker, or of the treasury."""
    if maker is None:
        require(person=person, deed=Deed.MANAGE_TREASURY_WEBHOOKS)
    else:
        require_manages_maker(person=person, maker=maker)


@transaction.atomic
def webhook_add(
    *, by: Person, maker: Maker | None, url: str, kinds: Collection[str] = ()
) -> tuple[WebhookEndpoint, str]:
    """Have notices of a maker (None: of the treasury) posted to an address; returns the endpoint and its secret.

    kinds: which ones; none given means all. The secret is not shown again. Raises NotPermittedError, WebhookUrlError
    and WebhookConflictError.
    """
    require_manages_webhooks(person=by, maker=maker)
    url = url.strip()
    if len(url) > 500:
        raise WebhookUrlError(url=url[:60] + "…", reason="it is longer than 500 characters")
    check_url(url, allow_private=settings.WEBHOOKS_ALLOW_PRIVATE)
    if maker is not None:
        Maker.objects.select_for_update().get(pk=maker.pk)
    if WebhookEndpoint.objects.filter(maker=maker).count() >= MOST_ENDPOINTS:
        raise WebhookConflictError(url=url, reason=f"there are {MOST_ENDPOINTS} already; remove one first")
    secret = signing.new_secret()
    try:
        with transaction.atomic():
            endpoint = WebhookEndpoint.objects.create(
                maker=maker, url=url, kinds=_known(kinds, maker=maker), secret=signing.seal(secret),
                added_by_id=by.pk,
            )  # fmt: skip
    except IntegrityError as error:
        raise WebhookConflictError(url=url, reason="notices are posted there already") from error
    return endpoint, secret


@transaction.atomic
def webhook_change_secret(*, by: Person, endpoint: WebhookEndpoint, now: datetime) -> str:
    """Give an endpoint a new secret and return it; the former one signs along for a day. Raises NotPermittedError."""
    require_manages_webhooks(person=by, maker=endpoint.maker)
    locked = WebhookEndpoint.objects.select_for_update().get(pk=endpoint.pk)
    secret = signing.new_secret()
    locked.former_secret, locked.former_until = locked.secret, now + FORMER_FOR
    locked.secret = signing.seal(secret)
    locked.save(update_fields=["secret", "former_secret", "former_until"])
    return secret


def webhook_switch(*, by: Person, endpoint: WebhookEndpoint, on: bool) -> None:
    """Switch an endpoint on or off; what happens while it is off is not posted. Raises NotPermittedError."""
    require_manages_webhooks(person=by, maker=endpoint.maker)
    WebhookEndpoint.objects.filter(pk=endpoint.pk).update(is_on=on, off_reason="")


def webhook_remove(*, by: Person, endpoint: WebhookEndpoint) -> None:
    """Forget an endpoint, its secret and its deliveries. Raises NotPermittedError."""
    require_manages_webhooks(person=by, maker=endpoint.maker)
    WebhookEndpoint.objects.filter(pk=endpoint.pk).delete()


def webhook_test(*, by: Person, endpoint: WebhookEndpoint, now: datetime) -> Delivery:
    """Post a test notice to one endpoint at once, also one that is off. Raises NotPermittedError."""
    require_manages_webhooks(person=by, maker=endpoint.maker)
    key = f"{Kind.TEST} {endpoint.pk} {now.isoformat()}"
    notice, _ = Notice.objects.get_or_create(
        key=key, defaults={"kind": Kind.TEST, "maker": endpoint.maker, "data": {"endpoint": endpoint.pk}, "at": now}
    )
    delivery, _ = Delivery.objects.get_or_create(notice=notice, endpoint=endpoint, defaults={"next_at": now})
    delivery_try(delivery_id=delivery.pk, now=now)
    delivery.refresh_from_db()
    return delivery


def webhook_send_again(*, by: Person, delivery: Delivery, now: datetime) -> None:
    """Post a notice once more, with the id that it had, so that a receiver knows it. Raises NotPermittedError."""
    if delivery.endpoint is None:
        raise WebhookConflictError(url="mail", reason="only posts are sent again")
    require_manages_webhooks(person=by, maker=delivery.endpoint.maker)
    Delivery.objects.filter(pk=delivery.pk).exclude(state=Delivery.State.WAITING).update(
        state=Delivery.State.WAITING, attempts=0, next_at=now, leased_until=None
    )


def _known(kinds: Collection[str], *, maker: Maker | None) -> list[str]:
    offered = {kind.value for kind in (FOR_TREASURY if maker is None else FOR_MAKERS)}
    unknown = sorted(set(kinds) - offered)
    if unknown:
        raise WebhookConflictError(url=", ".join(unknown), reason="there is no such kind of notice")
    return sorted(set(kinds))
