# pragma version 0.4.3
"""
@title RebasingShare
@license Apache-2.0
@notice A share token whose balances grow without a Transfer event: what its logs say is not what it holds.
"""

event Transfer:
    sender: indexed(address)
    receiver: indexed(address)
    value: uint256

units: HashMap[address, uint256]
total: uint256
percent: public(uint256)


@deploy
def __init__():
    self.percent = 100


@external
def mint(receiver: address, amount: uint256):
    self.units[receiver] += amount
    self.total += amount
    log Transfer(sender=empty(address), receiver=receiver, value=amount)


@external
def mint_many(first: uint256, count: uint256, amount: uint256):
    for step: uint256 in range(count, bound=1000):
        receiver: address = convert(convert(first + step, uint160), address)
        self.units[receiver] += amount + step
        self.total += amount + step
        log Transfer(sender=empty(address), receiver=receiver, value=amount + step)


@external
def transfer(receiver: address, amount: uint256) -> bool:
    self.units[msg.sender] -= amount
    self.units[receiver] += amount
    log Transfer(sender=msg.sender, receiver=receiver, value=amount)
    return True


@external
def rebase(percent: uint256):
    self.percent = percent


@external
@view
def balanceOf(owner: address) -> uint256:
    return self.units[owner] * self.percent // 100


@external
@view
def totalSupply() -> uint256:
    return self.total * self.percent // 100
