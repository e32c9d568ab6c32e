"""What can go wrong in the services and selectors of rewards: one tree, each a plain sentence with its values."""

from typing import ClassVar


class RewardsError(Exception):
    """Base of every error that rewards raises outside its engine. `retryable`: the same call may work later."""

    retryable: ClassVar[bool] = False


class NotFoundError(RewardsError):
    """Nothing of this kind has this name."""

    def __init__(self, *, kind: str, name: str) -> None:
        self.kind, self.name = kind, name
        super().__init__(f"There is no {kind} called {name}.")
