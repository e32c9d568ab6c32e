# pragma version 0.4.3
# pragma evm-version cancun
# pragma optimize gas
"""
@title DemoExchange
@license Apache-2.0
@notice An order book of perpetual markets whose every fact is an event; a sequencer matches off-chain and submits what happened.
@dev Prices are ticks, sizes are lots, marks are half-ticks. The contract does not match: it keeps what rests and refuses
     input that no order book could have produced, so that whoever reads the events need not doubt them.
     In a halt, cancels and fills go on (a halt may end in an auction), and so do places: makers rebuild their quotes before
     trading resumes, as in the quotation-only period of a listing exchange. Halted time earns nothing, so nothing is won by it.
     A maker may also rest and cancel orders by itself; the sequencer learns of them from the events and matches them like
     any other. Their ids are the contract's, from OWN on; the sequencer's stay below.
     An order fills one storage slot: owner (160 bits) | size (48) | price (47) | is_bid (1).
"""

# What a venue adapter reads. `order` is unique among the orders that rest in a market; a gone order's id may come again.
event MarketAdded:
    market: indexed(uint32)
    name: String[32]

event OrderPlaced:
    market: indexed(uint32)
    owner: indexed(address)
    order: uint64
    is_bid: bool
    price: uint64
    size: uint64

event OrderCancelled:
    market: indexed(uint32)
    order: uint64
    size: uint64

event OrderFilled:
    market: indexed(uint32)
    taker: indexed(address)
    order: uint64
    size: uint64

event MarkSet:
    market: indexed(uint32)
    price2: uint64

event MarketHalted:
    market: indexed(uint32)

event MarketResumed:
    market: indexed(uint32)

event SequencerChanged:
    previous: indexed(address)
    current: indexed(address)


struct Op:
    kind: uint8
    market: uint32
    order: uint64
    owner: address
    is_bid: bool
    price: uint64
    size: uint64

struct Market:
    halted: bool
    mark: uint64
    name: String[32]


PLACE: constant(uint8) = 1
CANCEL: constant(uint8) = 2
FILL: constant(uint8) = 3
MARK: constant(uint8) = 4
HALT: constant(uint8) = 5
RESUME: constant(uint8) = 6

OWN: constant(uint64) = 2**48

MAX_PRICE: constant(uint64) = 2**47 - 1
MAX_SIZE: constant(uint64) = 2**48 - 1
SIZE_SHIFT: constant(uint256) = 48
OWNER_SHIFT: constant(uint256) = 96
SIZE_MASK: constant(uint256) = (2**48 - 1) << 48

sequencer: public(address)
market_count: public(uint32)
market_named: public(HashMap[String[32], uint32])
markets: HashMap[uint32, Market]
# (market << 64 | order) -> owner | size | price | is_bid; zero when nothing rests under the id.
resting: HashMap[uint256, uint256]
own_orders: uint64


@deploy
def __init__():
    """
    @notice The deployer is the first sequencer.
    """
    self.sequencer = msg.sender
    log SequencerChanged(previous=empty(address), current=msg.sender)


@external
def set_sequencer(sequencer: address):
    """
    @notice Hands the sequencer's right to another address.
    """
    assert msg.sender == self.sequencer, "not the sequencer"
    assert sequencer != empty(address), "no sequencer"
    log SequencerChanged(previous=self.sequencer, current=sequencer)
    self.sequencer = sequencer


@external
def add_market(name: String[32]) -> uint32:
    """
    @notice Opens a market, trading; ids count from 1.
    @return The new market's id.
    """
    assert msg.sender == self.sequencer, "not the sequencer"
    assert len(name) > 0, "no name"
    assert self.market_named[name] == 0, "name is taken"
    market: uint32 = self.market_count + 1
    self.market_count = market
    self.market_named[name] = market
    self.markets[market].name = name
    log MarketAdded(market=market, name=name)
    return market


