"""The picture of sampling luck: nine of ten draws as a bar on the line of all draws, and the exact amount as a mark."""

from dataclasses import dataclass

from rewards.selectors.luck import MakerLuck


@dataclass(frozen=True, slots=True)
class LuckFigure:
    """Places on the line as per cent of the figure's width. Line: all draws and the exact amount."""

    low: str
    width: str
    exact: str
    least_raw: int
    most_raw: int


def luck_figure(*, luck: MakerLuck) -> LuckFigure:
    """Lay the draws out between the least and the most of them (or the exact amount, should it lie outside)."""
    least, most = min(luck.least, luck.exact), max(luck.most, luck.exact)
    span = max(1, most - least)
    low, high, exact = ((each - least) * 1000 // span for each in (luck.low, luck.high, luck.exact))
    return LuckFigure(
        low=_percent(low), width=_percent(max(5, high - low)), exact=_percent(exact), least_raw=least, most_raw=most
    )


def _percent(tenths: int) -> str:
    return f"{tenths // 10}.{tenths % 10}%"
