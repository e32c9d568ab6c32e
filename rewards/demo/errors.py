"""What can go wrong in the demo and in the replay of real flow, each as one sentence with a way on."""

from typing import ClassVar

from rewards.errors import RewardsError


class DemoError(RewardsError):
    """The demo or the replay can't go on."""


class ChainCallError(DemoError):
    """The local chain refused a call."""

    def __init__(self, *, method: str, reason: str) -> None:
        self.method, self.reason = method, reason
        super().__init__(f"The chain refused {method}: {reason}. Start again with a fresh chain.")


class ChainGoneError(DemoError):
    """The local chain does not answer (any more)."""

    retryable: ClassVar[bool] = True

    def __init__(self, *, url: str, reason: str) -> None:
        self.url, self.reason = url, reason
        super().__init__(f"The chain at {url} does not answer ({reason}). Start again; its log is logs/chain.log.")


class TransactionFailedError(DemoError):
    """A transaction was mined and reverted, or was not mined."""

    def __init__(self, *, what: str, tx_hash: str) -> None:
        self.what, self.tx_hash = what, tx_hash
        super().__init__(f"The chain refused to {what} (transaction {tx_hash}). Start again with a fresh chain.")


class NotDuringDemoError(DemoError):
    """The demo would have to write where somebody's own data is."""

    def __init__(self, *, reason: str, way_on: str) -> None:
        self.reason, self.way_on = reason, way_on
        super().__init__(f"{reason} {way_on}")


class TooSlowError(DemoError):
    """Something that other processes do did not happen in time."""

    retryable: ClassVar[bool] = True

    def __init__(self, *, what: str, waited_s: float, look_at: str) -> None:
        self.what, self.waited_s, self.look_at = what, waited_s, look_at
        super().__init__(f"Waited {waited_s:.0f} s in vain for this: {what}. Look at {look_at}.")


class SampleMissingError(DemoError):
    """The sample of real order flow is not installed."""

    def __init__(self) -> None:
        super().__init__(
            "The sample of real order flow comes with the package ob-analytics, which is not installed. "
            "Install the development requirements (make flow does it), then try again."
        )


class VerificationError(DemoError):
    """The evidence gives another result than the one that was stored."""

    def __init__(self, *, bundle: str, said: str) -> None:
        self.bundle, self.said = bundle, said
        super().__init__(f"The evidence in {bundle} does not give the root that was stored: {said}")


class NotAnAccountError(DemoError):
    """What was given as an account is none."""

    def __init__(self, *, given: str) -> None:
        self.given = given
        super().__init__(f"“{given}” is no account. Give 0x and 40 hex digits, or nothing to have one made.")
