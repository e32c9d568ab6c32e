"""What the documentation's site makes by itself: tables of what stands elsewhere, drawings, the list of decisions."""

import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

DECISIONS = """# Decisions

Why things are as they are, where another way would have been as natural. Each page is short, and stays when it is
superseded.

| | decision |
|---|---|
"""
SETTING = re.compile(r"^# ([A-Z][A-Z0-9_]*)=(.*?)(?:\s+# (.*))?$", re.MULTILINE)
DRAWING = re.compile(r"^!\[(.+)\]\((?:\.\./)*(assets/[a-z-]+)\.svg\)$", re.MULTILINE)
TARGET = re.compile(r"^([a-z][a-z-]*):.*?## (.*)$", re.MULTILINE)


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Put the decisions last in the navigation, in their order: a new file is there without another line."""
    pages = [f"decisions/{path.name}" for path in _decisions(config)]
    config.nav = [*(config.nav or ()), {"Decisions": ["decisions/index.md", *pages]}]
    return config


def on_files(files: Files, *, config: MkDocsConfig) -> Files:
    """Add the page that lists them."""
    rows = (f"| {path.name[:4]} | [{_title(path)}]({path.name}) |\n" for path in _decisions(config))
    files.append(File.generated(config, "decisions/index.md", content=DECISIONS + "".join(rows)))
    return files


def on_page_markdown(markdown: str, *, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Write tables where a page has their marks (settings, targets of make), and draw what it shows."""
    root = Path(config.docs_dir).parent
    for mark, source, make in (("settings", ".env.example", settings_table), ("targets", "Makefile", targets_table)):
        if f"<!-- {mark} -->" in markdown:
            markdown = markdown.replace(f"<!-- {mark} -->", make((root / source).read_text(encoding="utf-8")))
    return DRAWING.sub(lambda found: _drawing(Path(config.docs_dir) / found[2], caption=found[1]), markdown)


def settings_table(example: str) -> str:
    """Return .env.example as a table; what a production needs is marked."""
    rows = ["| setting | for example | what it is |", "|---|---|---|"]
    for name, value, text in SETTING.findall(example):
        needed = text.startswith("(production)")
        words = f"**Needed in production.** {text.removeprefix('(production)').strip()}" if needed else text
        rows.append(f"| `{name}` | {f'`{value}`' if value else ''} | {_capital(words)} |")
    return "\n".join(rows)


def targets_table(makefile: str) -> str:
    """Return the Makefile's targets that people use, with what each says of itself."""
    rows = ["| target | does |", "|---|---|"]
    rows += [f"| `make {name}` | {_capital(text)} |" for name, text in TARGET.findall(makefile)]
    return "\n".join(rows)


def _drawing(path: Path, *, caption: str) -> str:
    """Put a drawing into the page itself, whose colours it takes; on a phone the narrow one."""
    wide, narrow = (path.with_name(f"{path.name}{end}.svg").read_text(encoding="utf-8") for end in ("", "-narrow"))
    drawn = wide.replace("<svg", '<svg class="across"', 1) + narrow.replace("<svg", '<svg class="down"', 1)
    return f'<figure class="drawing">{drawn}<figcaption>{caption}</figcaption></figure>'


def _capital(text: str) -> str:
    """Begin with a capital, and keep a table's cell in one piece."""
    return (text[:1].upper() + text[1:]).replace("|", "\\|")


def _decisions(config: MkDocsConfig) -> list[Path]:
    return sorted((Path(config.docs_dir) / "decisions").glob("[0-9]*.md"))


def _title(path: Path) -> str:
    found = re.match(r"# (.+)", path.read_text(encoding="utf-8"))
    return found[1] if found else path.stem
