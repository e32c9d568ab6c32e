# pragma version 0.4.3
# pragma evm-version cancun
# pragma optimize gas
"""
@title RewardToken
@license Apache-2.0
@notice An ERC-20 of 18 decimals that its owner can mint; the demo's reward and cash money.
"""

from ethereum.ercs import IERC20

implements: IERC20

event Transfer:
    sender: indexed(address)
    receiver: indexed(address)
    value: uint256

event Approval:
    owner: indexed(address)
    spender: indexed(address)
    value: uint256

event OwnershipTransferred:
    previous: indexed(address)
    current: indexed(address)

decimals: public(constant(uint8)) = 18

name: public(String[32])
symbol: public(String[12])
owner: public(address)
totalSupply: public(uint256)
balanceOf: public(HashMap[address, uint256])
allowance: public(HashMap[address, HashMap[address, uint256]])


@deploy
def __init__(name: String[32], symbol: String[12]):
    """
    @notice Nothing is minted yet; the deployer may.
    """
    self.name = name
    self.symbol = symbol
    self.owner = msg.sender
    log OwnershipTransferred(previous=empty(address), current=msg.sender)


@external
def transfer_ownership(owner: address):
    """
    @notice Hands the right to mint to another address; the zero address ends it for good.
    """
    assert msg.sender == self.owner, "not the owner"
    log OwnershipTransferred(previous=self.owner, current=owner)
    self.owner = owner


@external
def mint(to: address, amount: uint256):
    """
    @notice Creates `amount` units for `to`.
    """
    assert msg.sender == self.owner, "not the owner"
    assert to != empty(address), "no receiver"
    self.totalSupply += amount
    self.balanceOf[to] += amount
    log Transfer(sender=empty(address), receiver=to, value=amount)


@external
def approve(spender: address, amount: uint256) -> bool:
    """
    @notice Lets `spender` move up to `amount`; the largest number means without end.
    """
    self.allowance[msg.sender][spender] = amount
    log Approval(owner=msg.sender, spender=spender, value=amount)
    return True


@external
def transfer(to: address, amount: uint256) -> bool:
    """
    @notice Moves `amount` from the caller to `to`.
    """
    self._move(msg.sender, to, amount)
    return True


@external
def transferFrom(sender: address, to: address, amount: uint256) -> bool:
    """
    @notice Moves `amount` from `sender`, who allowed the caller to.
    """
    allowed: uint256 = self.allowance[sender][msg.sender]
    if allowed != max_value(uint256):
        assert allowed >= amount, "allowance too small"
        self.allowance[sender][msg.sender] = allowed - amount
    self._move(sender, to, amount)
    return True


@internal
def _move(sender: address, to: address, amount: uint256):
    assert to != empty(address), "no receiver"
    held: uint256 = self.balanceOf[sender]
    assert held >= amount, "balance too small"
    self.balanceOf[sender] = held - amount
    self.balanceOf[to] += amount
    log Transfer(sender=sender, receiver=to, value=amount)
