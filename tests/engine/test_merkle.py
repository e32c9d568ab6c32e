"""Trees agree with OpenZeppelin's published example and with its own library, and prove what they hold."""

from __future__ import annotations

import json
import random
import subprocess
from pathlib import Path
from typing import Any

import eth_abi
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rewards.engine import merkle
from rewards.engine.abi import UnknownTypeError, codec, encode_sequence

ROOT_DIR = Path(__file__).resolve().parents[2]
ALICE = "0x" + "11" * 20
BOB = "0x" + "22" * 20
PAIR = ["address", "uint256"]
# github.com/OpenZeppelin/merkle-tree, README, "Quick Start"
README_VALUES = [[ALICE, "5000000000000000000"], [BOB, "2500000000000000000"]]
README_ROOT = "0xd4dee0beab2d53f2cc83e567171bd2820e49898130a22622b10ead383e90bd77"

addresses = st.integers(0, 2**160 - 1).map(lambda number: f"0x{number:040x}")
rows = st.lists(st.tuples(addresses, st.integers(0, 2**256 - 1).map(str)), min_size=1, max_size=40)


def openzeppelin(jobs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Let OpenZeppelin's JavaScript library do the jobs (see openzeppelin.cjs)."""
    done = subprocess.run(
        ["node", str(Path(__file__).with_name("openzeppelin.cjs"))],
        cwd=ROOT_DIR,
        input=json.dumps(jobs),
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    return json.loads(done.stdout)


def random_value(abi_type: str, source: random.Random) -> Any:
    """Make a value as JSON carries it, often at an edge of its type."""
    if abi_type.endswith("[]"):
        return [random_value(abi_type[:-2], source) for _ in range(source.randrange(4))]
    if abi_type.endswith("[3]"):
        return [random_value(abi_type[:-3], source) for _ in range(3)]
    if abi_type == "address":
        return "0x" + source.randbytes(20).hex()
    if abi_type == "bool":
        return source.random() < 0.5
    if abi_type == "string":
        return "".join(source.choice('aé€😀 \\"') for _ in range(source.choice([0, 1, 31, 32, 33])))
    if abi_type == "bytes":
        return "0x" + source.randbytes(source.choice([0, 1, 31, 32, 33])).hex()
    if abi_type.startswith("bytes"):
        return "0x" + source.randbytes(int(abi_type[5:])).hex()
    bits = int(abi_type.removeprefix("u").removeprefix("int"))
    low, high = (0, 2**bits - 1) if abi_type.startswith("u") else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    return str(source.choice([low, high, 0, source.randint(low, high)]))


STATIC_TYPES = [
    "address",
    "uint256",
    "uint8",
    "uint96",
    "int256",
    "int8",
    "int24",
    "bool",
    "bytes32",
    "bytes4",
]
DYNAMIC_TYPES = ["string", "bytes", "uint16[]", "address[3]", "string[]", "bytes[3]"]


def random_jobs(*, count: int, seed: int) -> list[dict[str, Any]]:
    source = random.Random(seed)
    jobs = []
    for number in range(count):
        if number % 3:
            types = ["address", "address", "uint256"]
        else:
            types = source.sample(STATIC_TYPES + DYNAMIC_TYPES, source.randrange(1, 6))
        size = source.choice([1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 32, 33, 60])
        values = [[random_value(each, source) for each in types] for _ in range(size)]
        if number % 5 == 0:  # the same amount, and the same leaf, more than once
            values += [list(source.choice(values)) for _ in range(source.randrange(1, 4))]
        if number % 7 == 0:
            values = [[*row[:-1], values[0][-1]] for row in values]
        jobs.append({"types": types, "values": values})
    return jobs


def test_the_tree_of_openzeppelins_readme_has_the_published_root() -> None:
    tree = merkle.Tree.from_leaves(README_VALUES, PAIR)
    assert tree.root == README_ROOT
    assert merkle.verify(README_ROOT, PAIR, README_VALUES[0], tree.proof(0))


def test_keccak_is_ethereums_and_not_the_later_standards() -> None:
    # The hash of no bytes, Ethereum yellow paper, section on the account's codeHash.
    assert merkle.keccak256(b"").hex() == "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"


def test_random_trees_are_the_ones_that_openzeppelins_library_builds_dumps_and_proves() -> None:
    jobs = random_jobs(count=240, seed=20260918)
    for job, answer in zip(jobs, openzeppelin(jobs), strict=True):
        tree = merkle.Tree.from_leaves(job["values"], job["types"])
        assert tree.root == answer["root"]
        assert tree.proofs() == answer["proofs"]
        assert [tree.proof(index) for index in range(len(tree))] == answer["proofs"]
        # Key order too: what we write is the same text as JavaScript's.
        assert json.dumps(tree.dump()) == json.dumps(answer["dump"])


def test_openzeppelins_library_loads_our_dumps_and_we_load_its() -> None:
    jobs = random_jobs(count=60, seed=7)
    ours = [merkle.Tree.from_leaves(job["values"], job["types"]) for job in jobs]
    read_back = openzeppelin([{"load": json.loads(json.dumps(tree.dump()))} for tree in ours])
    for tree, answer in zip(ours, read_back, strict=True):
        assert answer["root"] == tree.root
        assert answer["verified"]
        loaded = merkle.Tree.load(answer["dump"])
        assert loaded.root == tree.root
        assert loaded.proofs() == tree.proofs()
        assert loaded.dump() == tree.dump()


@settings(max_examples=200, deadline=None)
@given(values=rows)
def test_every_leaf_is_proved_against_the_root_and_an_altered_one_is_not(
    values: list[tuple[str, str]],
) -> None:
    tree = merkle.Tree.from_leaves(values, PAIR)
    for index, (account, amount) in enumerate(values):
        proof = tree.proof(index)
        assert merkle.verify(tree.root, PAIR, (account, amount), proof)
        more = str((int(amount) + 1) % 2**256)
        if (account, more) not in values:
            assert not merkle.verify(tree.root, PAIR, (account, more), proof)
        if proof:
            assert not merkle.verify(tree.root, PAIR, (account, amount), proof[:-1])


@settings(max_examples=100, deadline=None)
@given(values=rows, seed=st.integers(0, 2**32))
def test_the_order_of_the_values_changes_no_root(values: list[tuple[str, str]], seed: int) -> None:
    shuffled = random.Random(seed).sample(values, len(values))
    assert merkle.Tree.from_leaves(shuffled, PAIR).root == merkle.Tree.from_leaves(values, PAIR).root


@settings(max_examples=100, deadline=None)
@given(values=rows)
def test_a_dump_read_again_is_the_same_tree_and_keeps_the_order_given(values: list[tuple[str, str]]) -> None:
    tree = merkle.Tree.from_leaves(values, PAIR)
    loaded = merkle.Tree.load(json.loads(json.dumps(tree.dump())))
    assert [list(row) for row in loaded.values] == [list(row) for row in values]
    assert loaded.root == tree.root
    assert loaded.proofs() == tree.proofs()


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_values_are_encoded_as_eth_abi_encodes_them(data: st.DataObject) -> None:
    source = random.Random(data.draw(st.integers(0, 2**64)))
    types = data.draw(st.lists(st.sampled_from(STATIC_TYPES + DYNAMIC_TYPES), min_size=1, max_size=6))
    values = [random_value(each, source) for each in types]
    expected = eth_abi.encode(types, [for_eth_abi(t, v) for t, v in zip(types, values, strict=True)])
    assert encode_sequence([codec(each) for each in types], values) == expected


def for_eth_abi(abi_type: str, value: Any) -> Any:
    if isinstance(value, list):
        return [for_eth_abi(abi_type[: abi_type.rindex("[")], each) for each in value]
    if abi_type.startswith("bytes"):
        return bytes.fromhex(value[2:])
    return int(value) if "int" in abi_type else value


def test_python_integers_bytes_and_upper_case_addresses_make_the_same_leaf_as_their_json_form() -> None:
    types = ["address", "uint256", "bytes4"]
    as_json = ["0x" + "ab" * 20, "7", "0x01020304"]
    as_python = ["0x" + "AB" * 20, 7, b"\x01\x02\x03\x04"]
    assert merkle.leaf_hash(types, as_python) == merkle.leaf_hash(types, as_json)
    assert merkle.leaf_hash(types, [as_json[0], "0x07", as_json[2]]) == merkle.leaf_hash(types, as_json)
    dumped = merkle.Tree.from_leaves([as_python], types).dump()
    assert dumped["values"] == [{"value": ["0x" + "AB" * 20, "7", "0x01020304"], "treeIndex": 0}]


def test_a_single_leaf_is_its_own_root_and_needs_no_proof() -> None:
    tree = merkle.Tree.from_leaves([[ALICE, "1"]], PAIR)
    assert tree.root == "0x" + merkle.leaf_hash(PAIR, [ALICE, "1"]).hex()
    assert tree.proof(0) == []
    assert merkle.verify(tree.root, PAIR, [ALICE, "1"], [])


def test_a_value_is_looked_up_by_what_it_encodes_to() -> None:
    tree = merkle.Tree.from_leaves(README_VALUES, PAIR)
    assert tree.proof_of([BOB, 2500000000000000000]) == tree.proof(1)
    with pytest.raises(merkle.LeafNotInTreeError, match="no leaf with the values"):
        tree.proof_of([BOB, "1"])
    with pytest.raises(merkle.LeafNotInTreeError, match="no leaf number 2; it has 2"):
        tree.proof(2)
    with pytest.raises(merkle.LeafNotInTreeError, match="no leaf number -1"):
        tree.proof(-1)


@pytest.mark.parametrize(
    ("abi_type", "value", "reason"),
    [
        ("address", "0x1234", "it has 2 bytes, an address has 20"),
        ("address", "11" * 20, "0x and an even number of hex digits"),
        ("address", "0x" + "1g" * 20, "hex digits"),
        ("address", "0x" + " 1" * 20, "hex digits"),
        ("address", 5, "hex digits"),
        ("uint256", "-1", "not between 0 and"),
        ("uint256", str(2**256), "not between 0 and"),
        ("uint8", 256, "not between 0 and 255"),
        ("int8", "128", "not between -128 and 127"),
        ("int8", -129, "not between -128 and 127"),
        ("uint256", 1.0, "write a whole number"),
        ("uint256", True, "write a whole number"),
        ("uint256", "1_000", "write a whole number"),
        ("uint256", " 1", "write a whole number"),
        ("uint256", "1\n", "write a whole number"),
        ("uint256", "\u0661", "write a whole number"),
        ("uint256", "9" * 5000, "write a whole number"),
        ("uint256", "0x", "write a whole number"),
        ("bool", 1, "write true or false"),
        ("bytes4", "0x010203", "it has 3 bytes, not 4"),
        ("string", 3, "write it in quotes"),
        ("string", "\ud800", "surrogate"),
        ("bytes", "0x123", "even number"),
        ("uint8[3]", ["1", "2"], "it has 2 items, not 3"),
        ("uint8[]", "1", "write it as a list"),
    ],
)
def test_a_value_that_does_not_fit_its_type_is_refused_with_its_place(
    abi_type: str, value: object, reason: str
) -> None:
    good = {"address": ALICE, "bool": True, "string": "", "bytes": "0x", "bytes4": "0x00000000"}.get(abi_type, "1")
    good_row = [ALICE, {"uint8[3]": ["1", "2", "3"], "uint8[]": []}.get(abi_type, good)]
    with pytest.raises(merkle.LeafError, match=reason) as refused:
        merkle.Tree.from_leaves([good_row, [ALICE, value]], ["address", abi_type])
    assert (refused.value.index, refused.value.column) == (1, 1)
    assert str(refused.value).startswith("Value 1, column 1 cannot be a leaf: ")


@pytest.mark.parametrize("abi_type", ["uint7", "uint264", "int0", "bytes33", "bytes0", "float", "", "uint8[0]", "[]"])
def test_a_type_that_no_leaf_can_have_is_refused(abi_type: str) -> None:
    with pytest.raises(UnknownTypeError, match="is not a type a leaf can have"):
        merkle.Tree.from_leaves([["1"]], [abi_type])


def test_a_row_of_the_wrong_length_and_a_tree_without_leaves_are_refused() -> None:
    with pytest.raises(merkle.LeafError, match="Value 1 cannot be a leaf: it is not a list of 2 values"):
        merkle.Tree.from_leaves([[ALICE, "1"], [ALICE]], PAIR)
    with pytest.raises(merkle.EmptyTreeError, match="at least one leaf"):
        merkle.Tree.from_leaves([], PAIR)


def damaged_dumps() -> list[tuple[str, dict[str, Any], str]]:
    """Return (name, dump, what the error says) for one damage each to the tree of three leaves."""
    values = [[ALICE, "5"], [BOB, "7"], [BOB, "9"]]

    def changed(change: Any) -> dict[str, Any]:
        dump: Any = json.loads(json.dumps(merkle.Tree.from_leaves(values, PAIR).dump()))
        change(dump)
        return dump

    flipped = "0x" + "00" * 32
    return [
        ("format", changed(lambda d: d.update(format="simple-v1")), "not 'standard-v1'"),
        ("no types", changed(lambda d: d.pop("leafEncoding")), "leafEncoding: it has to be a list"),
        ("no values", changed(lambda d: d.update(values=[])), "at least one value"),
        ("short tree", changed(lambda d: d["tree"].pop()), "3 values need a list of 5 nodes"),
        ("root", changed(lambda d: d["tree"].__setitem__(0, flipped)), r"tree\[0\]: it is not the hash"),
        ("node", changed(lambda d: d["tree"].__setitem__(1, flipped)), "it is not the hash"),
        ("leaf", changed(lambda d: d["tree"].__setitem__(4, flipped)), "its hash is not the node 4"),
        (
            "short node",
            changed(lambda d: d["tree"].__setitem__(1, "0x00")),
            r"tree\[1\]: it has to be 0x and 64",
        ),
        (
            "blank node",
            changed(lambda d: d["tree"].__setitem__(1, "0x" + " " * 64)),
            "it has to be 0x and 64",
        ),
        (
            "amount",
            changed(lambda d: d["values"][0]["value"].__setitem__(1, "6")),
            "its hash is not the node",
        ),
        ("index", changed(lambda d: d["values"][0].update(treeIndex=1)), "treeIndex 1 is not a leaf"),
        ("index past", changed(lambda d: d["values"][0].update(treeIndex=5)), "treeIndex 5 is not a leaf"),
        ("index text", changed(lambda d: d["values"][0].update(treeIndex="4")), "a whole number `treeIndex`"),
        ("no value", changed(lambda d: d["values"][0].pop("value")), "it needs a list `value`"),
        ("bare value", changed(lambda d: d["values"].__setitem__(0, 3)), "it needs a list `value`"),
    ]


@pytest.mark.parametrize(
    ("name", "dump", "says"), damaged_dumps(), ids=lambda part: part if isinstance(part, str) else ""
)
def test_a_damaged_dump_is_refused(name: str, dump: dict[str, Any], says: str) -> None:
    with pytest.raises(merkle.TreeFormatError, match=says):
        merkle.Tree.load(dump)


def test_a_dump_in_which_two_values_share_one_leaf_is_refused() -> None:
    dump: Any = merkle.Tree.from_leaves([[ALICE, "5"], [ALICE, "5"]], PAIR).dump()
    dump["values"][1]["treeIndex"] = dump["values"][0]["treeIndex"]
    with pytest.raises(merkle.TreeFormatError, match="belongs to an earlier value"):
        merkle.Tree.load(dump)


def test_a_dump_whose_leaves_are_not_sorted_is_read_as_openzeppelins_library_reads_it() -> None:
    tree = merkle.Tree.from_leaves(README_VALUES, PAIR)
    dump: Any = tree.dump()
    dump["tree"][1], dump["tree"][2] = dump["tree"][2], dump["tree"][1]
    for entry in dump["values"]:
        entry["treeIndex"] = 3 - entry["treeIndex"]
    answer = openzeppelin([{"load": dump}])[0]
    assert merkle.Tree.load(dump).root == answer["root"] == README_ROOT
    assert merkle.Tree.load(dump).proofs() == answer["proofs"]


@pytest.mark.parametrize("node", ["0x00", "00" * 33, "0x" + "zz" * 32, "0x" + "0 " * 32])
def test_a_proof_that_is_no_list_of_hashes_is_refused(node: str) -> None:
    with pytest.raises(merkle.TreeFormatError, match="Proof node 0: it has to be 0x and 64 hex digits"):
        merkle.verify(README_ROOT, PAIR, README_VALUES[0], [node])
    with pytest.raises(merkle.TreeFormatError, match="Root: "):
        merkle.verify(node, PAIR, README_VALUES[0], [])
