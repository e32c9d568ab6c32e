"""Share tokens on a real chain: transfers out of proven logs, also from before the index, and across reorgs."""

import pytest

from onchain import backfill, selectors
from onchain.columns import LogColumns
from onchain.errors import ShareBalanceError, SharesNotIndexedError, ShareTokenError
from onchain.indexer import node
from onchain.models import BackfillRange, Block, Cursor, MarketEvent, RawLog, WatchedContract
from onchain.rederive import transfers_from_chain
from onchain.services import contract_watch
from onchain.share_columns import TRANSFER, ShareTransfers, TransferReader
from onchain.share_views import check_balances, contracts_among, deployment_block, describe_shares
from onchain.shares import share_transfers, shares_ready
from tests.chain import NOBODY, calldata
from tests.onchain.test_indexer import MAKER, SECOND, index, register
from tests.shares import ShareVault, deploy_hostile, holder_of

pytestmark = pytest.mark.django_db
ANN, BEN, CAT = (holder_of(number) for number in range(3))


@pytest.fixture
def vault(exchange) -> ShareVault:
    return ShareVault.deploy(exchange.anvil)


@pytest.fixture
def client(anvil):
    asks = node()
    yield asks
    asks.close()


def balances(found: ShareTransfers) -> dict[str, int]:
    """What transfers add up to."""
    held = dict.fromkeys(found.accounts, 0)
    for sender, receiver, value in zip(found.sender, found.receiver, found.value, strict=True):
        held[found.accounts[sender]] -= value
        held[found.accounts[receiver]] += value
    held.pop(NOBODY, None)
    return held


def trade(vault: ShareVault, *, second: int = SECOND) -> None:
    """Ann and Ben come, Ann gives Cat some, Ben goes, in four blocks."""
    vault.fund(ANN, BEN)
    vault.anvil.mine(time_s=second)
    vault.deposit(ANN, 10**20)
    vault.deposit(BEN, 3 * 10**20)
    vault.anvil.mine(time_s=second + 10)
    vault.give(ANN, CAT, 7)
    vault.anvil.mine(time_s=second + 20)
    vault.redeem(BEN, vault.balance(BEN))
    vault.anvil.mine(time_s=second + 30)


def watch(vault: ShareVault, client) -> None:
    start = describe_shares(client, address=vault.address).start_block
    contract_watch(address=vault.address, start_block=start, whole=True)


def index_patiently() -> int:
    """Index until nothing of the history is left to fetch; returns after how many runs."""
    for run in range(1, 40):
        index()
        if not BackfillRange.objects.filter(absorbed=False).exists():
            return run
    raise AssertionError("the history does not come to an end")


def final() -> int:
    return Cursor.objects.get().final_block


