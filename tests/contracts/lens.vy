# pragma version 0.4.3
# pragma evm-version cancun
"""
@title Lens
@license Apache-2.0
@notice Reads all that the invariants need in one call, through the distributor's public views; for tests only.
"""

from ethereum.ercs import IERC20

interface Distributor:
    def treasury() -> address: view
    def next_treasury() -> address: view
    def proposer() -> address: view
    def guardian() -> address: view
    def active_epoch() -> uint256: view
    def active_root() -> bytes32: view
    def paused() -> bool: view
    def wind_down_at() -> uint256: view
    def quorum() -> uint256: view
    def approved(token: address) -> uint256: view
    def paid(token: address) -> uint256: view
    def claimed(account: address, token: address) -> uint256: view
    def recipient_of(account: address) -> address: view
    def epoch_info(epoch: uint256) -> (uint256, bytes32, bytes32, bytes32, bytes32, uint256, uint256, uint256): view


struct Roles:
    treasury: address
    next_treasury: address
    proposer: address
    guardian: address


struct Flight:
    state: uint256
    root: bytes32
    digest: bytes32
    approved_at: uint256
    attestations: uint256


struct Sums:
    approved: uint256
    paid: uint256
    # of the distributor and of each account
    held: uint256
    balances: DynArray[uint256, 12]
    claimed: DynArray[uint256, 12]


struct Seen:
    number: uint256
    time: uint256
    roles: Roles
    quorum: uint256
    active_epoch: uint256
    active_root: bytes32
    paused: bool
    wind_down_at: uint256
    flight: Flight
    tokens: DynArray[Sums, 4]
    recipients: DynArray[address, 12]


@external
@view
def look(at: address, tokens: DynArray[address, 4], accounts: DynArray[address, 12]) -> Seen:
    it: Distributor = Distributor(at)
    seen: Seen = empty(Seen)
    seen.number = block.number
    seen.time = block.timestamp
    seen.roles = Roles(
        treasury=staticcall it.treasury(),
        next_treasury=staticcall it.next_treasury(),
        proposer=staticcall it.proposer(),
        guardian=staticcall it.guardian(),
    )
    seen.quorum = staticcall it.quorum()
    seen.active_epoch = staticcall it.active_epoch()
    seen.active_root = staticcall it.active_root()
    seen.paused = staticcall it.paused()
    seen.wind_down_at = staticcall it.wind_down_at()
    a: bytes32 = empty(bytes32)
    b: bytes32 = empty(bytes32)
    c: uint256 = 0
    f: Flight = empty(Flight)
    f.state, f.root, a, b, f.digest, f.approved_at, c, f.attestations = staticcall it.epoch_info(seen.active_epoch + 1)
    seen.flight = f
    for token: address in tokens:
        sums: Sums = empty(Sums)
        sums.approved = staticcall it.approved(token)
        sums.paid = staticcall it.paid(token)
        sums.held = staticcall IERC20(token).balanceOf(at)
        for account: address in accounts:
            sums.balances.append(staticcall IERC20(token).balanceOf(account))
            sums.claimed.append(staticcall it.claimed(account, token))
        seen.tokens.append(sums)
    for account: address in accounts:
        seen.recipients.append(staticcall it.recipient_of(account))
    return seen
