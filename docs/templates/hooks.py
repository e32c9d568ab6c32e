"""What the documentation's site makes by itself: the list of decisions, from their files."""

import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

INTRODUCTION = """# Decisions

Why things are as they are, where another way would have been as natural. Each page is short, and stays when it is
superseded.

| | decision |
|---|---|
"""


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Put the decisions last in the navigation, in their order: a new file is there without another line."""
    pages = [f"decisions/{path.name}" for path in _decisions(config)]
    assert config.nav is not None
    config.nav.append({"Decisions": ["decisions/index.md", *pages]})
    return config


def on_files(files: Files, *, config: MkDocsConfig) -> Files:
    """Add the page that lists them."""
    rows = (f"| {path.name[:4]} | [{_title(path)}]({path.name}) |\n" for path in _decisions(config))
    files.append(File.generated(config, "decisions/index.md", content=INTRODUCTION + "".join(rows)))
    return files


def _decisions(config: MkDocsConfig) -> list[Path]:
    return sorted((Path(config.docs_dir) / "decisions").glob("[0-9]*.md"))


def _title(path: Path) -> str:
    found = re.match(r"# (.+)", path.read_text(encoding="utf-8"))
    return found[1] if found else path.stem
