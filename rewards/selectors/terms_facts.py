"""What is so, against which terms are held: the markets that we read, the makers, the treasury's money."""

from collections.abc import Iterable
from dataclasses import dataclass

from eth_abi.exceptions import DecodingError

from accounts.models import MakerAddress
from onchain.distributor_views import read_allowance, read_summary
from onchain.errors import OnchainError
from onchain.models import Market, MarketEvent
from onchain.rpc import RpcClient
from rewards.models import Program


@dataclass(frozen=True, slots=True, kw_only=True)
class TermsFacts:
    """Amounts are in the token's smallest unit; `treasury` is None when the chain could not be asked."""

    known_markets: frozenset[str]
    markets_with_events: frozenset[str]
    makers: int
    treasury: str | None
    balance: int
    allowance: int


def terms_facts(client: RpcClient | None, *, program: Program, markets: Iterable[str]) -> TermsFacts:
    """Gather the facts for these markets: two queries, one more a market that is read, and two calls of the chain."""
    known = dict(Market.objects.filter(name__in=list(markets)).values_list("name", "pk"))
    active = {name for name, pk in known.items() if MarketEvent.objects.filter(market_id=pk).exists()}
    treasury, balance, allowance = _money(client, program)
    return TermsFacts(
        known_markets=frozenset(known),
        markets_with_events=frozenset(active),
        makers=MakerAddress.objects.values("maker").distinct().count(),
        treasury=treasury,
        balance=balance,
        allowance=allowance,
    )


def known_markets() -> list[str]:
    """Return the names of all markets that we read, in one query."""
    return list(Market.objects.order_by("name").values_list("name", flat=True))


def _money(client: RpcClient | None, program: Program) -> tuple[str | None, int, int]:
    if client is None:
        return None, 0, 0
    try:
        treasury = read_summary(client=client, distributor=program.distributor).treasury
        balance, allowance = read_allowance(
            client=client, token=program.token, owner=treasury, spender=program.distributor
        )
    except (OnchainError, DecodingError, ValueError):
        # Answers of another contract, or of none, are no answer either.
        return None, 0, 0
    return treasury, balance, allowance
