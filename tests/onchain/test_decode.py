"""Raw JSON to columns: what json.loads says of the same bytes is what the columns hold, or a typed error."""

import json
import random

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from onchain import decode
from onchain.abi import EventSchema, SignatureError, dirty, to_ints
from onchain.columns import LogColumns, concatenate
from onchain.decode import decode_log_lines, decode_logs
from onchain.errors import LogDecodeError
from onchain.fast import logs

HASH = "0x" + "ab" * 32


def hexes(*, size=None, most=100):
    length = {"min_size": size, "max_size": size} if size is not None else {"max_size": most}
    return st.builds(lambda raw, upper: "0x" + (raw.hex().upper() if upper else raw.hex()), st.binary(**length),
                     st.booleans())  # fmt: skip


def shuffled(fields: dict, seed: int) -> dict:
    return dict(random.Random(seed).sample(list(fields.items()), len(fields)))


quantities = st.integers(0, 2**63 - 1).map(hex)
extras = st.dictionaries(
    st.sampled_from(["type", "chainId", "é", 'with "quotes"', "l1Fee"]),
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.text(),
              st.lists(st.integers(), max_size=2), st.dictionaries(st.text(max_size=3), st.none(), max_size=2)),
    max_size=2,
)  # fmt: skip
log_objects = st.builds(
    lambda fields, extra, removed, stamp, order: shuffled(fields | extra | removed | stamp, order),
    st.fixed_dictionaries({
        "address": hexes(size=20), "blockHash": hexes(size=32), "blockNumber": quantities, "data": hexes(),
        "logIndex": quantities, "topics": st.lists(hexes(size=32), max_size=4), "transactionHash": hexes(size=32),
        "transactionIndex": quantities,
    }),
    extras, st.sampled_from([{}, {"removed": False}]),
    st.one_of(st.just({}), quantities.map(lambda value: {"blockTimestamp": value})), st.integers(0, 9),
)  # fmt: skip
layouts = st.sampled_from([{"separators": (",", ":")}, {"indent": 1}, {"separators": (" ,\t", "\r\n: ")}])
envelopes = st.sampled_from([lambda r: r, lambda r: {"jsonrpc": "2.0", "id": 7, "result": r},
                             lambda r: {"result": r, "x": [1, {"y": "é"}]}])  # fmt: skip


def read(columns: LogColumns) -> list[dict]:
    """Turn columns back into what the node meant."""
    return [
        {
            "address": columns.addresses[columns.address[row]], "block": int(columns.block[row]),
            "index": int(columns.log_index[row]), "tx": int(columns.transaction_index[row]),
            "stamp": int(columns.timestamp_s[row]), "topics": columns.topics_of(row).hex(),
            "data": columns.data_of(row).hex(), "block_hash": columns.block_hash[row].tobytes().hex(),
            "hash": columns.transaction_hash[row].tobytes().hex(),
            "rest": int(columns.topics[row, columns.topic_count[row] :].sum()),
        }
        for row in range(len(columns))
    ]  # fmt: skip


def meant(logs: list[dict], number=lambda text: int(text, 16)) -> list[dict]:
    """Say what json.loads makes of the logs."""
    return [
        {
            "address": log["address"].lower(), "block": number(log["blockNumber"]), "index": number(log["logIndex"]),
            "tx": number(log["transactionIndex"]) if "transactionIndex" in log else -1,
            "stamp": number(log[name]) if (name := next((n for n in ("timestamp", "blockTimestamp") if n in log), ""))
            else -1,
            "topics": "".join(topic[2:] for topic in log["topics"]).lower(), "data": log["data"][2:].lower(),
            "block_hash": log["blockHash"][2:].lower(), "hash": log["transactionHash"][2:].lower(), "rest": 0,
        }
        for log in logs
    ]  # fmt: skip


@given(logs=st.lists(log_objects, max_size=5), layout=layouts, envelope=envelopes, ascii_only=st.booleans())
@settings(max_examples=150, deadline=None)
def test_a_response_means_what_json_says_it_means(logs, layout, envelope, ascii_only):
    body = json.dumps(envelope(logs), ensure_ascii=ascii_only, **layout).encode()
    assert read(decode_logs(body)) == meant(json.loads(json.dumps(logs)))


@given(logs=st.lists(log_objects, max_size=4), layout=st.sampled_from([(",", ":"), (", ", ": ")]),
       end=st.sampled_from(["\n", "\r\n", "\n\n"]))  # fmt: skip
