"""Merkle trees as OpenZeppelin's `StandardMerkleTree` builds, dumps and proves them (format `standard-v1`).

Leaves are `keccak256(keccak256(abi.encode(values)))`, sorted by their bytes and laid into an array of
`2n - 1` nodes from its end backwards; node `i` is the hash of its children `2i + 1` and `2i + 2`, the smaller
first.
Source: docs/spec/scoring.md, *Payout of the epoch*; @openzeppelin/merkle-tree 1.0.8.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

# The reference Keccak code in C. pycryptodome's takes eleven times as long for inputs as short as a node's.
from sha3 import keccak_256  # type: ignore[import-untyped,import-not-found,unused-ignore]

from rewards.engine.abi import AbiError, Codec, codec, encode_sequence
from rewards.engine.errors import EngineError

FORMAT = "standard-v1"
NODE_BYTES = 32


class TreeError(EngineError):
    """Base of what can be wrong with a tree, its leaves or a proof."""


class EmptyTreeError(TreeError):
    """A tree without leaves has no root."""

    def __init__(self) -> None:
        super().__init__("A tree needs at least one leaf; there are no values.")


class LeafError(TreeError):
    """A leaf's values do not fit the leaf types. `index` and `column` count from 0."""

    def __init__(self, *, index: int, column: int | None, reason: str) -> None:
        self.index, self.column, self.reason = index, column, reason
        place = f"Value {index}" if column is None else f"Value {index}, column {column}"
        super().__init__(f"{place} cannot be a leaf: {reason}.")


class LeafNotInTreeError(TreeError):
    """No leaf of the tree has these values, or the index is past its end."""

    def __init__(self, *, wanted: str) -> None:
        self.wanted = wanted
        super().__init__(f"The tree has no leaf {wanted}.")


class TreeFormatError(TreeError):
    """A dump or proof is not one of a whole and consistent standard tree."""

    def __init__(self, *, where: str, reason: str) -> None:
        self.where, self.reason = where, reason
        super().__init__(f"{where}: {reason}.")


def keccak256(data: bytes) -> bytes:
    """Return Keccak-256 of data, 32 bytes (the hash of Ethereum, not NIST's SHA3-256)."""
    digest: bytes = keccak_256(data).digest()
    return digest


