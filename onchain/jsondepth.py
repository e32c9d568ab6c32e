"""How deep JSON is nested, before anything parses it: too deep a text ends the interpreter, not just the parse."""

import re

import numpy as np

MAX_DEPTH = 64
STRING = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)
OPENING, CLOSING = np.frombuffer(b"[{", np.uint8), np.frombuffer(b"]}", np.uint8)


def is_too_deep(body: bytes) -> bool:
    """Tell whether lists and objects are nested more than MAX_DEPTH deep.

    The parser's own guard depends on an interpreter setting that other libraries raise.
    """
    bare = np.frombuffer(STRING.sub(b"", body), np.uint8)
    depth = np.cumsum(np.isin(bare, OPENING).astype(np.int32) - np.isin(bare, CLOSING).astype(np.int32))
    return bool(len(bare) and depth.max() > MAX_DEPTH)
