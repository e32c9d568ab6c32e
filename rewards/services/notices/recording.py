"""Writes down what was found, each thing once, together with everybody who is to be told."""

import logging
from datetime import datetime
from itertools import chain

from django.db import transaction

from accounts.models import Maker
from config import failpoints
from rewards.models import Delivery, Notice, Program
from rewards.selectors.notices import endpoints_told, people_told
from rewards.services.notices.decisions import found_of_people
from rewards.services.notices.finding import Found, found

logger = logging.getLogger(__name__)


@transaction.atomic
def notices_record(*, program: Program, now: datetime) -> int:
    """Write down a programme's news and who is told; returns how many. Doing it twice, or at once, tells nobody twice.

    now: this machine's clock. All of one look is written together, or nothing is.
    """
    every = chain(found(program=program, now=now), found_of_people(program=program, now=now))
    news = {each.key: each for each in every}
    known = set(Notice.objects.filter(key__in=news).values_list("key", flat=True))
    slugs = {each.maker for each in news.values() if each.maker}
    makers = {maker.slug: maker for maker in Maker.objects.filter(slug__in=slugs)}
    written = 0
    for key, each in news.items():
        if key not in known:
            written += _written(each, program=program, maker=makers.get(each.maker), now=now)
    failpoints.hit("notices.before_commit")
    return written


def notice_write(*, found: Found, program: Program | None, maker: Maker | None, now: datetime) -> tuple[Notice, bool]:
    """Write one notice unless it is there; returns it and whether it is new. Tells nobody by itself."""
    return Notice.objects.get_or_create(
        key=found.key,
        defaults={
            "kind": found.kind, "program": program, "epoch": found.epoch, "maker": maker, "account": found.account,
            "data": found.data, "at": min(found.at, now),
        },
    )  # fmt: skip


def tell(*, notice: Notice, now: datetime, but_for: int | None = None) -> None:
    """Have everybody told whom the notice is for; whoever is on the list stays on it once.

    but_for: the key of a person who is not mailed, since they did it themselves.
    """
    people = people_told(notice=notice, but_for=but_for)
    rows = [Delivery(notice=notice, person=person, next_at=now) for person in people]
    rows += [Delivery(notice=notice, endpoint=endpoint, next_at=now) for endpoint in endpoints_told(notice=notice)]
    Delivery.objects.bulk_create(rows, ignore_conflicts=True)


def _written(each: Found, *, program: Program, maker: Maker | None, now: datetime) -> int:
    if each.maker and maker is None:
        logger.warning("%s is about the maker %s, which is not known here.", each.key, each.maker)
        return 0
    notice, is_new = notice_write(found=each, program=program, maker=maker, now=now)
    if is_new:
        tell(notice=notice, now=now, but_for=each.but_for)
        failpoints.hit("notices.written")
    return int(is_new)