@dataclass(frozen=True, eq=False)
class Tree:
    """A standard tree: `nodes` from the root on, and where each value's leaf is among them.

    types: leaf types, one per column. values: n rows in the order in which they were given.
    nodes: 2n - 1 hashes of 32 bytes. tree_indices: n indices into `nodes`.
    """

    types: tuple[str, ...]
    values: tuple[tuple[object, ...], ...]
    nodes: tuple[bytes, ...]
    tree_indices: tuple[int, ...]

    @classmethod
    def from_leaves(cls, values: Sequence[Sequence[object]], types: Sequence[str]) -> Tree:
        """Build the tree of values (n rows, one column per type); their order does not change the root.

        Raises EmptyTreeError, LeafError, abi.UnknownTypeError.
        """
        if not values:
            raise EmptyTreeError
        leaves = _leaf_hashes(values, [codec(each) for each in types])
        count = len(leaves)
        nodes = [b""] * (2 * count - 1)
        tree_indices = [0] * count
        for place, index in enumerate(sorted(range(count), key=leaves.__getitem__)):
            nodes[-1 - place] = leaves[index]
            tree_indices[index] = 2 * count - 2 - place
        for place in range(count - 2, -1, -1):
            nodes[place] = _node_hash(nodes[2 * place + 1], nodes[2 * place + 2])
        rows = tuple(tuple(row) for row in values)
        return cls(types=tuple(types), values=rows, nodes=tuple(nodes), tree_indices=tuple(tree_indices))

    @classmethod
    def load(cls, dump: Mapping[str, object]) -> Tree:
        """Read a dump of this library or of OpenZeppelin's and check every hash in it.

        Leaves need not be sorted (OpenZeppelin can be told not to). Raises TreeFormatError, LeafError,
        abi.UnknownTypeError.
        """
        types, nodes, entries = _dump_parts(dump)
        rows, tree_indices = _dump_entries(entries)
        leaves = _leaf_hashes(rows, [codec(each) for each in types])
        _check_leaves(nodes, tree_indices, leaves)
        _check_nodes(nodes)
        return cls(types=types, values=rows, nodes=nodes, tree_indices=tree_indices)

    @property
    def root(self) -> str:
        """The root as 0x and 64 lower-case hex digits."""
        return "0x" + self.nodes[0].hex()

    def __len__(self) -> int:
        """The number of leaves."""
        return len(self.values)

    def proof(self, index: int) -> list[str]:
        """Return the proof of the value given as number `index`: siblings from the leaf up, as 0x hex.

        Raises LeafNotInTreeError.
        """
        if not 0 <= index < len(self.values):
            raise LeafNotInTreeError(wanted=f"number {index}; it has {len(self.values)}")
        path = []
        place = self.tree_indices[index]
        while place:
            path.append(self._hex_nodes[place - 1 if place % 2 == 0 else place + 1])
            place = (place - 1) // 2
        return path

    def proof_of(self, value: Sequence[object]) -> list[str]:
        """Return the proof of a value (of the last one given, when it is there more than once).

        Raises LeafNotInTreeError, LeafError.
        """
        leaf = _leaf_hashes([value], [codec(each) for each in self.types])[0]
        index = self._index_by_leaf.get(leaf)
        if index is None:
            raise LeafNotInTreeError(wanted=f"with the values {list(value)}")
        return self.proof(index)

    def proofs(self) -> list[list[str]]:
        """Return the proof of every value, in the order in which the values were given."""
        paths: list[list[str]] = [[]]
        for place in range(1, len(self.nodes)):
            sibling = self._hex_nodes[place - 1 if place % 2 == 0 else place + 1]
            paths.append([sibling, *paths[(place - 1) // 2]])
        return [paths[place] for place in self.tree_indices]

    def dump(self) -> dict[str, object]:
        """Return what OpenZeppelin's `StandardMerkleTree.load` reads, made of JSON's types only."""
        codecs = [codec(each) for each in self.types]
        return {
            "format": FORMAT,
            "leafEncoding": list(self.types),
            "tree": list(self._hex_nodes),
            "values": [
                {
                    "value": [each.to_json(item) for each, item in zip(codecs, row, strict=True)],
                    "treeIndex": place,
                }
                for row, place in zip(self.values, self.tree_indices, strict=True)
            ],
        }

    @cached_property
    def _hex_nodes(self) -> tuple[str, ...]:
        return tuple(["0x" + node.hex() for node in self.nodes])

    @cached_property
    def _index_by_leaf(self) -> dict[bytes, int]:
        return {self.nodes[place]: index for index, place in enumerate(self.tree_indices)}


def leaf_hash(types: Sequence[str], value: Sequence[object]) -> bytes:
    """Return the double hash of one leaf's values. Raises LeafError (index 0), abi.UnknownTypeError."""
    return _leaf_hashes([value], [codec(each) for each in types])[0]


def verify(root: str, types: Sequence[str], value: Sequence[object], proof: Sequence[str]) -> bool:
    """Say whether the proof (siblings from the leaf up) leads from the value to the root.

    Raises TreeFormatError when root or proof are not 32 bytes of hex, LeafError, abi.UnknownTypeError.
    """
    node = leaf_hash(types, value)
    for number, sibling in enumerate(proof):
        node = _node_hash(node, _node_of_hex(sibling, where=f"Proof node {number}"))
    return node == _node_of_hex(root, where="Root")


def _node_hash(left: bytes, right: bytes) -> bytes:
    digest: bytes = keccak_256(left + right if left < right else right + left).digest()
    return digest


def _leaf_hashes(rows: Sequence[Sequence[object]], codecs: Sequence[Codec]) -> list[bytes]:
    width = len(codecs)
    hashes = []
    for index, row in enumerate(rows):
        if isinstance(row, str | bytes) or len(row) != width:
            raise LeafError(index=index, column=None, reason=f"it is not a list of {width} values")
        try:
            encoded = encode_sequence(codecs, row)
        except AbiError as error:
            raise _with_column(error, index, row, codecs) from error
        hashes.append(keccak_256(keccak_256(encoded).digest()).digest())
    return hashes


def _with_column(error: AbiError, index: int, row: Sequence[object], codecs: Sequence[Codec]) -> LeafError:
    """Find the column again only when there is an error, to keep the loop over good leaves short."""
    for column, (each, value) in enumerate(zip(codecs, row, strict=True)):
        try:
            each.encode(value)
        except AbiError as found:
            return LeafError(index=index, column=column, reason=str(found))
    return LeafError(index=index, column=None, reason=str(error))


def _dump_parts(dump: Mapping[str, object]) -> tuple[tuple[str, ...], tuple[bytes, ...], list[object]]:
    if dump.get("format") != FORMAT:
        raise TreeFormatError(where="Key format", reason=f"it is {dump.get('format')!r}, not {FORMAT!r}")
    types, nodes, values = (dump.get(key) for key in ("leafEncoding", "tree", "values"))
    if not isinstance(types, list) or not all(isinstance(each, str) for each in types):
        raise TreeFormatError(where="Key leafEncoding", reason="it has to be a list of types")
    if not isinstance(values, list) or not values:
        raise TreeFormatError(where="Key values", reason="it has to be a list of at least one value")
    if not isinstance(nodes, list) or len(nodes) != 2 * len(values) - 1:
        raise TreeFormatError(
            where="Key tree", reason=f"{len(values)} values need a list of {2 * len(values) - 1} nodes"
        )
    hashes = tuple([_node_of_hex(node, where=f"Key tree[{place}]") for place, node in enumerate(nodes)])
    return tuple(types), hashes, values


def _dump_entries(entries: list[object]) -> tuple[tuple[tuple[object, ...], ...], tuple[int, ...]]:
    rows, places = [], []
    for index, entry in enumerate(entries):
        value = entry.get("value") if isinstance(entry, dict) else None
        place = entry.get("treeIndex") if isinstance(entry, dict) else None
        if not isinstance(value, list) or type(place) is not int:
            raise TreeFormatError(
                where=f"Key values[{index}]", reason="it needs a list `value` and a whole number `treeIndex`"
            )
        rows.append(tuple(value))
        places.append(place)
    return tuple(rows), tuple(places)


def _check_leaves(nodes: Sequence[bytes], places: Sequence[int], leaves: Sequence[bytes]) -> None:
    first_leaf = len(leaves) - 1
    taken: set[int] = set()
    for index, (place, leaf) in enumerate(zip(places, leaves, strict=True)):
        where = f"Key values[{index}]"
        if not first_leaf <= place < len(nodes):
            raise TreeFormatError(where=where, reason=f"treeIndex {place} is not a leaf of the tree")
        if place in taken:
            raise TreeFormatError(where=where, reason=f"treeIndex {place} belongs to an earlier value")
        if nodes[place] != leaf:
            raise TreeFormatError(where=where, reason=f"its hash is not the node {place} of the tree")
        taken.add(place)


def _check_nodes(nodes: Sequence[bytes]) -> None:
    for place in range(len(nodes) // 2):
        if nodes[place] != _node_hash(nodes[2 * place + 1], nodes[2 * place + 2]):
            raise TreeFormatError(where=f"Key tree[{place}]", reason="it is not the hash of the two nodes below it")


def _node_of_hex(text: object, *, where: str) -> bytes:
    if isinstance(text, str) and len(text) == 2 + 2 * NODE_BYTES and text.startswith("0x"):
        try:
            node = bytes.fromhex(text[2:])
        except ValueError:
            node = b""
        if len(node) == NODE_BYTES:  # fromhex skips blanks, so the length can still be short
            return node
    raise TreeFormatError(where=where, reason="it has to be 0x and 64 hex digits")
