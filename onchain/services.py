"""Registers what the indexer follows: markets and contracts. Doing it twice is the same as doing it once."""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from django.db import transaction

from onchain.derive import adapter_of
from onchain.errors import MarketConfigError, MarketConflictError, NoContractError
from onchain.models import Market, WatchedContract
from onchain.rpc import RpcClient
from onchain.venues import ADAPTERS
from onchain.venues.market import FOR_PEOPLE, MarketFile


@transaction.atomic
def contract_watch(*, address: str, start_block: int, label: str = "", whole: bool = False) -> WatchedContract:
    """Store the logs of `address` from `start_block` on; what was emitted before this call is fetched as well.

    A smaller start_block than the one that is registered widens the range. whole: also what was emitted before the
    first block that is indexed at all.
    """
    address = address.lower()
    contract, created = WatchedContract.objects.select_for_update().get_or_create(
        address=address,
        defaults={"start_block": start_block, "label": label, "stored_through": start_block - 1, "whole": whole},
    )
    if whole and not contract.whole:
        contract.whole = True
        contract.stored_through = contract.start_block - 1
        contract.save(update_fields=["whole", "stored_through"])
    if not created and start_block < contract.start_block:
        contract.start_block = start_block
        # Logs that are stored already are replaced, not doubled, when the range is fetched again.
        contract.stored_through = start_block - 1
        contract.save(update_fields=["start_block", "stored_through"])
    return contract


@transaction.atomic
def market_register(
    *,
    name: str,
    adapter: str,
    address: str,
    start_block: int,
    config: Mapping[str, Any],
    tick_size: str,
    lot_size: str,
    base_symbol: str,
) -> Market:
    """Register a market (docs/venues.md, The market file) and watch its contract.

    `config` holds tick_raw, lot_raw and the adapter's own table; `tick_size` and `lot_size` are decimals for people.
    Raises MarketConflictError when the name is taken by a market whose events would differ.
    """
    address = address.lower()
    decides = {"adapter": adapter, "address": address, "start_block": start_block, "config": dict(config)}
    shown = {"tick_size": tick_size, "lot_size": lot_size, "base_symbol": base_symbol}
    market, created = Market.objects.get_or_create(
        name=name, defaults={**decides, **shown, "derived_through": start_block - 1}
    )
    if not created:
        for field, value in decides.items():
            if getattr(market, field) != value:
                raise MarketConflictError(market=name, field=field, stored=getattr(market, field), given=value)
        Market.objects.filter(pk=market.pk).update(**shown)
    # The market's own contract, and its price feed's where it has one.
    for watched in adapter_of(market).addresses if adapter in ADAPTERS else (address,):
        contract_watch(address=watched, start_block=start_block, label=name if watched == address else f"{name} feed")
    return market


def market_add(client: RpcClient, *, file: MarketFile) -> Market:
    """Register the market of a market file, whose contract has to be on the chain that the node follows.

    Raises MarketConfigError, NoContractError, MarketConflictError, and the client's errors.
    """
    market_file_check(file=file)
    for address in file.make().addresses:
        if client.call(method="eth_getCode", params=[address, "latest"]) in ("0x", ""):
            chain_id = int(client.call(method="eth_chainId"), 16)
            raise NoContractError(address=address, chain_id=chain_id)
    return market_register(
        name=file.name,
        adapter=file.adapter,
        address=file.address,
        start_block=file.start_block,
        config=file.config,
        **{key: file.shown[key] for key in FOR_PEOPLE},
    )


def market_file_check(*, file: MarketFile) -> None:
    """Check what only the database needs of a file beside its adapter's own settings. Raises MarketConfigError."""
    file.make()
    for key in FOR_PEOPLE:
        if not file.shown.get(key):
            raise MarketConfigError(key=key, rule="it is missing; pages show prices and sizes by it")
    for key in ("tick_size", "lot_size"):
        try:
            size = Decimal(file.shown[key])
        except InvalidOperation:
            size = Decimal(0)
        if not (size.is_finite() and size > 0):
            raise MarketConfigError(key=key, rule=f"{file.shown[key]} is no decimal number above 0")