def test_transfers_add_up_to_the_contracts_own_balances(vault, exchange, client):
    register(exchange)
    trade(vault)
    exchange.anvil.mine(time_s=SECOND + 40, blocks=3)
    watch(vault, client)
    index()
    found = share_transfers(token=vault.address, through_block=final())
    assert len(found) == 4
    held = balances(found)
    assert held == {holder: vault.balance(holder) for holder in (ANN, BEN, CAT)}
    assert (held[BEN], held[CAT]) == (0, 7)
    assert check_balances(client, token=vault.address, balances=held, supply=sum(held.values()), block=final()) == 3
    times = dict(Block.objects.filter(canonical=True).values_list("number", "time_ms"))
    assert [times[number] for number in found.block.tolist()] == found.time_ms.tolist()
    assert [time_ms // 1000 - SECOND for time_ms in found.time_ms.tolist()] == [10, 10, 20, 30]


@pytest.mark.parametrize("size", [1, 4, 500])
def test_a_vault_older_than_the_index_is_read_from_its_deployment(exchange, client, monkeypatch, size):
    """The market begins after the vault's first transfers; only the vault needs what came before."""
    monkeypatch.setattr(backfill, "RANGE_BLOCKS", size)
    vault = ShareVault.deploy(exchange.anvil)
    trade(vault)
    exchange.anvil.mine(time_s=SECOND + 40, blocks=5)
    exchange.start_block = first = int(exchange.anvil.rpc("eth_blockNumber"), 16)
    market = register(exchange)
    exchange.place(1, owner=MAKER, side="bid", price=9_990, size=50)
    exchange.submit(time_s=SECOND + 50)
    index()
    assert Cursor.objects.get().first_block == first
    events = list(MarketEvent.objects.values_list())
    watch(vault, client)
    assert not shares_ready(token=vault.address, through_block=0)
    with pytest.raises(SharesNotIndexedError, match="are not read from its start on yet"):
        share_transfers(token=vault.address, through_block=first)
    vault.give(ANN, BEN, 11)
    exchange.anvil.mine(time_s=SECOND + 60, blocks=4)
    runs = index_patiently()
    # The head process does eight ranges a run, and goes on following in between.
    assert runs > 1 or size > 1
    index()
    cursor = Cursor.objects.get()
    start = WatchedContract.objects.get(address=vault.address).start_block
    assert cursor.first_block == start < first
    blocks = Block.objects.filter(canonical=True, number__range=(start, cursor.final_block))
    assert blocks.count() == cursor.final_block - start + 1
    assert set(blocks.values_list("status", flat=True)) == {Block.Status.FINAL}
    found = share_transfers(token=vault.address, through_block=cursor.final_block)
    assert balances(found) == {holder: vault.balance(holder) for holder in (ANN, BEN, CAT)}
    assert len(found) == 5
    assert not BackfillRange.objects.filter(absorbed=False).exists()
    assert list(MarketEvent.objects.values_list()) == events
    assert market.start_block == first
    theirs = transfers_from_chain(client, tokens={vault.address: start}, to_block=cursor.final_block)[vault.address]
    assert (theirs.value, theirs.time_ms.tolist()) == (found.value, found.time_ms.tolist())
    assert balances(theirs) == balances(found)


def test_what_comes_before_the_index_waits_until_the_lowest_indexed_block_is_final(exchange, settings, client):
    settings.CHAIN_CONFIRMATION_DEPTH = 6
    vault = ShareVault.deploy(exchange.anvil)
    trade(vault)
    exchange.anvil.mine(blocks=2)
    exchange.start_block = first = int(exchange.anvil.rpc("eth_blockNumber"), 16)
    register(exchange)
    exchange.anvil.mine(blocks=3)
    index()
    watch(vault, client)
    index()
    index()
    assert (Cursor.objects.get().first_block, Cursor.objects.get().final_block) == (first, first - 1)
    assert not shares_ready(token=vault.address, through_block=first - 1)
    exchange.anvil.mine(blocks=6)
    for _ in range(3):
        index()
    assert Cursor.objects.get().first_block < first <= Cursor.objects.get().final_block
    assert balances(share_transfers(token=vault.address, through_block=first)) == {
        holder: vault.balance(holder) for holder in (ANN, BEN, CAT)
    }


def test_a_second_older_vault_lowers_the_index_again(exchange, client):
    oldest = ShareVault.deploy(exchange.anvil)
    trade(oldest)
    older = ShareVault.deploy(exchange.anvil)
    trade(older, second=SECOND + 100)
    exchange.anvil.mine(time_s=SECOND + 200, blocks=3)
    exchange.start_block = int(exchange.anvil.rpc("eth_blockNumber"), 16)
    register(exchange)
    for vault in (older, oldest):
        watch(vault, client)
        exchange.anvil.mine(blocks=3)
        index()
        index()
        found = share_transfers(token=vault.address, through_block=final())
        assert balances(found) == {holder: vault.balance(holder) for holder in (ANN, BEN, CAT)}


def test_older_blocks_that_do_not_lead_to_the_index_are_fetched_again(exchange, client):
    vault = ShareVault.deploy(exchange.anvil)
    trade(vault)
    exchange.anvil.mine(blocks=5)
    exchange.start_block = int(exchange.anvil.rpc("eth_blockNumber"), 16)
    register(exchange)
    exchange.anvil.mine(blocks=3)
    index()
    right = Block.objects.get(canonical=True, number=exchange.start_block)
    Block.objects.filter(pk=right.pk).update(parent_hash=b"\x07" * 32)
    watch(vault, client)
    index()
    assert Cursor.objects.get().first_block == exchange.start_block
    assert not shares_ready(token=vault.address, through_block=exchange.start_block)
    Block.objects.filter(pk=right.pk).update(parent_hash=right.parent_hash)
    index()
    index()
    assert shares_ready(token=vault.address, through_block=exchange.start_block)


@pytest.mark.parametrize("depth", [1, 3])
def test_transfers_of_a_branch_that_a_reorg_left_are_gone_and_those_of_the_new_one_are_there(
    exchange, settings, client, vault, depth
):
    settings.CHAIN_CONFIRMATION_DEPTH = 20
    register(exchange)
    trade(vault)
    watch(vault, client)
    snapshot = exchange.anvil.rpc("evm_snapshot")
    for step in range(depth):
        vault.give(ANN, BEN, 1000 + step)
        exchange.anvil.mine(time_s=SECOND + 40 + step)
    index()
    left = RawLog.objects.filter(address=vault.address).count()
    exchange.anvil.rpc("evm_revert", snapshot)
    for step in range(depth + 1):
        vault.give(CAT, ANN, 2)
        exchange.anvil.mine(time_s=SECOND + 50 + step)
    index()
    index()
    exchange.anvil.mine(time_s=SECOND + 90, blocks=25)
    index()
    # What the dead branch told stays as it came, and counts for nothing.
    assert RawLog.objects.filter(address=vault.address).count() > left
    found = share_transfers(token=vault.address, through_block=final())
    held = balances(found)
    assert held == {holder: vault.balance(holder) for holder in (ANN, BEN, CAT)}
    assert not {1000, 1001, 1002} & set(found.value)
    assert check_balances(client, token=vault.address, balances=held, supply=sum(held.values()), block=final()) == 3


def test_until_the_last_block_is_final_there_are_no_transfers_to_split_by(exchange, settings, client, vault):
    settings.CHAIN_CONFIRMATION_DEPTH = 3
    register(exchange)
    watch(vault, client)
    trade(vault)
    index()
    head = selectors.head().number
    with pytest.raises(SharesNotIndexedError, match=rf"are read through block {head - 3}; block {head} is asked for"):
        share_transfers(token=vault.address, through_block=head)
    assert shares_ready(token=vault.address, through_block=head - 3)
    exchange.anvil.mine(blocks=3)
    index()
    assert shares_ready(token=vault.address, through_block=head)


def test_a_token_that_grows_without_transfers_is_told_by_its_own_view(anvil, client):
    token = deploy_hostile(anvil, "rebasing_share")
    anvil.send(data=calldata("mint(address,uint256)", ("address", "uint256"), (ANN, 100)), to=token)
    anvil.mine()
    block = anvil.mine()
    assert check_balances(client, token=token, balances={ANN: 100}, supply=100, block=block) == 1
    anvil.send(data=calldata("rebase(uint256)", ("uint256",), (110,)), to=token)
    block = anvil.mine()
    with pytest.raises(ShareBalanceError, match=rf"{ANN} has 110 shares, and its transfers add up to 100") as told:
        check_balances(client, token=token, balances={ANN: 100}, supply=100, block=block)
    assert not told.value.retryable
    assert check_balances(client, token=token, balances={ANN: 100}, supply=100, block=block - 1) == 1
    with pytest.raises(ShareBalanceError, match="all accounts together"):
        check_balances(client, token=token, balances={}, supply=0, block=block)


def test_what_a_share_token_says_of_itself_is_read_and_its_deployment_is_found(anvil, client):
    anvil.mine(blocks=7)
    vault = ShareVault.deploy(anvil, name="Night Desk")
    born = int(anvil.rpc("eth_blockNumber"), 16)
    anvil.mine(blocks=9)
    found = describe_shares(client, address=vault.address)
    assert (found.name, found.symbol, found.asset, found.start_block) == ("Night Desk", "nSHARE", vault.asset, born)
    assert deployment_block(client, address=vault.asset, head=born + 9) == born - 1


def test_what_is_no_share_token_is_refused_in_a_sentence(anvil, client, exchange):
    with pytest.raises(ShareTokenError, match=rf"{ANN} can't be a vault: there is no contract\. Name the address"):
        describe_shares(client, address=ANN)
    with pytest.raises(ShareTokenError, match="does not answer totalSupply"):
        describe_shares(client, address=exchange.address)


def test_contracts_among_holders_are_told_from_keys_and_delegated_keys(anvil, client, vault):
    delegated = holder_of(9)
    anvil.rpc("anvil_setCode", delegated, "0xef0100" + vault.address[2:])
    block = anvil.mine()
    asked = [ANN, vault.address, delegated, vault.asset]
    assert contracts_among(client, accounts=asked, block=block) == [vault.address, vault.asset]


def test_addresses_that_end_alike_are_not_taken_for_one(exchange, client, vault):
    """Whoever looks for them finds two addresses with the same last eight bytes."""
    register(exchange)
    twins = ["0x" + start * 12 + "5a" * 8 for start in ("11", "22")]
    vault.fund(*twins, ANN)
    vault.anvil.mine()
    for number, holder in enumerate((*twins, ANN), 1):
        vault.deposit(holder, number * 10**18)
    vault.anvil.mine()
    exchange.anvil.mine(blocks=3)
    watch(vault, client)
    index()
    held = balances(share_transfers(token=vault.address, through_block=final()))
    assert held == {holder: vault.balance(holder) for holder in (*twins, ANN)}


def test_a_token_of_single_things_is_refused():
    """ERC-721 tells its transfers with the same first topic, and the thing's number as a fourth."""
    topics = TRANSFER.topic0 + bytes(32) + bytes(31) + b"\x01" + bytes(31) + b"\x07"
    logs = LogColumns.of_rows([(1, 0, 0, 1, bytes(32), bytes(32), ANN, topics, b"")])
    with pytest.raises(ShareTokenError, match=r"not those of an ERC-20 \(ERC-721 has others\)"):
        TransferReader(ANN).add(logs, times_ms={1: 1000})
    short = LogColumns.of_rows([(1, 0, 0, 1, bytes(32), bytes(32), ANN, topics[:96], b"\x01")])
    with pytest.raises(ShareTokenError, match="a log of block 1 is no transfer"):
        TransferReader(ANN).add(short, times_ms={1: 1000})
