// The scorecard's lines: numbers from the server, drawn by uPlot; without it the tables and files say the same.

const SHADED = { regular: 0, pre: 1, post: 2, overnight: 3, weekend: 4, holiday: 4 };

for (const place of document.querySelectorAll("[data-charts]")) {
  const near = new IntersectionObserver((seen) => {
    if (!seen.some((each) => each.isIntersecting)) return;
    near.disconnect();
    load(place);
  }, { rootMargin: "300px" });
  near.observe(place);
}

async function load(place) {
  let figures;
  try {
    const answer = await fetch(place.dataset.charts, { headers: { Accept: "application/json" } });
    if (!answer.ok) throw new Error(String(answer.status));
    figures = await answer.json();
  } catch {
    for (const box of place.querySelectorAll("[data-chart]")) box.textContent = "The figures could not be loaded. Load the page again.";
    return;
  }
  const group = uPlot.sync(place.dataset.charts);
  for (const box of place.querySelectorAll("[data-chart]")) draw(box, figures, group);
}

function lines(name, figures) {
  const flat = figures.start_s.map(() => figures.presence_lots);
  return {
    share: [["Your share, %", "share", "main"]],
    spread: [["Yours, bps", "spread_bps", "main"], ["Book", "book_spread_bps", "soft"], ["Limit", "limit_bps", "limit"]],
    depth: [["Bid, lots", "bid_lots", "main"], ["Ask, lots", "ask_lots", "other"], ["Least", flat, "limit"]],
  }[name].map(([label, column, look]) => ({ label, values: Array.isArray(column) ? column : figures[column], look }));
}

function draw(box, figures, group) {
  const shown = lines(box.dataset.chart, figures);
  const size = () => ({ width: box.clientWidth, height: box.clientWidth < 600 ? 180 : 220 });
  const plot = new uPlot({
    ...size(),
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), "America/New_York"),
    cursor: { sync: { key: group.key }, drag: { x: true, y: false } },
    scales: { y: { range: (_, low, high) => [Math.min(0, low ?? 0), high > 0 ? high * 1.05 : 1] } },
    axes: [{ ...axis(), values: (_, moments) => moments.map(when) }, { ...axis(), size: 52 }],
    series: [{ label: "New York", value: (_, seconds) => (seconds == null ? "" : full.format(seconds * 1000)) }, ...shown.map(({ label, look }) => ({
      label, stroke: () => palette()[look], width: look === "main" ? 2 : 1.5, dash: look === "limit" ? [6, 4] : undefined,
      spanGaps: false, points: { show: false }, value: (_, value, __, cell) => (cell == null ? "" : String(value ?? "none")),
    }))],
    hooks: { drawClear: [(chart) => shade(chart, figures, palette())] },
  }, [figures.start_s, ...shown.map(({ values }) => values)], box);
  group.sub(plot);
  new ResizeObserver(() => plot.setSize(size())).observe(box);
  // By day and by night the lines have other colours.
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => plot.redraw());
}

const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", timeZone: "America/New_York" });
const day = new Intl.DateTimeFormat("en-GB", { weekday: "short", day: "numeric", timeZone: "America/New_York" });
const full = new Intl.DateTimeFormat("en-GB", { weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", timeZone: "America/New_York" });

// Midnight is called by its day, every other moment by the clock.
function when(seconds) {
  const text = clock.format(seconds * 1000);
  return text === "00:00" ? day.format(seconds * 1000) : text;
}

// Sessions that pay more stand on a warmer ground.
function shade(chart, figures, colour) {
  const { ctx, bbox } = chart;
  let first = 0;
  for (let cell = 1; cell <= figures.kind.length; cell += 1) {
    if (cell < figures.kind.length && figures.kind[cell] === figures.kind[first]) continue;
    const level = SHADED[figures.kind[first]];
    if (level > 0) {
      const left = chart.valToPos(figures.start_s[first], "x", true);
      const right = chart.valToPos(figures.start_s[Math.min(cell, figures.start_s.length - 1)], "x", true);
      const from = Math.max(bbox.left, left);
      ctx.save();
      ctx.globalAlpha = 0.07 * level;
      ctx.fillStyle = colour.ground;
      ctx.fillRect(from, bbox.top, Math.max(0, Math.min(bbox.left + bbox.width, right) - from), bbox.height);
      ctx.restore();
    }
    first = cell;
  }
}

function axis() {
  const line = () => palette().line;
  return { stroke: () => palette().soft, grid: { stroke: line, width: 1 }, ticks: { stroke: line }, font: "12px system-ui, sans-serif" };
}

function palette() {
  const style = getComputedStyle(document.documentElement);
  const of = (name) => style.getPropertyValue(name).trim();
  return { main: of("--amber"), other: of("--focus"), soft: of("--soft"), limit: of("--bad"), line: of("--line"), ground: of("--lamp") };
}