@settings(max_examples=75, deadline=None)
def test_a_file_has_a_log_a_line_with_plain_numbers(logs, layout, end):
    for log in logs:
        for name in ("blockNumber", "logIndex", "transactionIndex"):
            log[name] = int(log[name], 16)
        log["timestamp"] = int(log.pop("blockTimestamp", "0x5"), 16)
    body = end.join(json.dumps(log, separators=layout) for log in logs).encode()
    assert read(decode_log_lines(body)) == meant(logs, number=int)


def plain_log(**changes) -> dict:
    return {
        "address": "0x" + "11" * 20, "topics": [HASH], "data": "0x0102", "blockHash": HASH, "blockNumber": "0x10",
        "transactionHash": HASH, "transactionIndex": "0x0", "logIndex": "0x3", "removed": False,
    } | changes  # fmt: skip


def buffers(size: int):
    return decode._buffers(size)


def test_ordinary_answers_take_the_fast_way():
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "result": [plain_log(), plain_log(data="0x")]}).encode()
    assert logs.read_response(np.frombuffer(body, np.uint8), 0, buffers(len(body))) == 2


@pytest.mark.parametrize(
    "change",
    [
        {"address": "0x" + "11" * 19}, {"address": None}, {"topics": [HASH] * 5}, {"topics": [HASH[:-1]]},
        {"topics": None}, {"topics": "0x"}, {"data": "0x1"}, {"data": "01"}, {"data": "0xg0"}, {"data": "0x 0"},
        {"data": "0X01"}, {"blockNumber": None}, {"blockNumber": 16}, {"blockNumber": "16"}, {"blockNumber": "0x"},
        {"blockNumber": hex(2**63)}, {"logIndex": "-0x1"}, {"logIndex": "0x1_0"}, {"blockHash": HASH + "00"},
        {"transactionHash": ["a"]}, {"removed": True}, {"transactionIndex": 1.5},
    ],
)  # fmt: skip
def test_a_log_with_a_field_out_of_form_is_refused_by_name(change):
    body = json.dumps({"result": [plain_log(), plain_log(**change)]}).encode()
    with pytest.raises(LogDecodeError, match=r"log 1\b"):
        decode_logs(body)


@pytest.mark.parametrize("name", sorted(set(plain_log()) - {"removed"}))
def test_a_log_that_lacks_a_field_is_refused_by_name(name):
    log = plain_log()
    del log[name]
    with pytest.raises(LogDecodeError, match=f"log 0 has no {name}"):
        decode_logs(json.dumps([log]).encode())


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "no JSON"), (b"null", "neither"), (b"{}", "no result"), (b'{"result":null}', "no list"),
        (b'{"error":{"code":-32005},"result":[]}', "-32005"), (b"[]]", "no JSON"), (b"[],", "no JSON"),
        (b"[{}]", "log 0 has no"), (b"[1]", "log 0 is no object"), (b'{"result":[],"result":[]}', "twice"),
        (b'{"result":[],"id":NaN}', "NaN"), (b'\xff{"result":[]}', "UTF-8"), (b"[" * 100_000, "nested"),
        (b'{"result":[]', "no JSON"), (b'{"result":[],}', "no JSON"), (b'{"a" 1,"result":[]}', "no JSON"),
    ],
)  # fmt: skip
def test_what_is_no_list_of_logs_is_refused(body, said):
    with pytest.raises(LogDecodeError, match=said):
        decode_logs(body)


@pytest.mark.parametrize("name", sorted(plain_log()))
def test_a_field_that_is_there_twice_is_refused_and_one_that_nobody_reads_is_not(name):
    text = json.dumps([plain_log(gas=1)])
    field = json.dumps({name: plain_log()[name]})[1:-1]
    with pytest.raises(LogDecodeError, match=f"'{name}' is there twice"):
        decode_logs(text.replace("}", f", {field}}}").encode())
    assert len(decode_logs(text.replace("}", ', "gas": 2}').encode())) == 1
    assert len(decode_logs(text.replace("}", ', "gas": [2]}').encode())) == 1


def test_an_error_that_is_null_is_no_error():
    assert len(decode_logs(b'{"error":null,"result":[]}')) == 0


@given(st.integers(0, 10**6))
@settings(max_examples=60, deadline=None)
def test_an_answer_that_is_cut_off_is_refused_wherever_it_is_cut(cut):
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "result": [plain_log(), plain_log()]}).encode()
    with pytest.raises(LogDecodeError):
        decode_logs(body[: cut % len(body)])