@external
def submit(ops: DynArray[Op, 256]):
    """
    @notice Applies operations in order; one that is impossible refuses the whole batch.
    @param ops kind: 1 place, 2 cancel, 3 fill, 4 mark, 5 halt, 6 resume. `owner` is the owner of a place and the taker of a
           fill; `price` is ticks in a place and half-ticks in a mark; `size` is lots, 0 in a cancel for all that rests.
           Fields that a kind has no use for are ignored.
    """
    assert msg.sender == self.sequencer, "not the sequencer"
    last: uint32 = self.market_count
    for op: Op in ops:
        assert op.market != 0 and op.market <= last, "unknown market"
        if op.kind == PLACE:
            assert op.order < OWN, "a maker's own id"
            self._place(op)
        elif op.kind == CANCEL:
            taken: uint64 = self._take(op.market, op.order, op.size)
            log OrderCancelled(market=op.market, order=op.order, size=taken)
        elif op.kind == FILL:
            assert op.size != 0, "no size"
            assert op.owner != empty(address), "no taker"
            self._take(op.market, op.order, op.size)
            log OrderFilled(market=op.market, taker=op.owner, order=op.order, size=op.size)
        elif op.kind == MARK:
            assert op.price != 0, "no price"
            self.markets[op.market].mark = op.price
            log MarkSet(market=op.market, price2=op.price)
        elif op.kind == HALT:
            assert not self.markets[op.market].halted, "halted already"
            self.markets[op.market].halted = True
            log MarketHalted(market=op.market)
        else:
            assert op.kind == RESUME, "unknown kind"
            assert self.markets[op.market].halted, "not halted"
            self.markets[op.market].halted = False
            log MarketResumed(market=op.market)


@external
def place(market: uint32, is_bid: bool, price: uint64, size: uint64) -> uint64:
    """
    @notice Rests an order of the caller's own.
    @param price ticks
    @param size lots
    @return The order's id, which OrderPlaced tells, too.
    """
    assert market != 0 and market <= self.market_count, "unknown market"
    order: uint64 = OWN + self.own_orders
    self.own_orders += 1
    self._place(
        Op(kind=PLACE, market=market, order=order, owner=msg.sender, is_bid=is_bid, price=price, size=size)
    )
    return order


@external
def cancel(market: uint32, order: uint64):
    """
    @notice Cancels all that rests of an order of the caller's.
    """
    packed: uint256 = self.resting[self._key(market, order)]
    assert packed != 0, "unknown order"
    assert convert(packed >> OWNER_SHIFT, address) == msg.sender, "not your order"
    taken: uint64 = self._take(market, order, 0)
    log OrderCancelled(market=market, order=order, size=taken)


@internal
def _place(op: Op):
    assert op.owner != empty(address), "no owner"
    assert op.price != 0, "no price"
    assert op.price <= MAX_PRICE, "price too large"
    assert op.size != 0, "no size"
    assert op.size <= MAX_SIZE, "size too large"
    key: uint256 = self._key(op.market, op.order)
    assert self.resting[key] == 0, "order rests already"
    self.resting[key] = (
        (convert(op.owner, uint256) << OWNER_SHIFT)
        | (convert(op.size, uint256) << SIZE_SHIFT)
        | (convert(op.price, uint256) << 1)
        | convert(op.is_bid, uint256)
    )
    log OrderPlaced(
        market=op.market, owner=op.owner, order=op.order, is_bid=op.is_bid, price=op.price, size=op.size
    )


@internal
def _take(market: uint32, order: uint64, size: uint64) -> uint64:
    """
    @dev Takes `size` lots (0: all) off a resting order, and returns how many that were.
    """
    key: uint256 = self._key(market, order)
    packed: uint256 = self.resting[key]
    assert packed != 0, "unknown order"
    rests: uint256 = (packed & SIZE_MASK) >> SIZE_SHIFT
    taken: uint256 = convert(size, uint256)
    if taken == 0:
        taken = rests
    assert taken <= rests, "more than rests"
    self.resting[key] = 0 if taken == rests else packed - (taken << SIZE_SHIFT)
    return convert(taken, uint64)


@internal
@pure
def _key(market: uint32, order: uint64) -> uint256:
    return (convert(market, uint256) << 64) | convert(order, uint256)


@external
@view
def order_of(market: uint32, order: uint64) -> (address, bool, uint64, uint64):
    """
    @return owner, is_bid, price in ticks, size in lots; the size is 0 when nothing rests under the id.
    """
    packed: uint256 = self.resting[self._key(market, order)]
    return (
        convert(packed >> OWNER_SHIFT, address),
        (packed & 1) != 0,
        convert((packed >> 1) & (2**47 - 1), uint64),
        convert((packed & SIZE_MASK) >> SIZE_SHIFT, uint64),
    )


@external
@view
def market_of(market: uint32) -> (String[32], bool, uint64):
    """
    @return name (empty when there is no such market), halted, last mark in half-ticks (0 when there was none).
    """
    m: Market = self.markets[market]
    return (m.name, m.halted, m.mark)
