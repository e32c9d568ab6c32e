"""`python -m tests.bench [NAME ...]`: every benchmark, or those named, one table after the other."""

import importlib
import pkgutil
import sys

import tests.bench

PREFIX = "bench_"


def main() -> int:
    names = [each.name for each in pkgutil.iter_modules(tests.bench.__path__) if each.name.startswith(PREFIX)]
    wanted = [f"{PREFIX}{name}" for name in sys.argv[1:]] or names
    unknown = sorted(set(wanted) - set(names))
    if unknown:
        known = ", ".join(name.removeprefix(PREFIX) for name in names)
        sys.exit(f"There is no benchmark {unknown[0].removeprefix(PREFIX)}; there are: {known}.")
    sys.argv[1:] = []
    return sum(importlib.import_module(f"tests.bench.{name}").main() for name in wanted)


if __name__ == "__main__":
    sys.exit(1 if main() else 0)
