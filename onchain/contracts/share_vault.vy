# pragma version 0.4.3
# pragma evm-version cancun
# pragma optimize gas
"""
@title ShareVault
@license Apache-2.0
@notice A pool that liquidity providers share: an ERC-20 share over one asset, with the everyday part of ERC-4626.
@dev Rounds against whoever acts. One virtual asset and 1,000 virtual shares stand behind every conversion, so that a
     first depositor who donates to the vault loses more than anyone after them can.
"""

from ethereum.ercs import IERC20
from ethereum.ercs import IERC20Detailed

implements: IERC20

event Transfer:
    sender: indexed(address)
    receiver: indexed(address)
    value: uint256

event Approval:
    owner: indexed(address)
    spender: indexed(address)
    value: uint256

event Deposit:
    sender: indexed(address)
    owner: indexed(address)
    assets: uint256
    shares: uint256

event Withdraw:
    sender: indexed(address)
    receiver: indexed(address)
    owner: indexed(address)
    assets: uint256
    shares: uint256

VIRTUAL_SHARES: constant(uint256) = 1000

asset: public(immutable(address))
decimals: public(immutable(uint8))

name: public(String[32])
symbol: public(String[12])
totalSupply: public(uint256)
balanceOf: public(HashMap[address, uint256])
allowance: public(HashMap[address, HashMap[address, uint256]])


@deploy
def __init__(asset_: address, name: String[32], symbol: String[12]):
    """
    @param asset_ The ERC-20 that the vault holds.
    """
    assert asset_.is_contract, "no asset"
    asset = asset_
    decimals = staticcall IERC20Detailed(asset_).decimals() + 3
    self.name = name
    self.symbol = symbol


@external
@view
def totalAssets() -> uint256:
    """
    @return What the vault holds of its asset.
    """
    return self._assets()


@external
@view
def convertToShares(assets: uint256) -> uint256:
    """
    @return The shares that `assets` are worth, rounded down.
    """
    return self._shares_for(assets, False)


@external
@view
def convertToAssets(shares: uint256) -> uint256:
    """
    @return The assets that `shares` are worth, rounded down.
    """
    return self._assets_for(shares)


@external
@view
def previewDeposit(assets: uint256) -> uint256:
    """
    @return The shares that a deposit of `assets` would give now.
    """
    return self._shares_for(assets, False)


@external
@view
def previewWithdraw(assets: uint256) -> uint256:
    """
    @return The shares that a withdrawal of `assets` would cost now, rounded up.
    """
    return self._shares_for(assets, True)


@external
@view
def previewRedeem(shares: uint256) -> uint256:
    """
    @return The assets that `shares` would give now.
    """
    return self._assets_for(shares)


@external
@view
def maxRedeem(owner: address) -> uint256:
    """
    @return All shares of `owner`: nothing is ever locked.
    """
    return self.balanceOf[owner]


@external
@view
def maxWithdraw(owner: address) -> uint256:
    """
    @return What all shares of `owner` are worth.
    """
    return self._assets_for(self.balanceOf[owner])


@external
@nonreentrant
def deposit(assets: uint256, receiver: address) -> uint256:
    """
    @notice Takes `assets` from the caller and gives `receiver` shares.
    @return The shares given.
    """
    shares: uint256 = self._shares_for(assets, False)
    assert shares > 0, "no shares"
    assert receiver != empty(address), "no receiver"
    held: uint256 = self._assets()
    assert extcall IERC20(asset).transferFrom(msg.sender, self, assets, default_return_value=True), "transfer failed"
    assert self._assets() - held == assets, "fee on transfer"
    self.totalSupply += shares
    self.balanceOf[receiver] += shares
    log Transfer(sender=empty(address), receiver=receiver, value=shares)
    log Deposit(sender=msg.sender, owner=receiver, assets=assets, shares=shares)
    return shares


@external
@nonreentrant
def withdraw(assets: uint256, receiver: address, owner: address) -> uint256:
    """
    @notice Gives `receiver` exactly `assets` for the owner's shares.
    @return The shares taken.
    """
    shares: uint256 = self._shares_for(assets, True)
    self._leave(assets, shares, receiver, owner)
    return shares


@external
@nonreentrant
def redeem(shares: uint256, receiver: address, owner: address) -> uint256:
    """
    @notice Gives `receiver` what exactly `shares` of the owner are worth.
    @return The assets given.
    """
    assets: uint256 = self._assets_for(shares)
    self._leave(assets, shares, receiver, owner)
    return assets


@external
def approve(spender: address, amount: uint256) -> bool:
    """
    @notice Lets `spender` move up to `amount` shares; the largest number means without end.
    """
    self.allowance[msg.sender][spender] = amount
    log Approval(owner=msg.sender, spender=spender, value=amount)
    return True


@external
def transfer(to: address, amount: uint256) -> bool:
    """
    @notice Moves `amount` shares from the caller to `to`.
    """
    self._move(msg.sender, to, amount)
    return True


@external
def transferFrom(sender: address, to: address, amount: uint256) -> bool:
    """
    @notice Moves `amount` shares of `sender`, who allowed the caller to.
    """
    self._spend(sender, amount)
    self._move(sender, to, amount)
    return True


@internal
def _leave(assets: uint256, shares: uint256, receiver: address, owner: address):
    if msg.sender != owner:
        self._spend(owner, shares)
    assert receiver != empty(address), "no receiver"
    held: uint256 = self.balanceOf[owner]
    assert held >= shares, "balance too small"
    self.balanceOf[owner] = held - shares
    self.totalSupply -= shares
    log Transfer(sender=owner, receiver=empty(address), value=shares)
    log Withdraw(sender=msg.sender, receiver=receiver, owner=owner, assets=assets, shares=shares)
    assert extcall IERC20(asset).transfer(receiver, assets, default_return_value=True), "transfer failed"


@internal
def _spend(owner: address, amount: uint256):
    allowed: uint256 = self.allowance[owner][msg.sender]
    if allowed != max_value(uint256):
        assert allowed >= amount, "allowance too small"
        self.allowance[owner][msg.sender] = allowed - amount


@internal
def _move(sender: address, to: address, amount: uint256):
    assert to != empty(address), "no receiver"
    held: uint256 = self.balanceOf[sender]
    assert held >= amount, "balance too small"
    self.balanceOf[sender] = held - amount
    self.balanceOf[to] += amount
    log Transfer(sender=sender, receiver=to, value=amount)


@internal
@view
def _assets() -> uint256:
    return staticcall IERC20(asset).balanceOf(self)


@internal
@view
def _shares_for(assets: uint256, round_up: bool) -> uint256:
    product: uint256 = assets * (self.totalSupply + VIRTUAL_SHARES)
    divisor: uint256 = self._assets() + 1
    return (product + divisor - 1) // divisor if round_up else product // divisor


@internal
@view
def _assets_for(shares: uint256) -> uint256:
    return shares * (self._assets() + 1) // (self.totalSupply + VIRTUAL_SHARES)
