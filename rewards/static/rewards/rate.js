// What the programme pays right now: counts down to the next change, and goes over to it when it comes.
// The clock is the server's at the time the page was made; from there on the browser counts, whatever its own says.

const SECOND_MS = 1000;

for (const place of document.querySelectorAll("[data-rates]")) run(place, JSON.parse(place.dataset.rates));

function run(place, { now_ms: then, offered_raw: offered, decimals, steps }) {
  const began = performance.now();
  const show = () => draw(place, { now: then + performance.now() - began, then, offered: BigInt(offered), decimals, steps });
  show();
  setInterval(() => { if (!document.hidden) show(); }, SECOND_MS);
  document.addEventListener("visibilitychange", show);
}

function draw(place, { now, then, offered, decimals, steps }) {
  const at = steps.findIndex((step) => now < step.end_ms);
  const over = place.querySelector("[data-over]");
  over.hidden = at >= 0;
  if (at < 0) return;
  const [step, next] = [steps[at], steps[at + 1]];
  const shown = {
    second: step.second, hour: step.hour, name: step.name, boost: step.boost,
    left: left(step.end_ms - now), offered: amount(offered + since(steps, then, now), decimals),
    next_name: next?.name, next_boost: next?.boost,
  };
  for (const part of place.querySelectorAll("[data-part]")) {
    const value = shown[part.dataset.part];
    if (value !== undefined && part.textContent !== value) part.textContent = value;
  }
  const moment = place.querySelector("[data-next-moment]");
  if (next && moment && moment.dataset.nextMoment !== String(next.start_ms)) moment.hidden = true;
}

// In the token's smallest unit, rounded down, so that it never shows more than there is.
function since(steps, from, to) {
  let sum = 0n;
  for (const { start_ms: start, end_ms: end, second_raw: rate } of steps) {
    const length = Math.floor(Math.min(to, end) - Math.max(from, start));
    if (length > 0) sum += (BigInt(rate) * BigInt(length)) / 1000n;
  }
  return sum;
}

function amount(raw, decimals) {
  const text = raw.toString().padStart(decimals + 1, "0");
  const whole = text.slice(0, text.length - decimals).replace(/\B(?=(\d{3})+$)/g, ",");
  const digits = text.slice(text.length - decimals).slice(0, 2).padEnd(Math.min(2, decimals), "0");
  return digits ? `${whole}.${digits}` : whole;
}

function left(ms) {
  const seconds = Math.max(0, Math.ceil(ms / SECOND_MS));
  const of = (count, name) => `${count}\u00a0${name}${count === 1 ? "" : "s"}`;
  const [days, hours, minutes] = [Math.floor(seconds / 86400), Math.floor(seconds / 3600) % 24, Math.floor(seconds / 60) % 60];
  if (days) return [of(days, "day"), hours && of(hours, "hour")].filter(Boolean).join(" ");
  if (hours) return [of(hours, "hour"), minutes && of(minutes, "minute")].filter(Boolean).join(" ");
  return minutes ? `${of(minutes, "minute")} ${of(seconds % 60, "second")}` : of(seconds, "second");
}
