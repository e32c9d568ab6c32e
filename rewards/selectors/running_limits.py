"""From when on a part of the service needs a look; docs/operators.md says what to do then."""

from typing import Final

LATE_S: Final = 60
"""Who has not looked at the chain for a minute has stopped: the indexer looks every second."""
LAG_BLOCKS: Final = 100
CANARY_LATE_S: Final = 120
"""The beat puts a canary into every queue three times a minute; a worker with a long task may miss a few."""
LONG_QUEUE: Final = 500
"""Pokes expire after seconds, so a longer queue is one that nobody keeps up with."""
KEY_LATE_S: Final = 300
FIGURES_LATE_MS: Final = 600_000
NOTICE_LATE_S: Final = 600
GAS_A_COLLECTION: Final = 100_000
GAS_A_PROPOSAL: Final = 500_000
ENOUGH_COLLECTIONS: Final = 200
ENOUGH_PROPOSALS: Final = 10
