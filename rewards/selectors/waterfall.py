"""From what a market pays for quoting to a maker's pay, for the scorecard."""

from rewards.analysis.waterfall import Waterfall, waterfall
from rewards.models import Epoch
from rewards.selectors.parsed_terms import terms_of
from rewards.selectors.quoted import Quoted
from rewards.selectors.standings import PoolPay

STALE_MS = 900_000


def market_waterfall(*, epoch: Epoch, found: Quoted, pay: PoolPay) -> Waterfall | None:
    """Return the steps without a query; None where nothing is known, or where pay and sums are far apart in time."""
    if not found.cells.makers or found.known == 0 or found.until_ms + STALE_MS < pay.as_of_ms:
        return None
    return waterfall(
        terms=terms_of(epoch=epoch), cells=found.cells, maker=pay.maker, known=found.known,
        fills=pay.fills, stress=pay.stress, payout=pay.payout,
    )  # fmt: skip
