"""The field that holds an account on the chain."""

import re
from typing import Any

from django.core.validators import RegexValidator
from django.db import models

address_pattern = re.compile(r"^0x[0-9a-f]{40}$")
address_validator = RegexValidator(address_pattern.pattern, "An address is 0x and 40 lower-case hex digits.")


class AddressField(models.CharField):  # type: ignore[type-arg]
    """An account on the chain, stored as lower-case hex so that equal addresses are equal text."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("max_length", 42)
        super().__init__(*args, **kwargs)
        self.validators.append(address_validator)

    def get_prep_value(self, value: object) -> object:
        """Lower the case on the way into the database; None stays None."""
        prepared = super().get_prep_value(value)
        return prepared.lower() if isinstance(prepared, str) else prepared
