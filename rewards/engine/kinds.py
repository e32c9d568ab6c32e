"""The six kinds of session, in the order in which every table of the engine holds them."""

from __future__ import annotations

KINDS = ("regular", "pre", "post", "overnight", "weekend", "holiday")
KIND_INDEX = {kind: index for index, kind in enumerate(KINDS)}
