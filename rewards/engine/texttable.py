"""Numbers and tables as text for a terminal, by whole numbers alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

PLACES = 6


def one_line(text: str) -> str:
    """Write what cannot be printed (an end of line in a name, a terminal's commands) as its escape."""
    return text if text.isprintable() else "".join(each if each.isprintable() else ascii(each)[1:-1] for each in text)


def amount_text(amount: int, *, decimals: int | None) -> str:
    """Write an amount of smallest units with separators; with decimals in whole tokens, cut off after six places."""
    if decimals is None:
        return f"{amount:,}"
    whole, rest = divmod(abs(amount), 10**decimals)
    places = f"{rest:0{decimals}d}"[:PLACES] if decimals else ""
    sign = "-" if amount < 0 else ""
    return f"{sign}{whole:,}.{places}" if places else f"{sign}{whole:,}"


def percent_text(bps: int) -> str:
    """Write 1/10,000 as percent with two places."""
    return f"{bps // 100}.{bps % 100:02d}%"


def change_text(*, before: int, after: int) -> str:
    """Write how much more or less `after` is than `before`, in percent with one place; `new` where nothing was."""
    if not before:
        return "new" if after else "0.0%"
    tenths = abs(after - before) * 1000 // before
    sign = "" if not tenths else "-" if after < before else "+"
    return f"{sign}{tenths // 10:,}.{tenths % 10}%"


def table(
    heading: Sequence[str], rows: Sequence[Sequence[str]], *, left: int, left_last: bool = False
) -> Iterator[str]:
    """Yield the lines of a table: the first `left` columns (and the last, if asked for) to the left, others right."""
    printable = [[one_line(cell) for cell in row] for row in (heading, *rows)]
    widths = [max(len(row[column]) for row in printable) for column in range(len(heading))]
    for row in printable:
        cells = [
            cell.ljust(width) if column < left or (left_last and column == len(row) - 1) else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        yield "  ".join(cells).rstrip()
