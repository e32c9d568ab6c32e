"""The Django app of onchain."""

import importlib
import sys

from django.apps import AppConfig

MOST_DEEP = 2_000
"""Python's own limit is 1,000; what parses JSON stays far within the stack at this."""


class OnchainConfig(AppConfig):
    """Blocks, logs, market events and transactions."""

    name = "onchain"
    verbose_name = "Facts from the chain"

    def ready(self) -> None:
        """Put back the interpreter's guard against too deep a nest.

        py_ecc, which comes with web3, raises it to 100,000 when it is imported: then JSON of a few hundred kilobytes of
        brackets, which anybody may send to a form, ends the process instead of the parse. Nothing here uses what needs
        the depth. Imported first, so that it can't raise the limit later.
        """
        importlib.import_module("py_ecc")
        sys.setrecursionlimit(MOST_DEEP)
