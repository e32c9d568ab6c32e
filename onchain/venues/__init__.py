"""Adapters from the logs of order-book protocols to market events; one file a protocol, chosen by name."""

from collections.abc import Callable, Mapping
from typing import Any

from onchain.errors import MarketConfigError
from onchain.venues.base import Adapter, Applied, Difference, EthCall, ImpossibleEventError
from onchain.venues.declared import DeclaredAdapter
from onchain.venues.events import EventColumns
from onchain.venues.gte import GteAdapter
from onchain.venues.kuru import KuruAdapter
from onchain.venues.lamplight import LamplightAdapter

__all__ = [
    "ADAPTERS", "Adapter", "Applied", "Difference", "EthCall", "EventColumns", "ImpossibleEventError", "make_adapter",
]  # fmt: skip

ADAPTERS: Mapping[str, Callable[..., Adapter]] = {
    "declared": DeclaredAdapter,
    "gte": GteAdapter,
    "kuru": KuruAdapter,
    "lamplight": LamplightAdapter,
}


def make_adapter(*, name: str, config: Mapping[str, Any]) -> Adapter:
    """Return a fresh adapter for a market's configuration. Raises MarketConfigError, which names the key."""
    if name not in ADAPTERS:
        raise MarketConfigError(key="adapter", rule=f"there is no adapter {name}; there are {', '.join(ADAPTERS)}")
    return ADAPTERS[name](config=config)
