"""Alarms: raised once, kept open while what they say holds, closed when it no longer does."""

import logging
from collections.abc import Collection

from django.utils import timezone

from rewards.models import Alarm, Program

logger = logging.getLogger(__name__)


def alarms_set(*, program: Program, code: str, messages: dict[str, str]) -> None:
    """Make the open alarms of one code be exactly `messages` (subject to message); doing it twice changes nothing."""
    still: Collection[str] = messages.keys()
    Alarm.objects.filter(program=program, code=code, cleared_at=None).exclude(subject__in=still).update(
        cleared_at=timezone.now()
    )
    for subject, message in messages.items():
        _, is_new = Alarm.objects.get_or_create(
            program=program, code=code, subject=subject, cleared_at=None, defaults={"message": message}
        )
        if is_new:
            logger.critical("%s: %s", program.slug, message)
