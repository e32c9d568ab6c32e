"""Market files: one market of one venue as TOML, the same keys as in the database.

Source: docs/venues.md, The market file.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from onchain.errors import MarketConfigError
from onchain.venues import ADAPTERS, Adapter, make_adapter
from onchain.venues import config as read

KEYS = ("name", "adapter", "address", "tick_raw", "lot_raw", "start_block", "anchor")
FOR_PEOPLE = ("tick_size", "lot_size", "base_symbol")


@dataclass(frozen=True, slots=True)
class MarketFile:
    """A market's settings. `config`: tick_raw, lot_raw, the adapter's own table and the feed's, if there is one.

    shown: what people read, texts under the keys FOR_PEOPLE, as far as the file has them.
    """

    name: str
    adapter: str
    address: str
    start_block: int
    config: Mapping[str, Any]
    shown: Mapping[str, str]

    def make(self, **changes: Mapping[str, Any]) -> Adapter:
        """Return a fresh adapter; `changes` replace tables of the configuration. Raises MarketConfigError."""
        return make_adapter(name=self.adapter, config={**self.config, **changes, "address": self.address})


def read_market(path: Path, *, adapter: str | None = None) -> MarketFile:
    """Read a market file; a file of declared events that it names is read in beside it.

    `adapter`: the one that is asked for; the file may leave it out, but not name another. Raises MarketConfigError.
    """
    values = read_toml(path)
    for key in values:
        if key not in (*KEYS, *FOR_PEOPLE, *ADAPTERS):
            raise MarketConfigError(key=key, rule=f"no such key is known; there are {', '.join(KEYS)}")
    name = str(values.get("adapter", adapter))
    if name not in ADAPTERS:
        raise MarketConfigError(key="adapter", rule=f"there is no adapter {name}; there are {', '.join(ADAPTERS)}")
    if adapter is not None and name != adapter:
        raise MarketConfigError(key="adapter", rule=f"the file is for {name}, and {adapter} is asked for")
    if not isinstance(values.get("name"), str) or not values["name"]:
        raise MarketConfigError(key="name", rule="the market's name is missing")
    config = {key: values[key] for key in ("tick_raw", "lot_raw", "anchor", name) if key in values}
    if isinstance(table := config.get("declared"), dict) and isinstance(table.get("events"), str):
        beside = path.parent / table["events"]
        if beside.is_file():
            config["declared"] = {**table, "events": read_toml(beside)}
    return MarketFile(
        name=values["name"], adapter=name, address=read.address(values, "address"),
        start_block=read.number(values, "start_block"), config=config,
        shown={key: str(values[key]) for key in FOR_PEOPLE if key in values},
    )  # fmt: skip


def read_toml(path: Path) -> dict[str, Any]:
    """Read a TOML file. Raises MarketConfigError, which names the file."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise MarketConfigError(key=str(path), rule=f"the file can't be read ({error.strerror})") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise MarketConfigError(key=str(path), rule=f"the file is no TOML ({error})") from error
