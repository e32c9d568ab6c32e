"""What the demo says while it works: one line a step, with the time since the start, and a bar where it takes long."""

import shutil
import sys
import time
from collections.abc import Sequence
from typing import TextIO

BAR = 28
EVERY_S = 0.5


class Terminal:
    """Prints to `out`; where that is no terminal, a bar becomes a line now and then."""

    def __init__(self, *, out: TextIO | None = None) -> None:
        self._out = out or sys.stdout
        self._began = time.monotonic()
        self._shown_at = 0.0
        self._open = False

    @property
    def elapsed_s(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self._began

    def say(self, text: str) -> None:
        """Print a step, with the time since the start."""
        self._close()
        self._write(f"{self.elapsed_s:6.1f} s  {text}\n")

    def bar(self, text: str, *, done: float) -> None:
        """Show how far a long step is (done: 0 to 1)."""
        now = time.monotonic()
        often = EVERY_S if self._out.isatty() else 20 * EVERY_S
        if now - self._shown_at < often and done < 1:
            return
        self._shown_at = now
        filled = round(BAR * min(1.0, done))
        line = f"{self.elapsed_s:6.1f} s  {'█' * filled}{'·' * (BAR - filled)} {100 * min(1.0, done):3.0f}%  {text}"
        if self._out.isatty():
            self._write("\r" + line[: shutil.get_terminal_size().columns - 1].ljust(100))
            self._open = True
        else:
            self._write(line + "\n")

    def table(self, rows: Sequence[Sequence[str]]) -> None:
        """Print rows with aligned columns."""
        self._close()
        widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
        for row in rows:
            self._write(
                "    " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() + "\n"
            )

    def text(self, text: str = "") -> None:
        """Print a paragraph as it is."""
        self._close()
        self._write(text + "\n")

    def _close(self) -> None:
        if self._open:
            self._write("\n")
            self._open = False

    def _write(self, text: str) -> None:
        self._out.write(text)
        self._out.flush()
