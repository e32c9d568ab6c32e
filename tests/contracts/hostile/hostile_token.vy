# pragma version 0.4.3
# pragma evm-version cancun
"""
@title HostileToken
@license Apache-2.0
@notice An ERC-20 that can be told to misbehave in each of the ways that real tokens do; for tests only.
"""

event Transfer:
    sender: indexed(address)
    receiver: indexed(address)
    value: uint256

# How a transfer answers.
SAYS_TRUE: constant(uint256) = 0
SAYS_FALSE: constant(uint256) = 1
SAYS_NOTHING: constant(uint256) = 2
SAYS_TWO: constant(uint256) = 3

balanceOf: public(HashMap[address, uint256])
allowance: public(HashMap[address, HashMap[address, uint256]])

answer: public(uint256)
fee_bps: public(uint256)
blocked: public(HashMap[address, bool])
burns_gas: public(bool)
target: public(address)
payload: Bytes[4096]
# What the last call back was answered with.
reentered: public(bool)
reentry_answer: public(Bytes[512])


@external
def mint(to: address, amount: uint256):
    self.balanceOf[to] += amount


@external
def set_answer(answer: uint256):
    self.answer = answer


@external
def set_fee(fee_bps: uint256):
    self.fee_bps = fee_bps


@external
def set_blocked(account: address, blocked: bool):
    self.blocked[account] = blocked


@external
def set_burns_gas(burns_gas: bool):
    self.burns_gas = burns_gas


@external
def set_reentry(target: address, payload: Bytes[4096]):
    """
    @notice Every transfer calls `target` with `payload`, before it moves anything.
    """
    self.target = target
    self.payload = payload
    self.reentered = False


@external
def approve(spender: address, amount: uint256) -> bool:
    self.allowance[msg.sender][spender] = amount
    return True


@external
@raw_return
def transfer(to: address, amount: uint256) -> Bytes[32]:
    return self._moved(msg.sender, to, amount)


@external
@raw_return
def transferFrom(sender: address, to: address, amount: uint256) -> Bytes[32]:
    assert self.allowance[sender][msg.sender] >= amount, "allowance too small"
    self.allowance[sender][msg.sender] -= amount
    return self._moved(sender, to, amount)


@internal
def _moved(sender: address, to: address, amount: uint256) -> Bytes[32]:
    assert not self.blocked[to], "blocked"
    if self.burns_gas:
        for i: uint256 in range(2**64):
            self.balanceOf[empty(address)] = i
    if self.target != empty(address):
        sent: bool = False
        answer: Bytes[512] = b""
        sent, answer = raw_call(self.target, self.payload, max_outsize=512, revert_on_failure=False)
        self.reentered = sent
        self.reentry_answer = answer
    if self.answer == SAYS_FALSE:
        return abi_encode(False)
    assert self.balanceOf[sender] >= amount, "balance too small"
    self.balanceOf[sender] -= amount
    self.balanceOf[to] += amount - amount * self.fee_bps // 10000
    log Transfer(sender=sender, receiver=to, value=amount)
    if self.answer == SAYS_NOTHING:
        return b""
    return abi_encode(convert(2, uint256)) if self.answer == SAYS_TWO else abi_encode(True)
