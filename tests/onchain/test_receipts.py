"""The receipts root, three ways: as a public block's header has it, plainly rebuilt, and by the compiled columns."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onchain import receiptcolumns
from onchain.errors import BlockMissingError, RpcError, RpcGarbledError, RpcLimitedError
from onchain.receiptcolumns import _Read, decode_receipt_batch, expect_much
from onchain.receipts import receipts_root

WORD = st.binary(min_size=32, max_size=32).map(lambda raw: "0x" + raw.hex())
LENGTHS = st.sampled_from([0, 1, 2, 31, 32, 55, 56, 57, 255, 256, 300, 70_000])
BLOCK = "0x" + "11" * 32


@st.composite
def log(draw):
    length = draw(LENGTHS)
    data = draw(st.binary(min_size=min(length, 4), max_size=min(length, 4))).ljust(length, b"\x07")
    return {
        "address": "0x" + draw(st.binary(min_size=20, max_size=20)).hex(),
        "topics": draw(st.lists(WORD, max_size=4)), "data": "0x" + data.hex(),
        "blockHash": BLOCK, "blockNumber": "0x5", "transactionHash": BLOCK, "transactionIndex": "0x0",
        "logIndex": "0x0", "removed": False,
    }  # fmt: skip


@st.composite
def receipt(draw):
    return {
        "type": hex(draw(st.sampled_from([0, 1, 2, 3, 4, 0x7E]))), "status": draw(st.sampled_from(["0x0", "0x1"])),
        "cumulativeGasUsed": hex(draw(st.integers(0, 2**40))), "logsBloom": "0x" + draw(WORD)[2:] * 8,
        "transactionHash": draw(WORD), "contractAddress": None, "logs": draw(st.lists(log(), max_size=4)),
    }  # fmt: skip


def answer(blocks) -> bytes:
    items = [{"jsonrpc": "2.0", "id": number, "result": of_block} for number, of_block in enumerate(blocks)]
    return json.dumps(items if len(items) > 1 else items[0], separators=(",", ":")).encode()


@pytest.fixture(autouse=True)
def _compiled(monkeypatch):
    monkeypatch.setattr(receiptcolumns, "_read", _Read())
    expect_much()


def decoded(body: bytes, count: int):
    return decode_receipt_batch(body, numbers=range(5, 5 + count), provider="node")


@settings(max_examples=40, deadline=None)
@given(blocks=st.lists(st.lists(receipt(), max_size=5), min_size=1, max_size=4))
def test_columns_and_plain_objects_agree_in_every_root_and_log(blocks):
    found = decoded(answer(blocks), len(blocks))
    assert ["0x" + root.tobytes().hex() for root in found.roots] == [receipts_root(of_block) for of_block in blocks]
    logs = [(each, place) for of_block in blocks for place, each in enumerate(x for r in of_block for x in r["logs"])]
    assert len(found.logs) == len(logs) == found.first_log[-1]
    for row, (each, place) in enumerate(logs):
        assert found.logs.addresses[found.logs.address[row]] == each["address"]
        assert "0x" + found.logs.data_of(row).hex() == each["data"]
        assert "0x" + found.logs.topics_of(row).hex() == "0x" + "".join(topic[2:] for topic in each["topics"])
        assert found.logs.log_index[row] == place
    hashes = [r["transactionHash"] for of_block in blocks for r in of_block for _ in r["logs"]]
    assert ["0x" + each.tobytes().hex() for each in found.logs.transaction_hash] == hashes


@pytest.mark.parametrize("count", [1, 2, 17, 128, 129, 300])
def test_a_block_of_any_size_has_the_root_that_the_node_put_into_its_header(anvil, count):
    for place in range(count):
        fields = {"from": anvil.accounts[place % 10], "to": anvil.accounts[0], "value": "0x1", "gas": hex(21_000)}
        anvil.rpc("eth_sendTransaction", fields)
    number = anvil.mine()
    header = anvil.rpc("eth_getBlockByNumber", hex(number), False)
    of_block = anvil.rpc("eth_getBlockReceipts", hex(number))
    assert len(of_block) == count
    assert "0x" + decoded(answer([of_block]), 1).roots[0].tobytes().hex() == header["receiptsRoot"]
    assert receipts_root(of_block) == header["receiptsRoot"]


def test_blocks_with_logs_have_the_root_of_their_header(exchange):
    for order in range(40):
        exchange.place(order + 1, owner="0x" + "a" * 40, side="bid", price=9_000, size=1)
        exchange.send()
    number = exchange.anvil.mine()
    header = exchange.anvil.rpc("eth_getBlockByNumber", hex(number), False)
    of_block = exchange.anvil.rpc("eth_getBlockReceipts", hex(number))
    assert len(of_block) == 40
    assert "0x" + decoded(answer([of_block]), 1).roots[0].tobytes().hex() == header["receiptsRoot"]


def test_unusual_answers_are_read_plainly_with_the_same_result(exchange):
    exchange.place(1, owner="0x" + "a" * 40, side="bid", price=9_000, size=1)
    number = exchange.submit()
    blocks = [exchange.anvil.rpc("eth_getBlockReceipts", hex(number)), []]
    usual = decoded(answer(blocks), 2)
    items = json.loads(answer(blocks))
    items[0]["result"][0]["extra"] = {"of a rollup": [1, 2]}
    for unusual in (json.dumps(items[::-1]), json.dumps(items, indent=2)):
        found = decoded(unusual.encode(), 2)
        assert (found.roots == usual.roots).all()
        assert (found.first_log == usual.first_log).all()
        assert found.logs.data.tobytes() == usual.logs.data.tobytes()


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b'{"jsonrpc":"2.0","id":0,"result":null}', BlockMissingError),
        (b'{"jsonrpc":"2.0","id":0,"error":{"code":-32005,"message":"rate limit"}}', RpcLimitedError),
        (b'{"jsonrpc":"2.0","id":0,"result":[{"status":"0x1"}]}', RpcGarbledError),
        (b'{"jsonrpc":"2.0","id":0,"result":[7]}', RpcGarbledError),
        (b'{"jsonrpc":"2.0","id":0,"result":[', RpcGarbledError),
        (b'{"jsonrpc":"2.0","id":1,"result":[]}', RpcGarbledError),
        (b"", RpcGarbledError),
    ],
)
def test_what_is_no_answer_is_a_typed_error(body, error):
    with pytest.raises(error) as caught:
        decoded(body, 1)
    assert caught.value.retryable or not isinstance(caught.value, RpcError)


def test_a_process_that_reads_little_does_without_the_compiled_way(monkeypatch):
    monkeypatch.setattr(receiptcolumns, "_read", _Read())
    body = answer([[]])
    decoded(body, 1)
    assert not receiptcolumns._read.compiled
    monkeypatch.setattr(receiptcolumns, "COMPILE_FROM_BYTES", 0)
    monkeypatch.setattr(receiptcolumns, "LOAD_FROM_BYTES", 0)
    decoded(body, 1)
    assert receiptcolumns._read.compiled
