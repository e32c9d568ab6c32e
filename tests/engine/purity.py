"""Finds what a file of the engine may not do: floating point and clocks nowhere, I/O only where bundles are read."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

# The doors: the command line, the bundle's reader and checker, and the cache of machine code, which hashes the
# kernel's own sources. All others take and give values.
IO_FILES = re.compile(r"__main__|\w+_cli|bundle|files|verify|compiling")
NEVER_IMPORTED = {
    "time", "datetime", "calendar", "zoneinfo", "locale", "random", "secrets", "uuid", "tempfile", "math", "cmath",
    "statistics", "decimal", "fractions", "socket", "ssl", "http", "urllib", "requests", "httpx", "asyncio",
    "subprocess", "logging", "pickle", "pandas", "scipy", "numpy.random", "ctypes",
}  # fmt: skip
IO_IMPORTS = {"os", "sys", "pathlib", "shutil", "glob", "stat", "argparse", "pyarrow.parquet", "pyarrow.fs", "mmap"}
NEVER_CALLED = {"float", "complex", "round", "input", "eval", "exec", "compile", "__import__", "hash", "id"}
IO_CALLS = {"open", "print"}
# Attributes that make or take floats, in numpy, numba and llvmlite.
FLOAT_NAMES = re.compile(
    r"float\d*|longdouble|complex\d*|cfloat|floating|inexact|DoubleType|FloatType|HalfType"
    r"|fadd|fsub|fmul|fdiv|frem|fneg|fcmp_\w+|sitofp|uitofp|fptosi|fptoui|fpext|fptrunc"
    r"|true_divide|nanmean|percentile|quantile|linspace|logspace|geomspace|as_integer_ratio|mean|std|var"
)
# Names that something else may have as well: looked for after the names of the libraries only.
LIBRARIES = {"np", "numpy", "nb", "numba", "types", "ir", "math"}
FLOAT_NAMES_OF_LIBRARIES = re.compile(
    r"double|half|single|divide|average|median|sqrt|exp|log|log2|log10|power|reciprocal|interp|nan|inf|pi|e"
)
CLOCK_NAMES = {"now", "today", "utcnow", "timestamp", "perf_counter", "monotonic", "time_ns", "datetime64"}
CHANCE_NAMES = {"environ", "getenv", "urandom", "random", "default_rng", "getrandbits", "shuffle"}
IO_NAMES = {
    "read_bytes", "read_text", "write_bytes", "write_text", "mkdir", "unlink", "iterdir", "exists", "rmdir",
    "symlink_to", "rename", "stat", "lexists", "ParquetFile", "ParquetWriter", "fromfile", "tofile", "memmap",
    "save", "savez", "loadtxt", "savetxt",
}  # fmt: skip
FLOAT_TEXT = re.compile(r"(float|complex)\d*|[<>=|]?[fc][248]|[fdg]|(double|half|single)")
FLOAT_BY_DEFAULT = {"zeros", "ones", "empty", "identity", "eye"}
PATHS = {"folder", "directory", "path", "_HERE"}


def violations(source: str, *, name: str) -> list[str]:
    """What a file of that name (without suffix) does that it may not, each as `line N: what`."""
    tree = ast.parse(source)
    may_io = IO_FILES.fullmatch(name) is not None
    found = [(node.lineno, what) for node in ast.walk(tree) for what in _of_node(node, may_io)]
    return [f"line {line}: {what}" for line, what in sorted(found)]


def violations_of_folder(folder: Path) -> list[str]:
    """The violations of all files, each with the file's name."""
    return [
        f"{path.name}, {each}"
        for path in sorted(folder.glob("**/*.py"))
        for each in violations(path.read_text("utf-8"), name=path.stem)
    ]


def _of_node(node: ast.AST, may_io: bool) -> Iterator[str]:
    match node:
        case ast.Constant(value=float() | complex()):
            yield f"the float {node.value}"
        case ast.BinOp(op=ast.Div(), left=left):
            if not (may_io and _is_path(left)):
                yield "a true division"
        case ast.AugAssign(op=ast.Div()):
            yield "a true division"
        case ast.BinOp(op=ast.Pow(), right=ast.UnaryOp(op=ast.USub())):
            yield "a negative power"
        case ast.Import(names=names):
            for each in names:
                yield from _of_import(each.name, may_io)
        case ast.ImportFrom(module=str(module), names=names):
            for each in names:
                yield from _of_import(f"{module}.{each.name}", may_io)
        case ast.Call():
            yield from _of_call(node, may_io)
        case ast.Attribute(attr=attr, value=value):
            yield from _of_attribute(attr, may_io)
            of_library = isinstance(value, ast.Name) and value.id in LIBRARIES
            if of_library and FLOAT_NAMES_OF_LIBRARIES.fullmatch(attr):
                yield f"uses {value.id}.{attr}, which makes floats"


def _of_import(module: str, may_io: bool) -> Iterator[str]:
    steps = module.split(".")
    chain = {".".join(steps[: length + 1]) for length in range(len(steps))}
    if chain & NEVER_IMPORTED:
        yield f"imports {module}"
    if chain & IO_IMPORTS and not may_io:
        yield f"imports {module}, which reads or writes"
    of_library = steps[0] in LIBRARIES and FLOAT_NAMES_OF_LIBRARIES.fullmatch(steps[-1])
    if of_library or FLOAT_NAMES.fullmatch(steps[-1]):
        yield f"imports {module}"


def _of_call(node: ast.Call, may_io: bool) -> Iterator[str]:
    called = node.func
    if isinstance(called, ast.Name):
        if called.id in NEVER_CALLED:
            yield f"calls {called.id}()"
        if called.id in IO_CALLS and not may_io:
            yield f"calls {called.id}(), which reads or writes"
    texts = [*node.args, *[each.value for each in node.keywords if each.arg == "dtype"]]
    if isinstance(called, ast.Attribute):
        keywords = {each.arg for each in node.keywords}
        of_numpy = isinstance(called.value, ast.Name) and called.value.id in ("np", "numpy")
        if of_numpy and called.attr in FLOAT_BY_DEFAULT and "dtype" not in keywords and len(node.args) < 2:
            yield f"calls {called.attr}() without a type, which makes floats"
        if called.attr in ("astype", "dtype", "view") or "dtype" in keywords:
            for each in texts:
                if isinstance(each, ast.Constant) and FLOAT_TEXT.fullmatch(str(each.value)):
                    yield f"the type {each.value}"
                if isinstance(each, ast.Name) and each.id in ("float", "complex"):
                    yield f"the type {each.id}"


def _of_attribute(attr: str, may_io: bool) -> Iterator[str]:
    if FLOAT_NAMES.fullmatch(attr):
        yield f"uses .{attr}, which makes floats"
    if attr in CLOCK_NAMES:
        yield f"uses .{attr}, which asks the clock"
    if attr in CHANCE_NAMES:
        yield f"uses .{attr}, which differs from run to run"
    if attr in IO_NAMES and not may_io:
        yield f"uses .{attr}, which reads or writes"


def _is_path(node: ast.expr) -> bool:
    """Whether this is a path by its name, to which a file's name is added."""
    match node:
        case ast.Name(id=name) | ast.Attribute(value=ast.Name(id=name), attr="parent"):
            return name in PATHS
        case ast.Call(func=ast.Name(id="Path")):
            return True
        case _:
            return False
