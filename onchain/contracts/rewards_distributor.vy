# pragma version 0.4.3
# pragma evm-version cancun
# pragma optimize gas
# pragma nonreentrancy on
"""
@title RewardsDistributor
@license Apache-2.0
@notice Cumulative rewards of one programme, in any number of ERC-20 tokens, claimable under one Merkle root that the
        treasury has approved and paid for.
@dev Whoever holds the proposer's key and whatever root is proposed:
     1. per token `paid <= approved`, and `approved` grows only by what the treasury sent in the same transaction;
     2. no root is claimable before the treasury approved exactly its fields and the challenge delay has passed;
     3. the guardian can stop and nothing else, the proposer can propose (and take back) and nothing else;
     4. an account's claimed amount never decreases, and claiming twice pays once;
     5. money of one token or epoch never pays for another token.
     Amounts are at most 2**96 - 1. A rebasing token may not be used: sums are kept, not balances.
"""

from ethereum.ercs import IERC20

interface IERC1271:
    def isValidSignature(digest: bytes32, signature: Bytes[1024]) -> bytes4: view


event EpochProposed:
    epoch: indexed(uint256)
    digest: indexed(bytes32)
    root: bytes32
    parent_root: bytes32
    manifest_hash: bytes32
    tokens: DynArray[address, 16]
    increments: DynArray[uint256, 16]
    proposer: address

event EpochWithdrawn:
    epoch: indexed(uint256)
    digest: bytes32

event EpochAttested:
    epoch: indexed(uint256)
    digest: indexed(bytes32)
    attestor: indexed(address)
    count: uint256

event EpochApproved:
    epoch: indexed(uint256)
    digest: indexed(bytes32)
    activatable_at: uint256

event EpochVetoed:
    epoch: indexed(uint256)
    digest: indexed(bytes32)
    reason: String[256]

event EpochActivated:
    epoch: indexed(uint256)
    root: indexed(bytes32)
    digest: bytes32

event Refunded:
    epoch: indexed(uint256)
    token: indexed(address)
    amount: uint256
    sent: bool

event Claimed:
    account: indexed(address)
    token: indexed(address)
    epoch: indexed(uint256)
    recipient: address
    amount: uint256
    cumulative: uint256
    caller: address

event RecipientSet:
    account: indexed(address)
    recipient: indexed(address)

event RoleChanged:
    role: indexed(uint8)
    previous: indexed(address)
    current: indexed(address)

event AttestorsChanged:
    attestors: DynArray[address, 16]
    quorum: uint256

event Paused:
    by: indexed(address)

event Unpaused:
    by: indexed(address)

event Swept:
    token: indexed(address)
    to: indexed(address)
    amount: uint256

event WindDownAnnounced:
    possible_at: uint256

event WoundDown:
    token: indexed(address)
    to: indexed(address)
    amount: uint256


# One proposal for ever: a digest that was vetoed or withdrawn stays what it is.
struct Proposal:
    root: bytes32
    manifest_hash: bytes32
    state: uint8
    approved_at: uint64
    # token (160 bits) | increment (96 bits)
    money: DynArray[uint256, 16]


UNSET: constant(uint8) = 0
PROPOSED: constant(uint8) = 1
APPROVED: constant(uint8) = 2
ACTIVE: constant(uint8) = 3
VETOED: constant(uint8) = 4
WITHDRAWN: constant(uint8) = 5

ROLE_TREASURY: constant(uint8) = 1
ROLE_NEXT_TREASURY: constant(uint8) = 2
ROLE_PROPOSER: constant(uint8) = 3
ROLE_GUARDIAN: constant(uint8) = 4

MAX_AMOUNT: constant(uint256) = 2**96 - 1
MAX_DELAY_S: constant(uint256) = 30 * 86400
WIND_DOWN_S: constant(uint256) = 90 * 86400
PAUSED_BIT: constant(uint256) = 1 << 64
# secp256k1n // 2: a signature with a larger s is the mirror image of another one.
MAX_S: constant(uint256) = 57896044618658097711785492504343953926418782139537452191302581570759080747168
DOMAIN_TYPE: constant(bytes32) = keccak256(
    "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
)
DOMAIN_NAME: constant(bytes32) = keccak256("Lamplight RewardsDistributor")
DOMAIN_VERSION: constant(bytes32) = keccak256("1")
RECIPIENT_TYPE: constant(bytes32) = keccak256(
    "SetRecipient(address account,address recipient,uint256 nonce,uint256 deadline)"
)

