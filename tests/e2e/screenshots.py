"""Takes a picture of every page, on a phone and a desk, by day and by night: `make screenshots`.

    python tests/e2e/screenshots.py [--stress | --empty] [--only NAME] [--width 390] [--scheme dark] [--out FOLDER]

Nothing has to run beforehand: the pages are those of the tests' tour, on rows like theirs, each as a role that may see
it. `--stress` has 40 makers with long names, 200 markets, large amounts and long lists. What a page writes to the
browser's console, and a page that is wider than its screen, is printed and ends in status 1.
"""

import argparse
import io
import sys
import tempfile
from functools import partial
from pathlib import Path

from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.pages import site  # noqa: E402 - run as a file, this knows its neighbours only now

KEPT, OTHER_ROWS = ROOT / "docs" / "screenshots", ROOT / ".lamplight" / "screenshots"
SIZES = {390: 844, 1440: 900}
SCHEMES = ("light", "dark")
HIGHEST_PX = 12_000
COLOURS = 64
"""Few enough that all pictures together stay small, enough for smooth letters: docs/pages.md."""
FOR_README = {
    "home-1440-light": "body", "scorecard-1440-dark": "#quoting", "epoch-in-review-1440-light": "body",
    "collect-account-with-money-390-light": "body", "collect-account-with-money-390-dark": "body",
    "where-next-with-an-answer-1440-dark": "body",
}  # fmt: skip
"""Pictures of which one screen is kept, too, as `readme-…`: from where on."""
SEEN_ELSEWHERE = {"programme", "maker", "treasury-epoch", "documentation that is not built"}
"""Pages that show what another one does: home, the scorecard of the live epoch, the epoch in review, the documents."""
DOCUMENTS = {"start": "", "makers": "makers/how-am-i-scored/", "runbook": "operators/runbook/"}
"""Pages of the documentation that stand for the rest of it: a start, one with figures, one with long lists."""
IS_COMPLETE = """() => [...document.querySelectorAll("[data-chart]")].every((box) => box.childNodes.length)
  && !document.querySelector(".htmx-request")
  && (!document.querySelector("#routes") || document.querySelector("#routes .opblock"))"""


def main(argv: list[str] | None = None) -> int:
    """Take all pictures; 1 when a page complained."""
    args = arguments(argv)
    args.out = args.out or (OTHER_ROWS if args.stress or args.empty else KEPT)
    args.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        site.start(Path(folder))
        with site.served() as base_url:
            complaints = take_all(stage(args), base_url, args)
    print(*sorted(set(complaints)), sep="\n", file=sys.stderr)
    return 1 if complaints else 0


def arguments(argv: list[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, help="else docs/screenshots, and .lamplight/screenshots for other rows")
    parser.add_argument("--width", type=int, action="append", choices=sorted(SIZES))
    parser.add_argument("--scheme", action="append", choices=SCHEMES)
    parser.add_argument("--only", action="append", help="pages whose name contains this; may be given more than once")
    rows = parser.add_mutually_exclusive_group()
    rows.add_argument("--stress", action="store_true", help="long names, large amounts, 40 makers, 200 markets")
    rows.add_argument("--empty", action="store_true", help="the first day: nothing is there but people")
    return parser.parse_args(argv)


def stage(args: argparse.Namespace) -> list:
    """Make the rows and return the tour over them."""
    from django.test import Client
    from django.urls import reverse

    from tests.pages.grown import STRESS, grow
    from tests.pages.tour import Stop, make_stage, stops, stops_without_rows

    if args.empty:
        return stops_without_rows()
    made = make_stage(**(STRESS if args.stress else {}))
    tour = stops(made)
    tour.append(Stop("api-docs", "nobody", Client(), reverse("api-docs")))
    tour += [Stop(f"docs {name}", "nobody", Client(), f"/docs/{path}") for name, path in DOCUMENTS.items()]
    if args.stress:
        grow(made, profiles=STRESS["profiles"], number=6)
    return tour


def take_all(tour: list, base_url: str, args: argparse.Namespace) -> list[str]:
    """Open each page once for each look, and return what was wrong."""
    from tests.pages.browse import chromium

    complaints: list[str] = []
    with chromium() as browser:
        for stop in tour:
            if stop.name in SEEN_ELSEWHERE or (args.only and not any(part in stop.name for part in args.only)):
                continue
            context = browser.new_context(base_url=base_url)
            context.add_cookies(stop.cookies(base_url))
            page = context.new_page()
            page.on("console", partial(note, stop, complaints))
            for width in args.width or SIZES:
                page.set_viewport_size({"width": width, "height": SIZES[width]})
                for scheme in args.scheme or SCHEMES:
                    page.emulate_media(color_scheme=scheme)
                    page.goto(stop.path, wait_until="load")
                    take(page, args.out, f"{file_name(stop.name)}-{width}-{scheme}")
                    over = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
                    complaints += [f"{stop.name} at {width}: {over} px wider than the screen"] * (over > 0)
            context.close()
    return complaints


def take(page: object, folder: Path, name: str) -> None:
    """Take the whole page, or the top of one that is endless."""
    size = page.viewport_size
    # In a window as high as the page what sticks to the foot is at the foot, and charts that wait to be seen are drawn;
    # then it may be higher.
    for _ in range(2):
        height = min(page.evaluate("document.documentElement.scrollHeight"), HIGHEST_PX)
        page.set_viewport_size(size | {"height": max(height, size["height"])})
        page.wait_for_function(IS_COMPLETE)
    picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    keep(picture, folder / f"{name}.webp")
    if name in FOR_README:
        top = int(page.locator(FOR_README[name]).bounding_box()["y"])
        keep(picture.crop((0, top, size["width"], top + size["height"])), folder / f"readme-{name}.webp")
    page.set_viewport_size(size)


def keep(picture: Image.Image, path: Path) -> None:
    """Write a picture in few colours and without loss."""
    few = picture.quantize(COLOURS, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
    few.convert("RGB").save(path, lossless=True, quality=90, method=6)


def file_name(name: str) -> str:
    """Return a page's name as a file's."""
    return name.replace("accounts:", "").replace("account_", "").replace("_", "-").replace(" ", "-")


def note(stop: object, complaints: list[str], message: object) -> None:
    """Note what the browser says, but for the pages that are meant to fail."""
    if message.type in ("error", "warning") and stop.status < 400:
        complaints.append(f"{stop.name}: {message.text}")


if __name__ == "__main__":
    sys.exit(main())
