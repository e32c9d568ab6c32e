"""The contracts of this project as committed artefacts: what production deploys and calls, without a compiler."""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

ARTEFACTS = Path(__file__).with_name("artefacts")
NAMES = ("demo_exchange", "reward_token", "rewards_distributor", "share_vault")


class UnknownArtefact(LookupError):  # noqa: N818 - the errors of this project are named by what happened
    """No contract of that name is part of this project; asking again cannot help."""

    retryable = False

    def __init__(self, *, name: str) -> None:
        self.name = name
        super().__init__(f"There is no contract named {name!r} here; the names are {', '.join(NAMES)}.")


@dataclass(frozen=True, slots=True)
class Artefact:
    """One compiled contract: `abi` is its JSON list, `bytecode` 0x deployment code without constructor arguments."""

    name: str
    abi: list[dict[str, Any]]
    bytecode: str
    source_sha256: str
    compiler: str


@cache
def artefact(name: str) -> Artefact:
    """Return the committed artefact called `name` (one of `NAMES`), or raise `UnknownArtefact`."""
    if name not in NAMES:
        raise UnknownArtefact(name=name)
    return Artefact(**json.loads((ARTEFACTS / f"{name}.json").read_text("utf-8")))