delay_s: public(immutable(uint256))

treasury: public(address)
next_treasury: public(address)
proposer: public(address)
guardian: public(address)
attestors: DynArray[address, 16]
quorum: public(uint256)

active_root: public(bytes32)
# active epoch (64 bits) | paused (1 bit)
status: uint256
wind_down_at: public(uint256)

digests: HashMap[uint256, bytes32]
proposals: HashMap[bytes32, Proposal]
attested: public(HashMap[bytes32, HashMap[address, bool]])

# token -> approved (96 bits) << 96 | paid (96 bits)
ledger: HashMap[address, uint256]
claimed: public(HashMap[address, HashMap[address, uint256]])
recipients: HashMap[address, address]
nonces: public(HashMap[address, uint256])


@deploy
def __init__(
    treasury: address,
    proposer: address,
    guardian: address,
    attestors: DynArray[address, 16],
    quorum: uint256,
    delay_s_: uint256,
):
    """
    @param treasury Approves and pays; a Safe or an account.
    @param attestors Recompute independently; `quorum` of them must agree before an approval.
    @param delay_s_ Seconds between approval and activation, 1 to 30 days; it can't be changed later.
    """
    assert delay_s_ != 0 and delay_s_ <= MAX_DELAY_S, "delay out of range"
    delay_s = delay_s_
    self.treasury = treasury
    self.proposer = proposer
    self.guardian = guardian
    self._set_attestors(attestors, quorum)
    log RoleChanged(role=ROLE_TREASURY, previous=empty(address), current=treasury)
    log RoleChanged(role=ROLE_PROPOSER, previous=empty(address), current=proposer)
    log RoleChanged(role=ROLE_GUARDIAN, previous=empty(address), current=guardian)


# Epochs


@external
def propose(
    epoch: uint256,
    root: bytes32,
    parent_root: bytes32,
    manifest_hash: bytes32,
    tokens: DynArray[address, 16],
    increments: DynArray[uint256, 16],
):
    """
    @notice Offers the next epoch's root and what it costs to the treasury.
    @param parent_root The active root, zero before the first epoch: a root computed on another past is refused.
    @param tokens Ascending by address, so that one epoch has one digest.
    @param increments What each token's claimable sum grows by, 1 to 2**96 - 1.
    """
    assert msg.sender == self.proposer, "not the proposer"
    self._running()
    assert self.wind_down_at == 0, "winding down"
    assert epoch == self._active_epoch() + 1, "not the next epoch"
    assert parent_root == self.active_root, "not the active root"
    assert root != empty(bytes32), "no root"
    state: uint8 = self.proposals[self.digests[epoch]].state
    assert state != PROPOSED and state != APPROVED, "epoch in flight"
    digest: bytes32 = self._digest(epoch, root, parent_root, manifest_hash, tokens, increments)
    # A vetoed or withdrawn proposal is never brought back under the same digest, nor are its attestations.
    assert self.proposals[digest].state == UNSET, "digest was used"
    assert len(tokens) == len(increments), "lengths differ"
    last: uint256 = 0
    for i: uint256 in range(len(tokens), bound=16):
        token: uint256 = convert(tokens[i], uint256)
        assert token > last, "tokens not ascending"
        assert increments[i] != 0 and increments[i] <= MAX_AMOUNT, "increment out of range"
        self.proposals[digest].money.append((token << 96) | increments[i])
        last = token
    self.proposals[digest].root = root
    self.proposals[digest].manifest_hash = manifest_hash
    self.proposals[digest].state = PROPOSED
    self.digests[epoch] = digest
    log EpochProposed(
        epoch=epoch,
        digest=digest,
        root=root,
        parent_root=parent_root,
        manifest_hash=manifest_hash,
        tokens=tokens,
        increments=increments,
        proposer=msg.sender,
    )


