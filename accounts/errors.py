"""What can go wrong with people and makers: one tree, each a plain sentence with its values."""

from typing import ClassVar


class AccountsError(Exception):
    """Base of the errors of accounts. `retryable`: the same call may work later."""

    retryable: ClassVar[bool] = False


class AddressTakenError(AccountsError):
    """An address quotes for one maker only."""

    def __init__(self, *, address: str, maker: str) -> None:
        self.address, self.maker = address, maker
        super().__init__(f"{address} quotes for the maker {maker} already. Remove it there first.")


class PayoutSharesError(AccountsError):
    """The shares of a maker's payout accounts do not make a whole."""

    def __init__(self, *, maker: str, total_ppm: int) -> None:
        self.maker, self.total_ppm = maker, total_ppm
        super().__init__(
            f"The payout accounts of {maker} must differ, each with a share of at least 1 ppm, and sum to "
            f"1,000,000 ppm; they sum to {total_ppm:,}."
        )
