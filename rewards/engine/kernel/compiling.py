"""How the kernel's functions are compiled: to one piece of machine code, without reference counts, kept on disk.

Each function gets the whole run as one group of arrays. Without inlining, every call would copy that group and
count references to all of its arrays, which takes a hundred times as long as the work itself; without allocation
there is nothing to count.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from numba import njit
from numba.core.caching import FunctionCache

Compiled = TypeVar("Compiled", bound=Callable[..., Any])

_HERE = Path(__file__).parent


def _sources_sha256() -> str:
    """Hash every source that ends up in the machine code: the kernel's, and the constants that it takes from others."""
    files = [*sorted(_HERE.glob("*.py")), _HERE.parent / "rules.py", _HERE.parent / "events.py"]
    return hashlib.sha256(b"\0".join(each.read_bytes() for each in files)).hexdigest()


class _KernelCache(FunctionCache):  # type: ignore[misc,unused-ignore]
    """Numba's cache, whose key knows only the file of the function itself; ours knows all that it calls too.

    Without that, a new release of one module would go on with the machine code of the old one.
    """

    def _index_key(self, sig: Any, codegen: Any) -> Any:
        return (*super()._index_key(sig, codegen), _SOURCES)


_SOURCES = _sources_sha256()


def inner(function: Compiled) -> Compiled:
    """Compile a function that only others of the kernel call. It must not make arrays."""
    compiled: Compiled = njit(nogil=True, _nrt=False, forceinline=True, error_model="numpy")(function)
    return compiled


def entry(function: Compiled) -> Compiled:
    """Compile a function that Python calls. It must not make arrays; its arguments outlive it."""
    dispatcher = njit(nogil=True, _nrt=False, error_model="numpy")(function)
    dispatcher._cache = _KernelCache(function)
    compiled: Compiled = dispatcher
    return compiled
