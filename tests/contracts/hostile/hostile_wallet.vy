# pragma version 0.4.3
# pragma evm-version cancun
"""
@title HostileWallet
@license Apache-2.0
@notice A contract wallet whose ERC-1271 answer can be chosen, and that calls whatever it is told; for tests only.
"""

YES: constant(uint256) = 0
NO: constant(uint256) = 1
REVERTS: constant(uint256) = 2
SHORT: constant(uint256) = 3
LONG: constant(uint256) = 4
DIRTY: constant(uint256) = 5
OWNER: constant(uint256) = 6
BURNS: constant(uint256) = 7
SPINS: constant(uint256) = 8
MAGIC: constant(bytes32) = 0x1626ba7e00000000000000000000000000000000000000000000000000000000

mode: public(uint256)
owner: public(address)


@external
def set_mode(mode: uint256, owner: address):
    self.mode = mode
    self.owner = owner


@external
def execute(target: address, payload: Bytes[4096]) -> Bytes[512]:
    return raw_call(target, payload, max_outsize=512)


@external
@view
@raw_return
def isValidSignature(digest: bytes32, signature: Bytes[1024]) -> Bytes[320]:
    assert self.mode != REVERTS, "no"
    # All gas at once, and a loop that no node should run to its end.
    assert self.mode != BURNS, UNREACHABLE
    if self.mode == SPINS:
        for _: uint256 in range(max_value(uint256)):
            pass
    if self.mode == SHORT:
        return slice(concat(MAGIC, b""), 0, 4)
    if self.mode == LONG:
        return concat(MAGIC, MAGIC, MAGIC, MAGIC, MAGIC, MAGIC, MAGIC, MAGIC, MAGIC, MAGIC)
    if self.mode == DIRTY:
        return abi_encode(0x1626ba7e00000000000000000000000000000000000000000000000000000001)
    if self.mode == OWNER:
        v: uint256 = extract32(signature, 33, output_type=uint256) & 255
        signer: address = ecrecover(digest, v, extract32(signature, 0), extract32(signature, 32))
        return concat(MAGIC, b"") if signer == self.owner else abi_encode(empty(bytes32))
    return concat(MAGIC, b"") if self.mode == YES else abi_encode(empty(bytes32))
