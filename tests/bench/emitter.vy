# pragma version 0.4.3
"""
@title Emitter
@notice Emits the logs that it is given, byte for byte: recorded runs of other contracts for tests and benchmarks.
"""

struct Entry:
    topic: bytes32
    data: Bytes[1024]


@external
def emit_all(entries: DynArray[Entry, 512]):
    """
    @notice Emit one log an entry, each with its one topic.
    """
    for entry: Entry in entries:
        raw_log([entry.topic], entry.data)