@given(place=st.integers(0, 10**6), byte=st.integers(0, 255))
@example(place=0, byte=32)
@settings(max_examples=400, deadline=None)
def test_a_flipped_byte_is_read_as_json_reads_it_or_refused(place, byte):
    good = json.dumps({"id": 1, "result": [plain_log(), plain_log(data="0x" + "00" * 40)]}).encode()
    body = bytearray(good)
    body[place % len(body)] = byte
    try:
        columns = decode_logs(bytes(body))
    except LogDecodeError:
        return
    assert read(columns) == meant(json.loads(body)["result"])


@given(st.lists(log_objects, max_size=6), st.data())
@settings(max_examples=40, deadline=None)
def test_parts_and_pieces_of_columns_are_those_of_the_logs(logs, data):
    columns = decode_logs(json.dumps(logs).encode())
    cut = data.draw(st.integers(0, len(logs)))
    rows = data.draw(st.lists(st.integers(0, len(logs) - 1), max_size=8)) if logs else []
    assert read(concatenate([columns.cut(0, cut), columns.cut(cut, len(logs))])) == meant(logs)
    assert read(columns.take(np.array(rows, np.intp))) == [meant(logs)[row] for row in rows]
    address = logs[0]["address"].lower() if logs else "0x"
    assert read(columns.of_addresses((address,))) == [log for log in meant(logs) if log["address"] == address]


@given(st.lists(st.integers(-(2**255), 2**255 - 1), max_size=20))
def test_signed_words_are_read_exactly(values):
    words = np.frombuffer(b"".join(v.to_bytes(32, signed=True) for v in values), np.uint8).reshape(-1, 32)
    assert to_ints(words, signed=True) == values


@given(st.lists(st.one_of(st.integers(0, 2**256 - 1), st.integers(2**63 - 2, 2**64 + 1)), max_size=20),
       st.sampled_from([1, 8, 40, 96, 160, 256]))  # fmt: skip
def test_unsigned_words_are_read_exactly_and_stray_bits_are_seen(values, bits):
    words = np.frombuffer(b"".join(v.to_bytes(32) for v in values), np.uint8).reshape(-1, 32)
    assert to_ints(words, signed=False) == values
    assert dirty(words, bits=bits, signed=False).tolist() == [v >= 2**bits for v in values]


@given(st.lists(st.integers(-(2**255), 2**255 - 1), max_size=20), st.sampled_from([8, 64, 128]))
def test_stray_bits_of_narrow_signed_words_are_seen(values, bits):
    words = np.frombuffer(b"".join(v.to_bytes(32, signed=True) for v in values), np.uint8).reshape(-1, 32)
    half = 2 ** (bits - 1)
    assert dirty(words, bits=bits, signed=True).tolist() == [not -half <= v < half for v in values]


@pytest.mark.parametrize(
    ("declaration", "topic0"),
    [
        ("Transfer(address indexed from, address indexed to, uint256 value)",
         "ddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"),
        ("event LimitOrderSubmitted(uint256 indexed eventNonce,address indexed owner,uint256 orderId,"
         "(uint256 amountInBase,uint256 price,uint32 cancelTimestamp,uint8 side,uint96 clientOrderId,uint8 t) args);",
         "6afa114244e0a24914010f3e39b1d4d29313a79572cf686c8ebad0f90f2543d7"),
        ("AnswerUpdated(int indexed current, uint indexed roundId, uint updatedAt)",
         "0559884fd3a460db3073b7fc896cc77986f16e378210ded43186175bf646fc5f"),
    ],
)  # fmt: skip
def test_the_topic_of_a_declared_event_is_the_published_one(declaration, topic0):
    assert EventSchema.parse(declaration).topic0.hex() == topic0


@pytest.mark.parametrize(
    "declaration",
    ["Transfer", "T(uint256)", "T(uint7 a)", "T(uint256 a,uint8 a)", "T(bytes33 a)", "T(map a)", "T((uint8 a)",
     "T((uint8 a) indexed s)", "T((bytes a) s)", "T(uint8 indexed a,uint8 indexed b,uint8 indexed c,uint8 indexed d)"],
)  # fmt: skip
def test_a_declaration_that_is_none_is_refused(declaration):
    with pytest.raises(SignatureError):
        EventSchema.parse(declaration)
