"""Celery's beat that goes on poking when its machine's clock is set back; by itself it would be silent until then."""

from typing import Any

from celery.beat import PersistentScheduler


class Scheduler(PersistentScheduler):  # type: ignore[misc]
    """Keeps a schedule file as Celery's own does, but never waits for a time that the clock has been at before.

    Each entry remembers when it ran last. Where that lies ahead of the clock, the clock was set back (or the file
    comes from a machine that is ahead), and the entry would be due only once the clock is there again.
    """

    def tick(self, *args: Any, **kwargs: Any) -> float:
        """Send what is due; returns how long (s) nothing will be."""
        ahead = [entry for entry in self.schedule.values() if entry.last_run_at > entry.default_now()]
        for entry in ahead:
            entry.last_run_at = entry.default_now()
        if ahead:
            # The times in it were worked out by the clock as it was.
            self._heap = None
        return float(super().tick(*args, **kwargs))
