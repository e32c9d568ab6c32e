"""`python -m tests.bench`: every benchmark, one table after the other."""

import sys

from tests.bench import bench_merkle

if __name__ == "__main__":
    sys.exit(bench_merkle.main())
