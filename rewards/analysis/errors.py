"""What can go wrong when an epoch is explained: each a plain sentence with its values."""

from __future__ import annotations

from rewards.engine.errors import EngineError


class AnalysisError(EngineError):
    """Base of what analysis adds to the engine's errors; it feeds no root, so no payout depends on it."""


class EpochTooLongError(AnalysisError):
    """The epoch is longer than the 64 bits of a statistics column can sum up."""

    def __init__(self, *, length_ms: int, longest_ms: int) -> None:
        self.length_ms, self.longest_ms = length_ms, longest_ms
        super().__init__(
            f"The epoch of {length_ms} ms is too long for statistics, which go up to {longest_ms} ms (49 days)."
        )


class TooLargeError(AnalysisError):
    """A market's lots, multiplied by time, do not fit the 64 bits of a statistics column."""

    def __init__(self, *, market: str) -> None:
        self.market = market
        super().__init__(f"{market}: its lots are too many for statistics; its scores and payouts are not affected.")


class UnknownAccountError(AnalysisError):
    """Nobody is paid to the account and no tree holds it."""

    def __init__(self, *, account: str, reason: str) -> None:
        self.account, self.reason = account, reason
        super().__init__(f"{account}: {reason}.")


class PackedCellsError(AnalysisError):
    """Stored sums of quotes can't be read; they can be made again."""

    def __init__(self) -> None:
        super().__init__("Stored sums of quotes can't be read; they are made again from the events.")


class MomentError(AnalysisError):
    """A moment can't be looked at: it is outside of what there is."""

    def __init__(self, *, time_ms: int, from_ms: int, to_ms: int) -> None:
        self.time_ms, self.from_ms, self.to_ms = time_ms, from_ms, to_ms
        super().__init__(f"The moment {time_ms} can't be looked at; it has to be from {from_ms} to before {to_ms}.")
