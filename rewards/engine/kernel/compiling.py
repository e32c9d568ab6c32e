"""How the kernel's functions are compiled: to one piece of machine code, without reference counts, kept on disk.

Each function gets the whole run as one group of arrays. Without inlining, every call would copy that group and
count references to all of its arrays, which takes a hundred times as long as the work itself; without allocation
there is nothing to count.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

from numba import njit
from numba.core.caching import FunctionCache

Compiled = TypeVar("Compiled", bound=Callable[..., Any])

_HERE = Path(__file__).parent


def sources_sha256(files: Iterable[Path]) -> str:
    """Hash sources that end up in machine code."""
    return hashlib.sha256(b"\0".join(each.read_bytes() for each in files)).hexdigest()


# The kernel's own, and the constants that it takes from others.
SOURCES = sources_sha256([*sorted(_HERE.glob("*.py")), _HERE.parent / "rules.py", _HERE.parent / "events.py"])


class KernelCache(FunctionCache):  # type: ignore[misc,unused-ignore]
    """Numba's cache, whose key knows only the file of the function itself; ours knows all that it calls too.

    Without that, a new release of one module would go on with the machine code of the old one.
    """

    sources = SOURCES

    def _index_key(self, sig: Any, codegen: Any) -> Any:
        return (*super()._index_key(sig, codegen), self.sources)


def inner(function: Compiled) -> Compiled:
    """Compile a function that only others of the kernel call. It must not make arrays."""
    compiled: Compiled = njit(nogil=True, _nrt=False, forceinline=True, error_model="numpy")(function)
    return compiled


def entry(function: Compiled, *, cache: type[KernelCache] = KernelCache) -> Compiled:
    """Compile a function that Python calls. It must not make arrays; its arguments outlive it."""
    dispatcher = njit(nogil=True, _nrt=False, error_model="numpy")(function)
    dispatcher._cache = cache(function)
    compiled: Compiled = dispatcher
    return compiled
