# pragma version 0.4.3
"""
@title Views of a GTE market
@notice Answers the views that the adapter asks, with the types of the market's ABI and values that a test sets.
"""

struct Order:
    side: uint8
    cancelTimestamp: uint32
    id: uint256
    prevOrderId: uint256
    nextOrderId: uint256
    owner: address
    price: uint256
    amount: uint256

struct Market:
    bid: uint256
    ask: uint256
    bids: uint256
    asks: uint256
    nonce: uint256
    lot: uint256

orders: HashMap[uint256, Order]
market: Market


@external
def set_order(order: Order):
    self.orders[order.id] = order


@external
def set_market(market: Market):
    self.market = market


@external
@view
def getOrder(id: uint256) -> Order:
    return self.orders[id]


@external
@view
def getTOB() -> (uint256, uint256):
    return self.market.bid, self.market.ask


@external
@view
def getNumBids() -> uint256:
    return self.market.bids


@external
@view
def getNumAsks() -> uint256:
    return self.market.asks


@external
@view
def getEventNonce() -> uint256:
    return self.market.nonce


@external
@view
def getLotSizeInBase() -> uint256:
    return self.market.lot
