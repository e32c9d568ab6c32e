"""Takes a picture of every page of a running server, on a phone and a desk, by day and by night.

    python tests/e2e/screenshots.py http://127.0.0.1:8000 --treasurer NAME:PASSWORD --account 0x…

Pages are found by following the site's own links. Pictures go to docs/screenshots/NAME-WIDTH-SCHEME.png; what a
page's content security policy refuses, and whatever lands in the browser's console, is printed and ends in status 1.
"""

import argparse
import sys
from pathlib import Path

from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

CHROMIUM = "/usr/bin/chromium"
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
SIZES = {390: 844, 1440: 900}
SCHEMES = ("light", "dark")


def main(argv: list[str] | None = None) -> int:
    """Take all pictures; 1 when a page wrote to the console."""
    args = _arguments(argv)
    args.out.mkdir(parents=True, exist_ok=True)
    complaints: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        for width in args.width or SIZES:
            for scheme in args.scheme or SCHEMES:
                _take_all(browser, args=args, width=width, scheme=scheme, complaints=complaints)
        browser.close()
    for complaint in sorted(set(complaints)):
        print(complaint, file=sys.stderr)
    return 1 if complaints else 0


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Take a picture of every page of a running server.")
    parser.add_argument("base_url", help="for example http://127.0.0.1:8000")
    parser.add_argument("--treasurer", required=True, metavar="NAME:PASSWORD", help="sees the treasury and all makers")
    parser.add_argument("--account", required=True, action="append", help="0x address; may be given more than once")
    parser.add_argument("--out", type=Path, default=Path(__file__).resolve().parents[2] / "docs" / "screenshots")
    parser.add_argument("--width", type=int, action="append", choices=sorted(SIZES))
    parser.add_argument("--scheme", action="append", choices=SCHEMES)
    parser.add_argument("--only", default="", help="take pages whose name contains this")
    return parser.parse_args(argv)


def _take_all(browser: Browser, *, args: argparse.Namespace, width: int, scheme: str, complaints: list[str]) -> None:
    context = browser.new_context(viewport={"width": width, "height": SIZES[width]}, color_scheme=scheme)
    page = context.new_page()
    place = f"{width} {scheme}"
    page.on("console", lambda message: _note(message, page, place, complaints))
    base = args.base_url.rstrip("/")
    for name, path in _public_paths(page, base, args.account):
        _shoot(page, base + path, name, args=args, width=width, scheme=scheme, complaints=complaints)
    _sign_in(page, base, args.treasurer)
    for name, path in _private_paths(page, base):
        _shoot(page, base + path, name, args=args, width=width, scheme=scheme, complaints=complaints)
    context.close()


def _public_paths(page: Page, base: str, accounts: list[str]) -> list[tuple[str, str]]:
    page.goto(base + "/")
    paths = [("programme", "/"), ("collect", "/collect/"), ("status", "/status/"), ("sign-in", "/sign-in/")]
    epochs = _links(page, "/epochs/")
    paths += [(f"epoch-{path.rstrip('/').rsplit('/', 1)[1]}", path) for path in epochs if path.endswith("/")]
    paths += [(f"collect-{number}", f"/collect/{account}/") for number, account in enumerate(accounts, 1)]
    return [*paths, ("not-found", "/nowhere/")]


def _private_paths(page: Page, base: str) -> list[tuple[str, str]]:
    page.goto(base + "/treasury/")
    paths = [("treasury", "/treasury/"), ("audit", "/treasury/audit/"), ("makers", "/makers/")]
    paths += [(f"treasury-epoch-{number}", path) for number, path in enumerate(_links(page, "/treasury/epochs/"), 1)]
    page.goto(base + "/treasury/programmes/")
    for path in _links(page, "/treasury/programmes/")[-1:]:
        paths += [("treasury-programmes", "/treasury/programmes/"), ("treasury-programme", path)]
        paths += [("terms-new", path + "terms/new/"), ("terms-import", path + "terms/import/")]
        page.goto(base + path)
        versions = [link for link in _links(page, path + "terms/") if link.rstrip("/").rsplit("/", 1)[1].isdecimal()]
        paths += [(f"terms-{link.rstrip('/').rsplit('/', 1)[1]}", link) for link in versions]
    page.goto(base + "/makers/")
    makers = [path for path in _links(page, "/makers/") if path != "/makers/"]
    paths += [("where-next", f"{path}next/") for path in makers[:1]]
    return paths + [(f"scorecard-{path.split('/')[2]}", path) for path in makers]


def _links(page: Page, part: str) -> list[str]:
    found = page.locator("main a[href]").evaluate_all("links => links.map(link => link.getAttribute('href'))")
    return list(dict.fromkeys(path for path in found if path.startswith("/") and part in path))


def _sign_in(page: Page, base: str, who: str) -> None:
    name, _, password = who.partition(":")
    page.goto(base + "/sign-in/")
    page.get_by_label("Username").fill(name)
    page.get_by_label("Password", exact=True).fill(password)
    page.locator("main").get_by_role("button", name="Sign in").click()
    page.wait_for_url(lambda url: "/sign-in/" not in url)


def _shoot(
    page: Page, url: str, name: str, *, args: argparse.Namespace, width: int, scheme: str, complaints: list[str]
) -> None:
    if args.only not in name:
        return
    page.goto(url)
    page.screenshot(path=args.out / f"{name}-{width}-{scheme}.png", full_page=True)
    overflow = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    if overflow > 0:
        complaints.append(f"{name} at {width}: the page is {overflow} px wider than the screen")


def _note(message: ConsoleMessage, page: Page, place: str, complaints: list[str]) -> None:
    # A page that is not there is one of the pictures.
    if message.type in ("error", "warning") and "404" not in message.text:
        complaints.append(f"{page.url} ({place}): {message.text}")


if __name__ == "__main__":
    sys.exit(main())