@external
def withdraw(epoch: uint256):
    """
    @notice Takes a proposal back that is not approved yet.
    """
    assert msg.sender == self.proposer, "not the proposer"
    digest: bytes32 = self.digests[epoch]
    self._move(digest, PROPOSED, WITHDRAWN)
    log EpochWithdrawn(epoch=epoch, digest=digest)


@external
def attest(epoch: uint256, digest: bytes32):
    """
    @notice Says that an independent recomputation reached the same digest.
    """
    assert msg.sender in self.attestors, "not an attestor"
    self._same(epoch, digest)
    assert self.proposals[digest].state == PROPOSED, "wrong state"
    assert not self.attested[digest][msg.sender], "attested already"
    self.attested[digest][msg.sender] = True
    log EpochAttested(epoch=epoch, digest=digest, attestor=msg.sender, count=self._attestations(digest))


@external
def approve(epoch: uint256, digest: bytes32):
    """
    @notice Pulls the epoch's increments from the treasury and starts the challenge delay.
    @dev The treasury allows this contract to spend the increments first.
    """
    self._only_treasury()
    self._running()
    assert self.wind_down_at == 0, "winding down"
    self._same(epoch, digest)
    assert self._attestations(digest) >= self.quorum, "too few attestations"
    self._move(digest, PROPOSED, APPROVED)
    self.proposals[digest].approved_at = convert(block.timestamp, uint64)
    for item: uint256 in self.proposals[digest].money:
        token: address = convert(item >> 96, address)
        increment: uint256 = item & MAX_AMOUNT
        held: uint256 = staticcall IERC20(token).balanceOf(self)
        assert extcall IERC20(token).transferFrom(msg.sender, self, increment, default_return_value=True), "pull failed"
        assert staticcall IERC20(token).balanceOf(self) >= held + increment, "token took a fee"
        entry: uint256 = self.ledger[token]
        assert (entry >> 96) + increment <= MAX_AMOUNT, "sum out of range"
        self.ledger[token] = entry + (increment << 96)
    log EpochApproved(epoch=epoch, digest=digest, activatable_at=block.timestamp + delay_s)


@external
def veto(epoch: uint256, reason: String[256]):
    """
    @notice Stops a proposed or approved epoch for good; what was pulled goes back to the treasury.
    @dev Works while paused. A token that refuses the refund can't keep a bad root alive: its money stays here, no longer
         approved, and the treasury can sweep it.
    """
    assert msg.sender == self.guardian, "not the guardian"
    digest: bytes32 = self.digests[epoch]
    approved: bool = self.proposals[digest].state == APPROVED
    self._move(digest, APPROVED if approved else PROPOSED, VETOED)
    if approved:
        for item: uint256 in self.proposals[digest].money:
            token: address = convert(item >> 96, address)
            increment: uint256 = item & MAX_AMOUNT
            self.ledger[token] -= increment << 96
            sent: bool = raw_call(
                token,
                abi_encode(self.treasury, increment, method_id=method_id("transfer(address,uint256)")),
                revert_on_failure=False,
            )
            log Refunded(epoch=epoch, token=token, amount=increment, sent=sent)
    log EpochVetoed(epoch=epoch, digest=digest, reason=reason)


@external
def activate(epoch: uint256):
    """
    @notice Makes an approved root the active one, once its delay has passed; anyone may.
    """
    self._running()
    digest: bytes32 = self.digests[epoch]
    self._move(digest, APPROVED, ACTIVE)
    assert block.timestamp >= convert(self.proposals[digest].approved_at, uint256) + delay_s, "delay not over"
    root: bytes32 = self.proposals[digest].root
    self.active_root = root
    self.status = epoch
    log EpochActivated(epoch=epoch, root=root, digest=digest)


# Claims


@external
def claim(account: address, token: address, cumulative: uint256, proof: DynArray[bytes32, 32]):
    """
    @notice Pays what `account` has earned in `token` and not been paid; anyone may send it, only the account gains.
    @param cumulative All that the account ever earned in the token, as in the leaf.
    """
    status: uint256 = self.status
    assert status < PAUSED_BIT, "paused"
    assert self._claim(self.active_root, status, account, token, cumulative, proof), "nothing to claim"


