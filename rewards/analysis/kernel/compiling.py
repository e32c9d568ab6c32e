"""How the functions of the watched replay are compiled: as the engine's are, with a cache that knows both sources."""

from __future__ import annotations

from pathlib import Path

from rewards.engine.kernel.compiling import SOURCES, Compiled, KernelCache, inner, sources_sha256
from rewards.engine.kernel.compiling import entry as engine_entry

__all__ = ["entry", "inner"]


class _WatchCache(KernelCache):
    sources = SOURCES + sources_sha256(sorted(Path(__file__).parent.glob("*.py")))


def entry(function: Compiled) -> Compiled:
    """Compile a function that Python calls; see the engine's `entry`."""
    return engine_entry(function, cache=_WatchCache)
