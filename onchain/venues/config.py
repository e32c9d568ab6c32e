"""Reading of a market's configuration: each problem is an error that names the key."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from onchain.errors import MarketConfigError

ADDRESS_LENGTH = 42


def table(config: Mapping[str, Any], key: str, *, allowed: Collection[str]) -> Mapping[str, Any]:
    """Return a table of the configuration. Raises MarketConfigError when it is missing or has a key of no use."""
    found = config.get(key)
    if not isinstance(found, Mapping):
        raise MarketConfigError(key=key, rule="the table is missing")
    for name in found:
        if name not in allowed:
            raise MarketConfigError(key=f"{key}.{name}", rule=f"no such key is known; there are {', '.join(allowed)}")
    return found


def positive(values: Mapping[str, Any], key: str, *, path: str = "") -> int:
    """Return a whole number above 0, given as a decimal string or an integer. Raises MarketConfigError."""
    value = number(values, key, path=path)
    if value < 1:
        raise MarketConfigError(key=path + key, rule="it must be above 0")
    return value


def number(values: Mapping[str, Any], key: str, *, path: str = "") -> int:
    """Return a whole number of 0 or more, given as a decimal string or an integer. Raises MarketConfigError."""
    if key not in values:
        raise MarketConfigError(key=path + key, rule="it is missing")
    value = values[key]
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    if isinstance(value, str) and value.isascii() and value.isdigit():
        return int(value)
    raise MarketConfigError(key=path + key, rule=f"{value!r} is no whole number; write it in digits")


def address(values: Mapping[str, Any], key: str, *, path: str = "") -> str:
    """Return an address of lower-case hex. Raises MarketConfigError."""
    value = values.get(key)
    if not isinstance(value, str) or len(value) != ADDRESS_LENGTH or not value.startswith("0x"):
        raise MarketConfigError(key=path + key, rule=f"{value!r} is no address of 0x and 40 hexadecimal digits")
    if any(digit not in "0123456789abcdef" for digit in value[2:]):
        raise MarketConfigError(key=path + key, rule=f"{value!r} is no address in lower-case hexadecimal")
    return value
