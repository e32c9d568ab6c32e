"""The built documentation, once for all tests that look at it."""

import subprocess
import sys

import pytest

from tests.documents import DOCS


@pytest.fixture(scope="session")
def built(tmp_path_factory):
    """The folder of the site, built as `make docs` does it; a page that is amiss fails here, with MkDocs' own words."""
    folder = tmp_path_factory.mktemp("docs") / "site"
    for command in (
        ["mkdocs", "build", "--quiet", "--strict", "--site-dir", str(folder)],
        ["whitenoise.compress", "--quiet", str(folder)],
    ):
        done = subprocess.run(
            [sys.executable, "-m", *command], cwd=DOCS.parent, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"The documentation can't be built: {done.stderr or done.stdout}"
    return folder


@pytest.fixture
def site(built, settings):
    """The same, served under /docs/."""
    settings.DOCS_SITE = built
    return built
