"""Tells people and programs: takes what is due, sends it, writes down how it went, and tries again later.

At least once: who is killed between sending and writing down sends again, under the same id.
"""

import json
import logging
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction

from config import failpoints
from rewards.errors import PostFailedError, RewardsError
from rewards.models import Delivery, Notice, WebhookEndpoint
from rewards.selectors.notices import Kind, delivery_ids_due
from rewards.services.notices.finding import Found
from rewards.services.notices.mailing import mail
from rewards.services.notices.posting import Answer, post
from rewards.services.notices.recording import notice_write, tell
from rewards.services.notices.signing import signature_header, signing_keys

logger = logging.getLogger(__name__)
STATE = Delivery.State
LEASE = timedelta(seconds=90)
AT_ONCE = 50
WAITS = tuple(
    timedelta(seconds=seconds)
    for seconds in (5, 5 * 60, 30 * 60, 2 * 3600, 5 * 3600, 10 * 3600, 14 * 3600, 20 * 3600, 24 * 3600)
)
"""How long after a failed try the next one is made (the schedule that Standard Webhooks proposes); then no more."""
GONE = 410


def deliveries_do(*, now: datetime) -> int:
    """Try what is due, at most AT_ONCE of it; returns how many were tried. Any number of workers may do so at once."""
    return sum(delivery_try(delivery_id=each, now=now) for each in delivery_ids_due(now=now, most=AT_ONCE))


def delivery_try(*, delivery_id: int, now: datetime) -> bool:
    """Try one delivery unless it is not due or somebody else is at it; returns whether it was tried."""
    delivery = _leased(delivery_id, now)
    if delivery is None:
        return False
    failpoints.hit("deliveries.leased")
    try:
        status, text, is_done = _send(delivery, now)
    except (RewardsError, OSError) as error:
        # OSError: the mail server can't be reached (smtplib's errors are of its kind).
        status, text, is_done = None, str(error), False
    failpoints.hit("deliveries.sent")
    _write_down(delivery, status=status, text=text, is_done=is_done, now=now)
    failpoints.hit("deliveries.written")
    return True


def post_body(*, notice: Notice) -> bytes:
    """Return what is posted of a notice: `type`, `timestamp` and `data`, the same bytes at every try."""
    content: dict[str, Any] = {"type": notice.kind, "timestamp": notice.at.isoformat(), "data": notice.data}
    return json.dumps(content, sort_keys=True, separators=(",", ":")).encode()


def _leased(delivery_id: int, now: datetime) -> Delivery | None:
    with transaction.atomic():
        rows = Delivery.objects.select_for_update(skip_locked=True, of=("self",))
        row = rows.filter(pk=delivery_id, state=STATE.WAITING, next_at__lte=now).first()
        if row is None or (row.leased_until is not None and row.leased_until > now):
            return None
        row.leased_until, row.attempts = now + LEASE, row.attempts + 1
        row.save(update_fields=["leased_until", "attempts"])
    return Delivery.objects.select_related(
        "notice__program", "notice__maker", "notice__epoch", "person", "endpoint__maker"
    ).get(pk=delivery_id)


def _send(delivery: Delivery, now: datetime) -> tuple[int | None, str, bool]:
    """Send a delivery; returns the HTTP status if there is one, what was answered, and whether that is a yes."""
    if delivery.person is not None:
        mail(notice=delivery.notice, person=delivery.person)
        return None, "", True
    answer = _posted(delivery, now)
    return answer.status, answer.text, answer.is_success


def _posted(delivery: Delivery, now: datetime) -> Answer:
    endpoint = delivery.endpoint
    if endpoint is None:
        raise PostFailedError(reason="The endpoint was removed.")
    message_id, body, seconds = f"msg_{delivery.pk}_{delivery.notice_id}", post_body(notice=delivery.notice), now
    timestamp_s = int(seconds.timestamp())
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "Lamplight-Webhooks/1",
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp_s),
        "webhook-signature": signature_header(
            message_id=message_id, timestamp_s=timestamp_s, body=body, keys=signing_keys(endpoint=endpoint, now=now)
        ),
    }
    return post(url=endpoint.url, body=body, headers=headers, allow_private=settings.WEBHOOKS_ALLOW_PRIVATE)


@transaction.atomic
def _write_down(delivery: Delivery, *, status: int | None, text: str, is_done: bool, now: datetime) -> None:
    changes: dict[str, Any] = {"status": status, "answer": text, "leased_until": None}
    if is_done:
        changes |= {"state": STATE.DONE, "done_at": now}
    elif status == GONE or delivery.attempts > len(WAITS) or delivery.notice.kind == Kind.TEST:
        changes |= {"state": STATE.FAILED, "done_at": now}
    else:
        changes |= {"next_at": now + WAITS[delivery.attempts - 1]}
    Delivery.objects.filter(pk=delivery.pk, state=STATE.WAITING).update(**changes)
    if changes.get("state") == STATE.FAILED and delivery.endpoint is not None and delivery.notice.kind != Kind.TEST:
        reason = "It answered that it is gone for good." if status == GONE else f"{delivery.attempts} tries failed."
        _switch_off(delivery.endpoint, reason=reason, now=now)


def _switch_off(endpoint: WebhookEndpoint, *, reason: str, now: datetime) -> None:
    if not WebhookEndpoint.objects.filter(pk=endpoint.pk, is_on=True).update(is_on=False, off_reason=reason):
        return
    logger.warning("The webhook %s was switched off: %s", endpoint.pk, reason)
    data = {"endpoint": endpoint.pk, "url": endpoint.url, "reason": reason}
    found = Found(kind=Kind.WEBHOOK_OFF, key=f"{Kind.WEBHOOK_OFF} {endpoint.pk} {now.isoformat()}", at=now, data=data)
    notice, _ = notice_write(found=found, program=None, maker=endpoint.maker, now=now)
    tell(notice=notice, now=now)
