"""`python -m tests.bench`: every benchmark, one table after the other."""

import sys

from tests.bench import bench_decode, bench_merkle

if __name__ == "__main__":
    sys.exit(max(bench.main() for bench in (bench_merkle, bench_decode)))
