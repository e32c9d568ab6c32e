"""Looks at every page of the tour in one real browser, and says in sentences what a reader would stumble over."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.pages.tour import Stop

CHROMIUM = "/usr/bin/chromium"
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
AXE = Path(__file__).resolve().parents[2] / "node_modules" / "axe-core" / "axe.min.js"
DESK, PHONE = {"width": 1440, "height": 900}, {"width": 390, "height": 844}
CONTRAST_ONLY = {"runOnly": {"type": "rule", "values": ["color-contrast"]}}
GRAVE = ("serious", "critical")

RUN_AXE = """async (options) => {
  const found = await axe.run(document, { resultTypes: ["violations"], ...options });
  return found.violations.map(({ id, impact, nodes }) =>
    ({ id, impact, where: nodes.slice(0, 3).map((node) => node.html.slice(0, 160)) }));
}"""
LOOK_AT_FIGURES = """() => {
  const complaints = [];
  const name = (node) => node.outerHTML.slice(0, 120);
  for (const figure of document.querySelectorAll("figure")) {
    const words = figure.querySelector("figcaption")?.textContent.trim() ?? "";
    if (!words.includes(".") || words.split(/\\s+/).length < 4)
      complaints.push(`a figure without a sentence: ${name(figure)}`);
    const around = figure.closest("section, .card") ?? figure.parentElement;
    if (!around.querySelector("table, a[download], a[href$='.csv'], a[href$='.json'], a[href$='.tar'], dl, ol, ul"))
      complaints.push(`a figure without a table or a file behind it: ${name(figure)}`);
  }
  for (const table of document.querySelectorAll("table"))
    if (!table.caption?.textContent.trim()) complaints.push(`a table without a caption: ${name(table)}`);
  for (const drawing of document.querySelectorAll("main svg"))
    if (drawing.getAttribute("aria-hidden") !== "true" && !drawing.closest("figure"))
      complaints.push(`a drawing that is neither a figure nor decoration: ${name(drawing)}`);
  return complaints;
}"""
CONTROLS = """() => [...document.querySelectorAll("a[href], button, input, select, textarea, summary, [tabindex]")]
  .filter((node) => !node.disabled && node.type !== "hidden" && node.tabIndex >= 0)
  .filter((node) => node.checkVisibility({ visibilityProperty: true, contentVisibilityAuto: true }))
  .filter((node) => node.type !== "radio" || node.checked
    || !document.querySelector(`input[type=radio][name="${node.name}"]:checked`))
  .map((node, index) => { node.dataset.stop = index; return node.outerHTML.slice(0, 120); })"""
FOCUSED = """() => {
  const node = document.activeElement;
  if (node === document.body) return null;
  const { outlineStyle, outlineWidth } = getComputedStyle(node);
  return { stop: node.dataset.stop ?? "", visible: outlineStyle !== "none" && parseFloat(outlineWidth) >= 2,
    html: node.outerHTML.slice(0, 120), skip: node.matches(".skip") };
}"""


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start the browser."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


class Rooms:
    """Windows of one browser: those of the same person share a session and what has been loaded before."""

    def __init__(self, browser: Browser, base_url: str) -> None:
        self.browser, self.base_url = browser, base_url
        self.rooms: dict[int, BrowserContext] = {}

    @contextmanager
    def opened(self, stop: Stop) -> Iterator[Page]:
        """Open a page as somebody who may see it; it must answer as the tour says."""
        page = self._room(stop).new_page()
        answer = page.goto(stop.path, wait_until="load")
        assert answer is not None
        assert answer.status == stop.status, f"{stop.name}: {answer.status}"
        yield page
        page.close()

    def _room(self, stop: Stop) -> BrowserContext:
        key = id(stop.client)
        if key not in self.rooms:
            room = self.rooms[key] = self.browser.new_context(viewport=DESK, base_url=self.base_url)
            # The server of these tests knows no streams.
            room.route("**/live", lambda route: route.abort())
            room.add_cookies(stop.cookies(self.base_url))
        return self.rooms[key]


def graves(page: Page) -> list[str]:
    """Return what axe finds serious or critical by day, and which contrasts it finds too low by night."""
    page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
    page.evaluate(AXE.read_text())
    found = [(each, "by day") for each in page.evaluate(RUN_AXE, {})]
    page.emulate_media(color_scheme="dark")
    found += [(each, "by night") for each in page.evaluate(RUN_AXE, CONTRAST_ONLY)]
    page.emulate_media(color_scheme="light")
    return [f"{each['id']} ({when}): {each['where']}" for each, when in found if each["impact"] in GRAVE]


def figures(page: Page) -> list[str]:
    """Return figures, tables and drawings that say nothing to those who don't see them."""
    return page.evaluate(LOOK_AT_FIGURES)


def width(page: Page) -> list[str]:
    """Return by how much the page is too wide for a phone."""
    page.set_viewport_size(PHONE)
    over = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    page.set_viewport_size(DESK)
    return [f"{over} px wider than a phone"] if over > 0 else []


def keyboard(page: Page) -> list[str]:
    """Return what pressing Tab from the top does not reach, and where the focus does not show."""
    controls = page.evaluate(CONTROLS)
    reached, complaints = set(), []
    page.evaluate("document.activeElement.blur()")
    # Dates have a stop for each of their parts.
    for number in range(2 * len(controls) + 20):
        page.keyboard.press("Tab")
        at = page.evaluate(FOCUSED)
        if at is None:
            break
        if number == 0 and not at["skip"]:
            complaints.append(f"the first stop is not the link to the content: {at['html']}")
        if not at["visible"]:
            complaints.append(f"the focus does not show on {at['html']}")
        reached.add(at["stop"])
    missed = [html for number, html in enumerate(controls) if str(number) not in reached]
    return complaints + [f"Tab does not reach {html}" for html in missed]