@external
def claim_many(
    accounts: DynArray[address, 100],
    tokens: DynArray[address, 100],
    cumulatives: DynArray[uint256, 100],
    proofs: DynArray[DynArray[bytes32, 32], 100],
):
    """
    @notice Pays many claims; one that has nothing left is skipped, so that nobody can spoil a batch by being faster.
    """
    status: uint256 = self.status
    assert status < PAUSED_BIT, "paused"
    root: bytes32 = self.active_root
    n: uint256 = len(accounts)
    assert len(tokens) == n and len(cumulatives) == n and len(proofs) == n, "lengths differ"
    for i: uint256 in range(n, bound=100):
        self._claim(root, status, accounts[i], tokens[i], cumulatives[i], proofs[i])


@internal
def _claim(
    root: bytes32, epoch: uint256, account: address, token: address, cumulative: uint256, proof: DynArray[bytes32, 32]
) -> bool:
    """
    @dev Everything is written before the transfer. Returns False when nothing is left, before the proof is looked at.
    """
    before: uint256 = self.claimed[account][token]
    if cumulative <= before:
        return False
    node: bytes32 = keccak256(keccak256(abi_encode(account, token, cumulative)))
    for sibling: bytes32 in proof:
        if convert(node, uint256) < convert(sibling, uint256):
            node = keccak256(concat(node, sibling))
        else:
            node = keccak256(concat(sibling, node))
    assert node == root, "wrong proof"
    amount: uint256 = cumulative - before
    entry: uint256 = self.ledger[token]
    assert (entry >> 96) - (entry & MAX_AMOUNT) >= amount, "not funded"
    self.claimed[account][token] = cumulative
    self.ledger[token] = entry + amount
    recipient: address = self.recipients[account]
    if recipient == empty(address):
        recipient = account
    log Claimed(
        account=account,
        token=token,
        epoch=epoch,
        recipient=recipient,
        amount=amount,
        cumulative=cumulative,
        caller=msg.sender,
    )
    self._send(token, recipient, amount)
    return True


@external
def set_recipient(recipient: address):
    """
    @notice Sends the caller's future claims elsewhere; zero sends them to the caller again.
    """
    self._set_recipient(msg.sender, recipient)


@external
def set_recipient_with_sig(account: address, recipient: address, deadline: uint256, signature: Bytes[1024]):
    """
    @notice The same by the account's EIP-712 signature, sent by anyone: SetRecipient(account, recipient, nonce, deadline).
    @param deadline Last second, Unix time, at which the signature counts.
    @param signature r, s, v of an account's key (s in the lower half), or whatever a contract wallet accepts (ERC-1271).
    """
    assert block.timestamp <= deadline, "signature expired"
    nonce: uint256 = self.nonces[account]
    self.nonces[account] = nonce + 1
    domain: bytes32 = keccak256(abi_encode(DOMAIN_TYPE, DOMAIN_NAME, DOMAIN_VERSION, chain.id, self))
    content: bytes32 = keccak256(abi_encode(RECIPIENT_TYPE, account, recipient, nonce, deadline))
    assert self._signed(account, keccak256(concat(x"1901", domain, content)), signature), "wrong signature"
    self._set_recipient(account, recipient)


@internal
@view
def _signed(account: address, digest: bytes32, signature: Bytes[1024]) -> bool:
    if len(signature) == 65:
        s: uint256 = extract32(signature, 32, output_type=uint256)
        v: uint256 = convert(slice(signature, 64, 1), uint256)
        signer: address = ecrecover(digest, v, extract32(signature, 0), convert(s, bytes32))
        if signer == account and signer != empty(address) and s <= MAX_S:
            return True
    if not account.is_contract:
        return False
    return staticcall IERC1271(account).isValidSignature(digest, signature) == 0x1626ba7e


@internal
def _set_recipient(account: address, recipient: address):
    assert recipient != self, "not the distributor"
    self.recipients[account] = recipient
    log RecipientSet(account=account, recipient=recipient)


# Roles and stops


