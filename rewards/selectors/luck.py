"""What sampling would have paid a maker in an epoch, as it was worked out for the present evidence."""

from dataclasses import dataclass

from rewards.models import Epoch, SamplingLuck


@dataclass(frozen=True, slots=True)
class MakerLuck:
    """Amounts earned over all markets, in the token's smallest unit: exact, and of the draws of sampling.

    low, high: nine of ten draws lie between them. least, most: all do.
    """

    draws: int
    exact: int
    mean: int
    low: int
    high: int
    least: int
    most: int


def maker_luck(*, epoch: Epoch, maker: str) -> MakerLuck | None:
    """Return a maker's luck in an epoch, in one query; None while it is not known or nothing was earned."""
    row = SamplingLuck.objects.filter(epoch=epoch, manifest_hash=epoch.manifest_hash).exclude(makers=None).first()
    if row is None or not row.makers or maker not in row.makers:
        return None
    amounts = {name: int(amount) for name, amount in row.makers[maker].items()}
    return MakerLuck(draws=row.draws, **amounts)
