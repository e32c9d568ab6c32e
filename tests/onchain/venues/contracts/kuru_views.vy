# pragma version 0.4.3
"""
@title Views of a Kuru market
@notice Answers the views that the adapter asks, with the types of the market's ABI and values that a test sets.
"""

struct Order:
    ownerAddress: address
    size: uint96
    prev: uint40
    next: uint40
    flippedId: uint40
    price: uint32
    flippedPrice: uint32
    isBuy: bool

struct Vault:
    vault: address
    bestBid: uint256
    bidPartiallyFilledSize: uint96
    bestAsk: uint256
    askPartiallyFilledSize: uint96
    bidOrderSize: uint96
    askOrderSize: uint96
    spread: uint96

s_orders: public(HashMap[uint40, Order])
s_orderIdCounter: public(uint40)
marketState: public(uint8)
vault_params: Vault


@external
def set_order(id: uint40, order: Order):
    self.s_orders[id] = order


@external
def set_market(births: uint40, state: uint8, vault: Vault):
    self.s_orderIdCounter = births
    self.marketState = state
    self.vault_params = vault


@external
@view
def getVaultParams() -> Vault:
    return self.vault_params
