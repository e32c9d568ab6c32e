# pragma version 0.4.3
"""
@title Price feeds
@notice Emits exactly the events of a Chainlink aggregator and of Pyth, with whatever values a test gives.
"""

event AnswerUpdated:
    current: indexed(int256)
    roundId: indexed(uint256)
    updatedAt: uint256

event PriceFeedUpdate:
    id: indexed(bytes32)
    publishTime: uint64
    price: int64
    conf: uint64

round: uint256


@external
def answer(current: int256, updated_at: uint256):
    self.round += 1
    log AnswerUpdated(current=current, roundId=self.round, updatedAt=updated_at)


@external
def update(id: bytes32, publish_time: uint64, price: int64):
    log PriceFeedUpdate(id=id, publishTime=publish_time, price=price, conf=7)
