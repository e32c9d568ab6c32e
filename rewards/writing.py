"""Turns what a disk says when it takes nothing into one error, a plain sentence that pages and alarms can show."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from rewards.engine.errors import OutputError
from rewards.errors import NotWrittenError

NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT})
"""No room on the disk, or none left of what the account may use."""


@contextmanager
def writing(*, what: str, setting: str) -> Iterator[None]:
    """Have what the disk refuses inside raised as NotWrittenError.

    what: what is written, in the plural. setting: the name of the setting that says where.
    """
    try:
        yield
    except OutputError as error:
        # The engine's own word for the same: what the system said is its cause.
        raise _refused(error.__cause__, what=what, setting=setting, otherwise=error.reason) from error
    except OSError as error:
        raise _refused(error, what=what, setting=setting, otherwise=str(error)) from error


def _refused(error: BaseException | None, *, what: str, setting: str, otherwise: str) -> NotWrittenError:
    number = getattr(error, "errno", None)
    reason = (getattr(error, "strerror", None) or otherwise).lower()
    return NotWrittenError(what=what, setting=setting, reason=reason, is_full=number in NO_ROOM)
