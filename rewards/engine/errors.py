"""What can go wrong in the engine: one tree of errors, each a plain sentence with its values."""

from __future__ import annotations


class EngineError(Exception):
    """Base of every error that the engine raises. None of them goes away by trying again."""

    retryable = False


class JsonError(EngineError):
    """A JSON text breaks its form. `path` is the key's path, as `markets.AAPL-PERP.weight_bps`."""

    def __init__(self, *, document: str, path: str, reason: str) -> None:
        self.document, self.path, self.reason = document, path, reason
        super().__init__(f"{document}: {path}: {reason}." if path else f"{document}: {reason}.")


class TermsError(JsonError):
    """The terms break their form or a range."""

    def __init__(self, *, path: str, reason: str) -> None:
        super().__init__(document="terms", path=path, reason=reason)


class TermMissingError(TermsError):
    """A key that every document has is not there."""

    def __init__(self, *, path: str) -> None:
        super().__init__(path=path, reason="the key is missing")


class TermRangeError(TermsError):
    """A number lies outside `[least, most]`."""

    def __init__(self, *, path: str, value: int, least: int, most: int) -> None:
        self.value, self.least, self.most = value, least, most
        super().__init__(path=path, reason=f"it is {_short(value)} and has to be from {least} to {most}")


def _short(value: int) -> str:
    """Write a number, or its length when nobody could read it."""
    return str(value) if abs(value) < 10**30 else "a number of more than 30 digits"


class SessionsError(EngineError):
    """The sessions leave a hole, overlap, or name a kind that does not exist."""

    def __init__(self, *, reason: str) -> None:
        self.reason = reason
        super().__init__(f"sessions: {reason}.")


class InputError(EngineError):
    """A table of the inputs (makers, payouts, carried amounts, previous tree) says something impossible."""

    def __init__(self, *, table: str, reason: str) -> None:
        self.table, self.reason = table, reason
        super().__init__(f"{table}: {reason}.")


class EventsError(EngineError):
    """The event columns as a whole cannot be read (a column is missing or has another type)."""

    def __init__(self, *, reason: str) -> None:
        self.reason = reason
        super().__init__(f"events: {reason}.")


class DataError(EngineError):
    """An event cannot have happened. Base of the data errors of docs/spec/scoring.md, *Inputs of one market*."""

    rule = "the event cannot have happened"

    def __init__(self, *, market: str, block: int, log_index: int, detail: str = "") -> None:
        self.market, self.block, self.log_index, self.detail = market, block, log_index, detail
        said = f"{self.rule} ({detail})" if detail else self.rule
        super().__init__(f"events of {market}, block {block}, log index {log_index}: {said}.")


class UnknownOrderError(DataError):
    """A cancel or fill of an order that does not rest."""

    rule = "a cancel or fill of an order that does not rest"


class TooManyLotsError(DataError):
    """A cancel or fill of more lots than rest."""

    rule = "a cancel or fill of more lots than rest"


class OrderRestsAlreadyError(DataError):
    """A place of an id that rests already."""

    rule = "a place of an order that rests already"


class BadSizeError(DataError):
    """A size below 1, or a place or fill without one."""

    rule = "the size is missing or below 1"


class OutOfOrderError(DataError):
    """A `(block, log_index)` that does not rise within the market."""

    rule = "block and log index do not rise"


class TimeDecreasesError(DataError):
    """A `time_ms` that decreases within the market."""

    rule = "time_ms decreases"


class LateEventError(DataError):
    """An event of a time that an incremental replay has settled already."""

    rule = "the event comes after its time was settled"


class MalformedEventError(DataError):
    """An event that lacks a field that its kind needs, or has one out of range."""

    rule = "the event lacks an order, address, side or price that its kind needs, or its price is below 1"


class TooFineError(DataError):
    """A price or size that does not fit 64 bits in the units that are common to before and after a split."""

    rule = "in the units that the market's splits have in common, the number does not fit 64 bits"


class BoundError(EngineError):
    """A market's numbers are beyond the bounds of docs/spec/scoring.md, *Quality of a maker*."""

    advice = ""

    def __init__(self, *, market: str, time_ms: int, what: str) -> None:
        self.market, self.time_ms, self.what = market, time_ms, what
        super().__init__(f"{market} at {time_ms} ms: {what}: {self.advice}.")


class LotTooSmallError(BoundError):
    """`S` or `target_lots * 1000000` is not below 2^62."""

    advice = "the market's lot is too small, choose a larger one"


class TickTooSmallError(BoundError):
    """The band is not below 3,000,000 half-ticks."""

    advice = "the market's tick is too small, choose a larger one"


class PayoutError(EngineError):
    """A maker is to be paid and its payout accounts do not say how."""

    def __init__(self, *, maker: str, reason: str) -> None:
        self.maker, self.reason = maker, reason
        super().__init__(f"payouts of {maker}: {reason}.")


class NegativeBalanceError(EngineError):
    """A share token's transfers leave an account with less than nothing, so they do not tell every change."""

    def __init__(self, *, vault: str, account: str, block: int, balance: int) -> None:
        self.vault, self.account, self.block, self.balance = vault, account, block, balance
        super().__init__(
            f"The vault {vault} can't be paid through: after block {block} its transfers leave {account} with"
            f" {balance} shares, so it changes balances without a transfer. Its maker has to name payout accounts."
        )


class AmountTooLargeError(EngineError):
    """A cumulative amount does not fit the tree's uint256."""

    def __init__(self, *, account: str, amount: int) -> None:
        self.account, self.amount = account, amount
        super().__init__(f"The cumulative amount of {account} does not fit a uint256: {amount}.")


class StateError(EngineError):
    """A saved state is not one of this version, market, terms, sessions and makers."""

    def __init__(self, *, reason: str) -> None:
        self.reason = reason
        super().__init__(f"The saved state cannot be used: {reason}.")


class BundleError(EngineError):
    """A file of an evidence bundle is missing, changed or unreadable. `file` is its name in the bundle."""

    def __init__(self, *, file: str, reason: str) -> None:
        self.file, self.reason = file, reason
        super().__init__(f"{file}: {reason}.")


class OutputError(EngineError):
    """What was computed cannot be written where it was asked for. `path` is as it was given."""

    def __init__(self, *, path: str, reason: str) -> None:
        self.path, self.reason = path, reason
        super().__init__(f"{path} cannot be written: {reason}.")


class OptionError(EngineError):
    """An option of a command is out of range."""

    def __init__(self, *, option: str, reason: str) -> None:
        self.option, self.reason = option, reason
        super().__init__(f"{option}: {reason}.")
