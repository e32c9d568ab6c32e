"""Column types for facts from the chain: exact integers as wide as the EVM's words."""

from typing import TYPE_CHECKING, Any

from django.db import models

# The stubs' fields take type arguments, Django's own classes don't.
if TYPE_CHECKING:
    _Decimal = models.DecimalField[Any, Any]
    _Binary = models.BinaryField[Any, Any]
else:
    _Decimal, _Binary = models.DecimalField, models.BinaryField


class ExactIntegerField(_Decimal):
    """An integer of up to 78 digits (any uint256) kept exactly: an amount in a token's smallest unit, a score."""

    # What type checkers are told of values in and out of the column.
    _pyi_private_set_type: int
    _pyi_private_get_type: int  # type: ignore[assignment]
    _pyi_lookup_exact_type: int

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["max_digits"] = 78
        kwargs["decimal_places"] = 0
        super().__init__(*args, **kwargs)

    def deconstruct(self) -> Any:
        """Leave the fixed digits out of migrations."""
        name, path, args, kwargs = super().deconstruct()
        kwargs.pop("max_digits", None)
        kwargs.pop("decimal_places", None)
        return name, path, args, kwargs

    def from_db_value(self, value: Any, _expression: Any, _connection: Any) -> int | None:
        """Hand out Python's int: Decimal arithmetic would round at its context's precision."""
        return None if value is None else int(value)

    def to_python(self, value: Any) -> Any:
        """Accept ints and decimal strings, as forms and fixtures give them."""
        return value if value is None or isinstance(value, int) else int(super().to_python(value))


class HexField(_Binary):
    """Bytes in the database, lower-case 0x hex in Python: hashes and log data at half the size of text."""

    _pyi_private_set_type: str | bytes
    _pyi_private_get_type: str  # type: ignore[assignment]

    def get_prep_value(self, value: Any) -> Any:
        """Accept 0x hex or bytes."""
        if isinstance(value, str):
            value = bytes.fromhex(value.removeprefix("0x"))
        return super().get_prep_value(value)

    def from_db_value(self, value: Any, _expression: Any, _connection: Any) -> str | None:
        """Hand out 0x hex."""
        return None if value is None else "0x" + bytes(value).hex()

    def to_python(self, value: Any) -> Any:
        """Leave hex text alone; BinaryField would take it for base64."""
        return value
