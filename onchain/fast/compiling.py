"""How these functions are compiled: without Python's lock, kept on disk until any of their sources changes."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from numba import njit
from numba.core.caching import FunctionCache

_HERE = Path(__file__).parent


def _sources_sha256() -> str:
    return hashlib.sha256(b"\0".join(each.read_bytes() for each in sorted(_HERE.glob("*.py")))).hexdigest()


_SOURCES = _sources_sha256()


class _Cache(FunctionCache):  # type: ignore[misc,unused-ignore]
    """Numba's cache, whose key knows only the file of the function itself; ours knows all that it calls too."""

    def _index_key(self, sig: Any, codegen: Any) -> Any:
        return (*super()._index_key(sig, codegen), _SOURCES)


def is_on_disk(function: Any) -> bool:
    """Tell whether a function was compiled from these very sources before, so that it is ready in a moment."""
    return any(_SOURCES in key for key in function._cache._cache_file._load_index())


def jit(function: Callable[..., Any]) -> Any:
    """Compile a function; other threads run while it works."""
    dispatcher = njit(nogil=True, error_model="numpy")(function)
    dispatcher._cache = _Cache(function)
    return dispatcher