@external
def pause():
    """
    @notice Stops claims, proposals, approvals and activations; the guardian or the treasury may.
    """
    assert msg.sender == self.guardian or msg.sender == self.treasury, "not guardian or treasury"
    self._running()
    self.status |= PAUSED_BIT
    log Paused(by=msg.sender)


@external
def unpause():
    """
    @notice Ends a pause. An announced wind-down starts its notice again, since nobody could claim meanwhile.
    """
    self._only_treasury()
    assert self.status >= PAUSED_BIT, "not paused"
    self.status ^= PAUSED_BIT
    log Unpaused(by=msg.sender)
    if self.wind_down_at != 0:
        self._give_notice()


@external
def offer_treasury(treasury: address):
    """
    @notice Offers the treasury's role; it changes hands when the other side accepts. Zero takes an offer back.
    """
    self._only_treasury()
    log RoleChanged(role=ROLE_NEXT_TREASURY, previous=self.next_treasury, current=treasury)
    self.next_treasury = treasury


@external
def accept_treasury():
    """
    @notice Takes an offered treasury role.
    """
    assert msg.sender == self.next_treasury, "not offered"
    log RoleChanged(role=ROLE_TREASURY, previous=self.treasury, current=msg.sender)
    self.treasury = msg.sender
    self.next_treasury = empty(address)
    self._check_roles()


@external
def set_proposer(proposer: address):
    """
    @notice Appoints another proposer.
    """
    self._only_treasury()
    log RoleChanged(role=ROLE_PROPOSER, previous=self.proposer, current=proposer)
    self.proposer = proposer
    self._check_roles()


@external
def set_guardian(guardian: address):
    """
    @notice Appoints another guardian.
    """
    self._only_treasury()
    log RoleChanged(role=ROLE_GUARDIAN, previous=self.guardian, current=guardian)
    self.guardian = guardian
    self._check_roles()


@external
def set_attestors(attestors: DynArray[address, 16], quorum: uint256):
    """
    @notice Replaces the attestors and how many of them an approval needs. Who is no longer one no longer counts.
    """
    self._only_treasury()
    self._set_attestors(attestors, quorum)


@external
def sweep(token: address, to: address):
    """
    @notice Takes out what was sent here by mistake: never what is approved and not yet paid.
    """
    self._only_treasury()
    entry: uint256 = self.ledger[token]
    owed: uint256 = (entry >> 96) - (entry & MAX_AMOUNT)
    held: uint256 = staticcall IERC20(token).balanceOf(self)
    assert held > owed, "nothing to sweep"
    log Swept(token=token, to=to, amount=held - owed)
    self._send(token, to, held - owed)


@external
def announce_wind_down():
    """
    @notice Starts the 90 days after which the treasury may take the rest; nothing new is proposed or approved.
    """
    self._only_treasury()
    assert self.wind_down_at == 0, "announced already"
    self._give_notice()


@external
def wind_down(token: address, to: address):
    """
    @notice Takes out all of a token after the notice; its claims end with it.
    """
    self._only_treasury()
    self._running()
    at: uint256 = self.wind_down_at
    assert at != 0 and block.timestamp >= at, "notice not over"
    # An approved epoch is activated or vetoed first: its refund must not meet an empty purse.
    assert self.proposals[self.digests[self._active_epoch() + 1]].state != APPROVED, "epoch in flight"
    paid: uint256 = self.ledger[token] & MAX_AMOUNT
    self.ledger[token] = (paid << 96) | paid
    amount: uint256 = staticcall IERC20(token).balanceOf(self)
    log WoundDown(token=token, to=to, amount=amount)
    self._send(token, to, amount)


@internal
def _give_notice():
    self.wind_down_at = block.timestamp + WIND_DOWN_S
    log WindDownAnnounced(possible_at=block.timestamp + WIND_DOWN_S)


@internal
def _set_attestors(attestors: DynArray[address, 16], quorum: uint256):
    assert quorum <= len(attestors), "quorum too large"
    self.attestors = attestors
    self.quorum = quorum
    self._check_roles()
    log AttestorsChanged(attestors=attestors, quorum=quorum)


