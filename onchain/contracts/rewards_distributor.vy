# pragma version 0.4.3
# pragma evm-version cancun
# pragma optimize codesize
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
     5. money of one token or epoch never pays for another token, nor an epoch that waits for one that is active.
     Every external function holds the reentrancy lock (pragma), but for the views. Amounts are at most 2**96 - 1.
     Not for tokens that rebase or that have two addresses: sums are kept, not balances.
"""

from ethereum.ercs import IERC20


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
    digest: indexed(bytes32)


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
    digest: indexed(bytes32)
    root: indexed(bytes32)


event Refunded:
    epoch: indexed(uint256)
    token: indexed(address)
    to: indexed(address)
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
    nonce: uint256


event RolesChanged:
    treasury: indexed(address)
    proposer: indexed(address)
    guardian: indexed(address)
    attestors: DynArray[address, 16]
    quorum: uint256


event TreasuryOffered:
    to: indexed(address)


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


struct Epoch:
    digest: bytes32
    root: bytes32
    manifest_hash: bytes32
    state: uint256
    approved_at: uint256


# One account's leaf in a batch.
struct Item:
    account: address
    cumulative: uint256


PROPOSED: constant(uint256) = 1
APPROVED: constant(uint256) = 2
ACTIVE: constant(uint256) = 3
VETOED: constant(uint256) = 4
WITHDRAWN: constant(uint256) = 5

MAX_DELAY_S: constant(uint256) = 30 * 86400
WIND_DOWN_S: constant(uint256) = 90 * 86400
# What a token may burn of a veto's gas: a hostile one among 16 can't make the veto fail.
REFUND_GAS: constant(uint256) = 400_000
MASK_96: constant(uint256) = 2**96 - 1
# secp256k1n // 2: a signature with a larger s is the mirror image of another one.
MAX_S: constant(uint256) = 57896044618658097711785492504343953926418782139537452191302581570759080747168
ERC1271_YES: constant(Bytes[32]) = x"1626ba7e00000000000000000000000000000000000000000000000000000000"
DOMAIN_TYPE: constant(bytes32) = keccak256(
    "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
)
DOMAIN_NAME: constant(bytes32) = keccak256("Lamplight RewardsDistributor")
DOMAIN_VERSION: constant(bytes32) = keccak256("1")
RECIPIENT_TYPE: constant(bytes32) = keccak256(
    "SetRecipient(address account,address recipient,uint256 nonce,uint256 deadline)"
)

# Why a call is refused: the text in the comment as one big-endian number, which `_fail` turns into Error(string).
# Written out as strings, the same refusals would make the deployment dearer by 0.9 million gas.
PAUSED: constant(uint256) = 123563884635492  # "paused"
NOT_YOUR_ROLE: constant(uint256) = 8749591101410136670644223306853  # "not your role"
WINDING_DOWN: constant(uint256) = 36956174692384245283764008814  # "winding down"
NOT_NEXT_EPOCH: constant(uint256) = 9620277154183892364046832038971186212725608  # "not the next epoch"
NOT_ACTIVE_ROOT: constant(uint256) = 2462790951471076445180263447033264427091586932  # "not the active root"
NO_ROOT: constant(uint256) = 31084432587714420  # "no root"
EPOCH_IN_FLIGHT: constant(uint256) = 526702437678562979034653070083975284  # "epoch in flight"
DIGEST_USED: constant(uint256) = 521367530760166012095977109679465828  # "digest was used"
LENGTHS_DIFFER: constant(uint256) = 2198536450028482141285077905466738  # "lengths differ"
NOT_ASCENDING: constant(uint256) = 664727667662528892802701822128763145775821188711  # "tokens not ascending"
NOT_A_TOKEN: constant(uint256) = 133508164992702056556619118  # "not a token"
INCREMENT_OUT_OF_RANGE: constant(uint256) = 39446496932767900437559116080541842014491800188643173  # "increment out of range"
WRONG_DIGEST: constant(uint256) = 36967059931428627331865211764  # "wrong digest"
WRONG_STATE: constant(uint256) = 144402577857143140123767909  # "wrong state"
ATTESTED_ALREADY: constant(uint256) = 129539782824016807541598519663746180217  # "attested already"
TOO_FEW_ATTESTATIONS: constant(uint256) = 664727992621484544562142063279269397883345923699  # "too few attestations"
SUM_OUT_OF_RANGE: constant(uint256) = 153470931600156727508910069787464197989  # "sum out of range"
PULL_FAILED: constant(uint256) = 135954208715034100606199140  # "pull failed"
TOOK_A_FEE: constant(uint256) = 154768970716302198349746740505057060197  # "token took a fee"
TOO_LITTLE_GAS: constant(uint256) = 2361588232096354387350375044178291  # "too little gas"
DELAY_NOT_OVER: constant(uint256) = 2036276546997977546322460311709042  # "delay not over"
WRONG_PROOF: constant(uint256) = 144402577857143127206227814  # "wrong proof"
NOTHING_TO_CLAIM: constant(uint256) = 146793785519510431837278296932790397293  # "nothing to claim"
NOT_FUNDED: constant(uint256) = 521516269508604937397604  # "not funded"
TRANSFER_FAILED: constant(uint256) = 604626349599481281308343686038054244  # "transfer failed"
SIGNATURE_EXPIRED: constant(uint256) = 39272578180827998963431511160451891357028  # "signature expired"
WRONG_SIGNATURE: constant(uint256) = 620204349354523546031377264596578917  # "wrong signature"
NOT_THE_DISTRIBUTOR: constant(uint256) = 2462790951471076445183918541035773774852812658  # "not the distributor"
NOT_PAUSED: constant(uint256) = 521516269519514272752996  # "not paused"
QUORUM_TOO_LARGE: constant(uint256) = 150812522671962272759234614001386284901  # "quorum too large"
ROLES_MUST_DIFFER: constant(uint256) = 38940296962224476763935263665962015417714  # "roles must differ"
ATTESTORS_NOT_ASCENDING: constant(uint256) = 9334325082494356581274356570846611830411444980852289127  # "attestors not ascending"
NOTHING_TO_TAKE: constant(uint256) = 573413224685587624364368347678206821  # "nothing to take"
NOTICE_NOT_OVER: constant(uint256) = 573413224987775273869941038720116082  # "notice not over"
DELAY_OUT_OF_RANGE: constant(uint256) = 8745741174968120856335856843501680735446885  # "delay out of range"

delay_s: reentrant(public(immutable(uint256)))
# The programme's token: its claims read three slots fewer than those of other tokens.
main_token: reentrant(public(immutable(address)))

treasury: reentrant(public(address))
next_treasury: reentrant(public(address))
proposer: reentrant(public(address))
guardian: reentrant(public(address))
attestors: DynArray[address, 16]
quorum: reentrant(public(uint256))

# The active root, or zero while paused: one slot tells a claim both.
claimable_root: bytes32
# paused since, Unix seconds, 0 when not (64 bits) | active epoch (64 bits)
status: uint256
wind_down_at: reentrant(public(uint256))

# Epoch number -> its last proposal. What was active once never changes.
epochs: HashMap[uint256, Epoch]
# Token (160 bits) | increment (96 bits) of the epoch that was proposed last.
money: DynArray[uint256, 16]
used: HashMap[bytes32, bool]
attested: HashMap[bytes32, HashMap[address, bool]]

# Token -> left to pay of what active epochs brought (96 bits) | active epoch, of the main token only (64 bits) | paid
# (96 bits). What an epoch in flight brought is in `money` alone, so that no claim can reach it.
ledger: HashMap[address, uint256]
# Account -> recipient, 0 for itself (160 bits) | claimed of the main token (96 bits)
accounts: HashMap[address, uint256]
# Account -> other token -> claimed
others: HashMap[address, HashMap[address, uint256]]
nonces: reentrant(public(HashMap[address, uint256]))


@deploy
def __init__(
    treasury: address,
    proposer: address,
    guardian: address,
    attestors: DynArray[address, 16],
    quorum: uint256,
    delay_s_: uint256,
    main_token_: address,
):
    """
    @notice Sets the roles, the challenge delay and the token whose claims are cheapest.
    @param treasury Approves and pays; a Safe or an account.
    @param proposer Publishes roots; a hot key.
    @param guardian Vetoes and pauses.
    @param attestors Recompute independently, ascending by address; `quorum` of them must agree before an approval.
    @param quorum How many attestations an approval needs; may be 0.
    @param delay_s_ Seconds between approval and activation, 1 second to 30 days; it can't be changed later. Where the
           money is real, a day or more.
    @param main_token_ The programme's token, or zero. It decides nothing but gas.
    """
    if delay_s_ == 0 or delay_s_ > MAX_DELAY_S:
        self._fail(DELAY_OUT_OF_RANGE)
    delay_s = delay_s_
    main_token = main_token_
    self.treasury = treasury
    self.proposer = proposer
    self.guardian = guardian
    self.attestors = attestors
    self.quorum = quorum
    self._roles_changed()


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
    @notice Offers the next epoch's root and what it costs to the treasury. The proposer may, while none is in flight.
    @param epoch The active epoch's number and one.
    @param root Of OpenZeppelin's StandardMerkleTree over (account, token, cumulative).
    @param parent_root The active root, zero before the first epoch: a root computed on another past is refused.
    @param manifest_hash SHA-256 of the evidence's manifest.
    @param tokens Ascending by address, so that one epoch has one digest.
    @param increments What each token's claimable sum grows by, 1 to 2**96 - 1.
    """
    self._only(self.proposer)
    if epoch != unsafe_add(self._open(), 1):
        self._fail(NOT_NEXT_EPOCH)
    if parent_root != self.epochs[unsafe_sub(epoch, 1)].root:
        self._fail(NOT_ACTIVE_ROOT)
    if root == empty(bytes32):
        self._fail(NO_ROOT)
    self._none_in_flight(epoch)
    digest: bytes32 = keccak256(
        abi_encode(chain.id, self, epoch, root, parent_root, manifest_hash, tokens, increments)
    )
    # A vetoed or withdrawn proposal never comes back under the same digest, nor do its attestations.
    if self.used[digest]:
        self._fail(DIGEST_USED)
    self.used[digest] = True
    if len(tokens) != len(increments):
        self._fail(LENGTHS_DIFFER)
    self.money = []
    last: uint256 = 0
    for i: uint256 in range(len(tokens), bound=16):
        token: address = tokens[i]
        increment: uint256 = increments[i]
        if convert(token, uint256) <= last:
            self._fail(NOT_ASCENDING)
        last = convert(token, uint256)
        if not token.is_contract:
            self._fail(NOT_A_TOKEN)
        # Zero wraps to the largest number.
        if unsafe_sub(increment, 1) >= MASK_96:
            self._fail(INCREMENT_OUT_OF_RANGE)
        self.money.append((last << 96) | increment)
    self.epochs[epoch] = Epoch(digest=digest, root=root, manifest_hash=manifest_hash, state=PROPOSED, approved_at=0)
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
    @notice Takes a proposal back that is not approved yet. The proposer may, also while paused.
    @param epoch The number of the proposal.
    """
    self._only(self.proposer)
    log EpochWithdrawn(epoch=epoch, digest=self._move(epoch, PROPOSED, WITHDRAWN))


@external
def attest(epoch: uint256, digest: bytes32):
    """
    @notice Says that an independent recomputation reached the same digest; each attestor once.
    @param epoch The number of the proposal.
    @param digest What the attestor's own recomputation gave.
    """
    if msg.sender not in self.attestors:
        self._fail(NOT_YOUR_ROLE)
    self._is_proposed(epoch, digest)
    if self.attested[digest][msg.sender]:
        self._fail(ATTESTED_ALREADY)
    self.attested[digest][msg.sender] = True
    log EpochAttested(epoch=epoch, digest=digest, attestor=msg.sender, count=self._attestations(digest))


@external
def approve(epoch: uint256, digest: bytes32):
    """
    @notice Pulls the epoch's increments from the treasury and starts the challenge delay. The treasury may.
    @dev The treasury allows this contract to spend the increments first.
    @param epoch The number of the proposal.
    @param digest keccak256(abi.encode(chain id, this contract, and the fields of `propose`)) of what the treasury saw.
    """
    self._treasury_only()
    self._open()
    self._is_proposed(epoch, digest)
    if self._attestations(digest) < self.quorum:
        self._fail(TOO_FEW_ATTESTATIONS)
    self.epochs[epoch].state = APPROVED
    self.epochs[epoch].approved_at = block.timestamp
    for entry: uint256 in self.money:
        token: address = convert(entry >> 96, address)
        increment: uint256 = (entry << 160) >> 160
        if self._funded(token) + increment > MASK_96:
            self._fail(SUM_OUT_OF_RANGE)
        due: uint256 = self._held(token) + increment
        if not extcall IERC20(token).transferFrom(msg.sender, self, increment, default_return_value=True):
            self._fail(PULL_FAILED)
        if self._held(token) < due:
            self._fail(TOOK_A_FEE)
    log EpochApproved(epoch=epoch, digest=digest, activatable_at=unsafe_add(block.timestamp, delay_s))


@external
def veto(epoch: uint256, reason: String[256]):
    """
    @notice Stops a proposed or approved epoch for good; what was pulled goes back to the treasury. The guardian may,
            also while paused.
    @dev A token that refuses the refund can't keep a bad root alive: its money stays here, no longer approved, and the
         treasury can sweep it.
    @param epoch The number of the proposal.
    @param reason For everybody to read.
    """
    self._only(self.guardian)
    before: uint256 = PROPOSED
    if self.epochs[epoch].state == APPROVED:
        before = APPROVED
    digest: bytes32 = self._move(epoch, before, VETOED)
    if before == APPROVED:
        to: address = self.treasury
        for entry: uint256 in self.money:
            token: address = convert(entry >> 96, address)
            amount: uint256 = (entry << 160) >> 160
            # The guardian can't make a refund fail by sending too little gas.
            if msg.gas < REFUND_GAS + REFUND_GAS // 32:
                self._fail(TOO_LITTLE_GAS)
            sent: bool = False
            answer: Bytes[32] = b""
            sent, answer = raw_call(
                token,
                abi_encode(to, amount, method_id=method_id("transfer(address,uint256)")),
                max_outsize=32,
                gas=REFUND_GAS,
                revert_on_failure=False,
            )
            sent = sent and (len(answer) == 0 or convert(answer, uint256) == 1)
            log Refunded(epoch=epoch, token=token, to=to, amount=amount, sent=sent)
    log EpochVetoed(epoch=epoch, digest=digest, reason=reason)


@external
def activate(epoch: uint256):
    """
    @notice Makes an approved root the active one, once its delay has passed. Anyone may.
    @param epoch The number of the approved epoch.
    """
    self._running()
    digest: bytes32 = self._move(epoch, APPROVED, ACTIVE)
    if block.timestamp < unsafe_add(self.epochs[epoch].approved_at, delay_s):
        self._fail(DELAY_NOT_OVER)
    for entry: uint256 in self.money:
        self.ledger[convert(entry >> 96, address)] += entry << 160
    # Epochs become active one by one.
    self.ledger[main_token] += 1 << 96
    root: bytes32 = self.epochs[epoch].root
    self.claimable_root = root
    self.status = epoch
    log EpochActivated(epoch=epoch, digest=digest, root=root)


# Claims


@external
def claim(account: address, token: address, cumulative: uint256, proof: DynArray[bytes32, 32]):
    """
    @notice Pays what `account` has earned in `token` and not been paid; anyone may send it, only the account gains.
    @param account Whose leaf it is; its recipient is paid.
    @param token The leaf's token.
    @param cumulative All that the account ever earned in the token, as in the leaf.
    @param proof Siblings from the leaf up.
    """
    node: bytes32 = keccak256(keccak256(abi_encode(account, token, cumulative)))
    for sibling: bytes32 in proof:
        left: bytes32 = node
        right: bytes32 = sibling
        if convert(node, uint256) > convert(sibling, uint256):
            left = sibling
            right = node
        node = keccak256(abi_encode(left, right))
    if node != self.claimable_root:
        self._refuse_proof()
    sums: uint256 = self.ledger[token]
    if self._pay(account, token, cumulative, sums) == sums:
        self._fail(NOTHING_TO_CLAIM)


@external
def claim_many(token: address, items: DynArray[Item, 100], proofs: DynArray[bytes32, 1700]):
    """
    @notice Pays many claims of one token; one that has nothing left is skipped, so that nobody can spoil a batch by
            being faster. Anyone may send it.
    @dev Every item is written before its transfer. An item ends where its hashes reach the root.
    @param token The token of all the leaves.
    @param items (account, cumulative) of each leaf.
    @param proofs The proofs of the items, one after the other.
    """
    root: bytes32 = self.claimable_root
    sums: uint256 = self.ledger[token]
    n: uint256 = len(items)
    if n == 0:
        self._fail(NOTHING_TO_CLAIM)
    done: uint256 = 0
    item: Item = items[0]
    node: bytes32 = keccak256(keccak256(abi_encode(item.account, token, item.cumulative)))
    # A tree of one leaf has no siblings.
    if node == root:
        sums = self._pay(item.account, token, item.cumulative, sums)
        done = 1
    for sibling: bytes32 in proofs:
        if convert(node, uint256) < convert(sibling, uint256):
            node = keccak256(abi_encode(node, sibling))
        else:
            node = keccak256(abi_encode(sibling, node))
        if node == root:
            sums = self._pay(item.account, token, item.cumulative, sums)
            done = unsafe_add(done, 1)
            if done == n:
                break
            item = items[done]
            node = keccak256(keccak256(abi_encode(item.account, token, item.cumulative)))
    if done != n:
        self._refuse_proof()


@internal
def _pay(account: address, token: address, cumulative: uint256, sums: uint256) -> uint256:
    """
    @dev Pays a proven leaf; everything is written before the transfer. Takes the token's ledger entry and returns the
         new one, the same when nothing was left. No sum overflows: paid and what is left add up to at most 2**96 - 1.
    """
    mine: uint256 = self.accounts[account]
    before: uint256 = mine & MASK_96
    main: bool = token == main_token
    if not main:
        before = self.others[account][token]
    if cumulative <= before:
        return sums
    amount: uint256 = unsafe_sub(cumulative, before)
    if sums >> 160 < amount:
        self._fail(NOT_FUNDED)
    entry: uint256 = unsafe_add(unsafe_sub(sums, amount << 160), amount)
    self.ledger[token] = entry
    epoch: uint256 = (sums << 96) >> 192
    if main:
        self.accounts[account] = unsafe_add(mine, amount)
    else:
        self.others[account][token] = cumulative
        epoch = self.status
    recipient: address = convert(mine >> 96, address)
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
    return entry


@internal
def _send(token: address, to: address, amount: uint256):
    if not extcall IERC20(token).transfer(to, amount, default_return_value=True):
        self._fail(TRANSFER_FAILED)


@external
def set_recipient(recipient: address):
    """
    @notice Sends the caller's future claims elsewhere; zero sends them to the caller again. Signatures that the caller
            gave before are void.
    @param recipient Who is paid from now on.
    """
    self._set_recipient(msg.sender, recipient)


@external
def set_recipient_with_sig(account: address, recipient: address, deadline: uint256, signature: Bytes[1024]):
    """
    @notice The same by the account's EIP-712 signature, sent by anyone: SetRecipient(account, recipient, nonce, deadline)
            in the domain (Lamplight RewardsDistributor, 1, chain id, this contract).
    @param account Who has signed.
    @param recipient Who is paid from now on.
    @param deadline Last second, Unix time, at which the signature counts.
    @param signature r, s, v of an account's key (s in the lower half), or whatever a contract wallet accepts (ERC-1271).
    """
    if block.timestamp > deadline:
        self._fail(SIGNATURE_EXPIRED)
    digest: bytes32 = keccak256(
        concat(
            0x1901,
            keccak256(abi_encode(DOMAIN_TYPE, DOMAIN_NAME, DOMAIN_VERSION, chain.id, self)),
            keccak256(abi_encode(RECIPIENT_TYPE, account, recipient, self.nonces[account], deadline)),
        )
    )
    signed: bool = False
    if len(signature) == 65 and account != empty(address):
        s: uint256 = extract32(signature, 32, output_type=uint256)
        v: uint256 = extract32(signature, 33, output_type=uint256) & 255
        signed = s <= MAX_S and ecrecover(digest, v, extract32(signature, 0), convert(s, bytes32)) == account
    if not signed:
        answer: Bytes[32] = b""
        signed, answer = raw_call(
            account,
            abi_encode(digest, signature, method_id=method_id("isValidSignature(bytes32,bytes)")),
            max_outsize=32,
            is_static_call=True,
            revert_on_failure=False,
        )
        # A wallet without code answers nothing.
        signed = signed and answer == ERC1271_YES
    if not signed:
        self._fail(WRONG_SIGNATURE)
    self._set_recipient(account, recipient)


@internal
def _set_recipient(account: address, recipient: address):
    if recipient == self:
        self._fail(NOT_THE_DISTRIBUTOR)
    nonce: uint256 = self.nonces[account]
    self.nonces[account] = unsafe_add(nonce, 1)
    self.accounts[account] = (convert(recipient, uint256) << 96) | ((self.accounts[account] << 160) >> 160)
    log RecipientSet(account=account, recipient=recipient, nonce=nonce)


# Roles and stops


@external
def pause():
    """
    @notice Stops claims, proposals, approvals, activations and the wind-down. The guardian or the treasury may.
    """
    if msg.sender != self.guardian:
        self._treasury_only()
    self._running()
    self.status |= block.timestamp << 64
    self.claimable_root = empty(bytes32)
    log Paused(by=msg.sender)


@external
def unpause():
    """
    @notice Ends a pause. The notice of an announced wind-down is longer by the pause, in which nobody could claim. The
            treasury may.
    """
    self._treasury_only()
    since: uint256 = self.status >> 64
    if since == 0:
        self._fail(NOT_PAUSED)
    active: uint256 = (self.status << 192) >> 192
    self.status = active
    self.claimable_root = self.epochs[active].root
    log Unpaused(by=msg.sender)
    if self.wind_down_at != 0:
        self._notice(unsafe_sub(unsafe_add(self.wind_down_at, block.timestamp), since))


@external
def offer_treasury(to: address):
    """
    @notice Offers the treasury's role; it changes hands when the other side accepts. The treasury may.
    @param to Who may accept; zero takes an offer back.
    """
    self._treasury_only()
    self.next_treasury = to
    log TreasuryOffered(to=to)


@external
def accept_treasury():
    """
    @notice Takes the treasury's role. Who was offered it may.
    """
    self._only(self.next_treasury)
    self.treasury = msg.sender
    self.next_treasury = empty(address)
    self._roles_changed()


@external
def appoint(proposer: address, guardian: address, attestors: DynArray[address, 16], quorum: uint256):
    """
    @notice Says who holds the other roles, all at once. Who is no longer an attestor no longer counts. The treasury may.
    @param proposer Publishes roots.
    @param guardian Vetoes and pauses.
    @param attestors Recompute independently; ascending by address.
    @param quorum How many of them an approval needs; may be 0.
    """
    self._treasury_only()
    self.proposer = proposer
    self.guardian = guardian
    self.attestors = attestors
    self.quorum = quorum
    self._roles_changed()


@external
def sweep(token: address, to: address):
    """
    @notice Takes out what was sent here by mistake, never what is approved and not yet paid. The treasury may.
    @param token Which token.
    @param to Who gets it.
    """
    self._treasury_only()
    log Swept(token=token, to=to, amount=self._take(token, to, self._owed(token)))


@external
def announce_wind_down():
    """
    @notice Starts the 90 days after which the treasury may take the rest; nothing new is proposed or approved from now
            on, claims go on. The treasury may, once.
    """
    self._treasury_only()
    self._open()
    self._notice(unsafe_add(block.timestamp, WIND_DOWN_S))


@external
def wind_down(token: address, to: address):
    """
    @notice Takes out all of a token after the notice; its claims end with it. The treasury may.
    @param token Which token.
    @param to Who gets it.
    """
    self._treasury_only()
    # An epoch in flight is activated or vetoed first: its refund must not meet an empty purse.
    self._none_in_flight(unsafe_add(self._running(), 1))
    if self.wind_down_at == 0 or block.timestamp < self.wind_down_at:
        self._fail(NOTICE_NOT_OVER)
    self.ledger[token] = (self.ledger[token] << 96) >> 96
    log WoundDown(token=token, to=to, amount=self._take(token, to, 0))


@internal
@view
def _held(token: address) -> uint256:
    return staticcall IERC20(token).balanceOf(self)


@internal
def _take(token: address, to: address, keep: uint256) -> uint256:
    held: uint256 = self._held(token)
    if held <= keep:
        self._fail(NOTHING_TO_TAKE)
    amount: uint256 = unsafe_sub(held, keep)
    self._send(token, to, amount)
    return amount


@internal
def _notice(possible_at: uint256):
    self.wind_down_at = possible_at
    log WindDownAnnounced(possible_at=possible_at)


@internal
def _roles_changed():
    """
    @dev Nobody holds two roles and every role has a holder; looked at after every change, in this one place.
    """
    holders: address[3] = [self.treasury, self.proposer, self.guardian]
    attestors: DynArray[address, 16] = self.attestors
    for holder: address in holders:
        # Each is found once, itself.
        same: uint256 = 0
        for other: address in holders:
            if holder == other:
                same = unsafe_add(same, 1)
        if holder == empty(address) or same != 1 or holder in attestors:
            self._fail(ROLES_MUST_DIFFER)
    if self.quorum > len(attestors):
        self._fail(QUORUM_TOO_LARGE)
    last: uint256 = 0
    for attestor: address in attestors:
        if convert(attestor, uint256) <= last:
            self._fail(ATTESTORS_NOT_ASCENDING)
        last = convert(attestor, uint256)
    log RolesChanged(
        treasury=holders[0], proposer=holders[1], guardian=holders[2], attestors=attestors, quorum=self.quorum
    )


# What several functions ask


@internal
@pure
def _fail(reason: uint256):
    """
    @dev Reverts with Error(string) of the text that the number spells.
    """
    text: uint256 = reason
    size: uint256 = 32
    for _: uint256 in range(32):
        if text >> 248 != 0:
            break
        text <<= 8
        size = unsafe_sub(size, 1)
    raw_revert(abi_encode(convert(32, uint256), size, text, method_id=method_id("Error(string)")))


@internal
@view
def _refuse_proof():
    """
    @dev While paused no root matches; say so.
    """
    self._running()
    self._fail(WRONG_PROOF)


@internal
@view
def _only(holder: address):
    if msg.sender != holder:
        self._fail(NOT_YOUR_ROLE)


@internal
@view
def _treasury_only():
    self._only(self.treasury)


@internal
@view
def _running() -> uint256:
    """
    @return The active epoch; refuses while paused.
    """
    if self.status >> 64 != 0:
        self._fail(PAUSED)
    return self.status


@internal
@view
def _open() -> uint256:
    """
    @return The active epoch; refuses while paused and once a wind-down is announced.
    """
    if self.wind_down_at != 0:
        self._fail(WINDING_DOWN)
    return self._running()


@internal
@view
def _none_in_flight(epoch: uint256):
    state: uint256 = self.epochs[epoch].state
    if state == PROPOSED or state == APPROVED:
        self._fail(EPOCH_IN_FLIGHT)


@internal
@view
def _is_proposed(epoch: uint256, digest: bytes32):
    if self.epochs[epoch].digest != digest:
        self._fail(WRONG_DIGEST)
    if self.epochs[epoch].state != PROPOSED:
        self._fail(WRONG_STATE)


@internal
def _move(epoch: uint256, before: uint256, after: uint256) -> bytes32:
    if self.epochs[epoch].state != before:
        self._fail(WRONG_STATE)
    self.epochs[epoch].state = after
    return self.epochs[epoch].digest


@internal
@view
def _attestations(digest: bytes32) -> uint256:
    """
    @return How many of those who are attestors now have attested.
    """
    count: uint256 = 0
    for attestor: address in self.attestors:
        if self.attested[digest][attestor]:
            count = unsafe_add(count, 1)
    return count


@internal
@view
def _pending(token: address) -> uint256:
    """
    @return What the treasury has paid in for an epoch that is not active yet.
    """
    if self.epochs[unsafe_add((self.status << 192) >> 192, 1)].state == APPROVED:
        for entry: uint256 in self.money:
            if entry >> 96 == convert(token, uint256):
                return (entry << 160) >> 160
    return 0


@internal
@view
def _owed(token: address) -> uint256:
    """
    @return What is approved and not yet paid.
    """
    return unsafe_add(self.ledger[token] >> 160, self._pending(token))


@internal
@view
def _funded(token: address) -> uint256:
    """
    @return What active epochs brought.
    """
    return unsafe_add(self.ledger[token] >> 160, self._paid(token))


@internal
@view
def _paid(token: address) -> uint256:
    """
    @return All that was ever claimed.
    """
    return (self.ledger[token] << 160) >> 160


# Views


@external
@view
@reentrant
def epoch_info(epoch: uint256) -> (uint256, bytes32, bytes32, bytes32, bytes32, uint256, uint256, uint256):
    """
    @notice What became of an epoch number's last proposal.
    @param epoch The number.
    @return state (0 none, 1 proposed, 2 approved, 3 active, 4 vetoed, 5 withdrawn), root, parent root, manifest hash,
            digest, approved at and activatable at (Unix seconds, 0 before), attestations.
    """
    info: Epoch = self.epochs[epoch]
    return (
        info.state,
        info.root,
        self.epochs[unsafe_sub(epoch, 1)].root if info.state != 0 else empty(bytes32),
        info.manifest_hash,
        info.digest,
        info.approved_at,
        unsafe_add(info.approved_at, delay_s) if info.approved_at != 0 else 0,
        self._attestations(info.digest),
    )


@external
@view
@reentrant
def active_epoch() -> uint256:
    """
    @notice Which epoch's root is claimable.
    @return Its number, 0 before the first.
    """
    return (self.status << 192) >> 192


@external
@view
@reentrant
def active_root() -> bytes32:
    """
    @notice The root that claims are proven against (unless paused).
    @return The root, zero before the first epoch.
    """
    return self.epochs[(self.status << 192) >> 192].root


@external
@view
@reentrant
def paused() -> bool:
    """
    @notice Whether claims, proposals, approvals, activations and the wind-down are stopped.
    @return True while paused.
    """
    return self.status >> 64 != 0


@external
@view
@reentrant
def approved(token: address) -> uint256:
    """
    @notice All that the treasury ever paid in and no veto gave back, the epoch in flight included.
    @param token Which token.
    @return In the token's smallest unit.
    """
    return unsafe_add(self._funded(token), self._pending(token))


@external
@view
@reentrant
def paid(token: address) -> uint256:
    """
    @notice All that was ever claimed.
    @param token Which token.
    @return In the token's smallest unit.
    """
    return self._paid(token)


@external
@view
@reentrant
def claimed(account: address, token: address) -> uint256:
    """
    @notice What the account was ever paid in the token, to whichever recipient.
    @param account Whose leaf.
    @param token Which token.
    @return In the token's smallest unit.
    """
    return (self.accounts[account] << 160) >> 160 if token == main_token else self.others[account][token]


@external
@view
@reentrant
def recipient_of(account: address) -> address:
    """
    @notice Where the account's claims go: itself unless it said otherwise.
    @param account Whose leaf.
    @return The recipient.
    """
    recipient: address = convert(self.accounts[account] >> 96, address)
    return account if recipient == empty(address) else recipient


@external
@view
@reentrant
def attestor_list() -> DynArray[address, 16]:
    """
    @notice Those whose recomputation counts.
    @return Their addresses, ascending.
    """
    return self.attestors