@internal
@view
def _check_roles():
    """
    @dev Nobody holds two roles, and every role has a holder; looked at after every change.
    """
    holders: DynArray[address, 20] = [empty(address), self.treasury, self.proposer, self.guardian]
    for attestor: address in self.attestors:
        holders.append(attestor)
    for i: uint256 in range(1, len(holders), bound=19):
        for j: uint256 in range(i, bound=19):
            assert holders[i] != holders[j], "roles must differ"


@internal
@view
def _only_treasury():
    assert msg.sender == self.treasury, "not the treasury"


@internal
@view
def _running():
    assert self.status < PAUSED_BIT, "paused"


@internal
@view
def _active_epoch() -> uint256:
    return self.status & (PAUSED_BIT - 1)


@internal
@view
def _same(epoch: uint256, digest: bytes32):
    assert self.digests[epoch] == digest, "wrong digest"


@internal
def _move(digest: bytes32, before: uint8, after: uint8):
    assert self.proposals[digest].state == before, "wrong state"
    self.proposals[digest].state = after


@internal
@view
def _attestations(digest: bytes32) -> uint256:
    count: uint256 = 0
    for attestor: address in self.attestors:
        if self.attested[digest][attestor]:
            count += 1
    return count


@internal
def _send(token: address, to: address, amount: uint256):
    assert extcall IERC20(token).transfer(to, amount, default_return_value=True), "transfer failed"


@internal
@view
def _digest(
    epoch: uint256,
    root: bytes32,
    parent_root: bytes32,
    manifest_hash: bytes32,
    tokens: DynArray[address, 16],
    increments: DynArray[uint256, 16],
) -> bytes32:
    return keccak256(abi_encode(chain.id, self, epoch, root, parent_root, manifest_hash, tokens, increments))


# Views


@external
@view
def digest_of(
    epoch: uint256,
    root: bytes32,
    parent_root: bytes32,
    manifest_hash: bytes32,
    tokens: DynArray[address, 16],
    increments: DynArray[uint256, 16],
) -> bytes32:
    """
    @return What a treasurer signs for these fields on this chain and contract.
    """
    return self._digest(epoch, root, parent_root, manifest_hash, tokens, increments)


@external
@view
def epoch_info(epoch: uint256) -> (uint8, bytes32, bytes32, bytes32, bytes32, uint256, uint256, uint256):
    """
    @return state (0 none, 1 proposed, 2 approved, 3 active, 4 vetoed, 5 withdrawn), root, parent root, manifest hash,
            digest, approved at and activatable at (Unix seconds, 0 before), attestations; of the epoch's last proposal.
    """
    digest: bytes32 = self.digests[epoch]
    if digest == empty(bytes32):
        return (UNSET, digest, digest, digest, digest, 0, 0, 0)
    approved_at: uint256 = convert(self.proposals[digest].approved_at, uint256)
    return (
        self.proposals[digest].state,
        self.proposals[digest].root,
        self.proposals[self.digests[epoch - 1]].root,
        self.proposals[digest].manifest_hash,
        digest,
        approved_at,
        approved_at + delay_s if approved_at != 0 else 0,
        self._attestations(digest),
    )


@external
@view
def active_epoch() -> uint256:
    """
    @return The number of the epoch whose root is claimable, 0 before the first.
    """
    return self._active_epoch()


@external
@view
def paused() -> bool:
    """
    @return Whether claims, proposals, approvals and activations are stopped.
    """
    return self.status >= PAUSED_BIT


@external
@view
def approved(token: address) -> uint256:
    """
    @return All that the treasury ever paid in and no veto gave back.
    """
    return self.ledger[token] >> 96


@external
@view
def paid(token: address) -> uint256:
    """
    @return All that was ever claimed.
    """
    return self.ledger[token] & MAX_AMOUNT


@external
@view
def recipient_of(account: address) -> address:
    """
    @return Where the account's claims go: itself unless it said otherwise.
    """
    recipient: address = self.recipients[account]
    return account if recipient == empty(address) else recipient


@external
@view
def attestor_list() -> DynArray[address, 16]:
    """
    @return Those whose recomputation counts.
    """
    return self.attestors
