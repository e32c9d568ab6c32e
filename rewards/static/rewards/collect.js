// Collecting with one's own wallet: it sends the call that the server wrote, and the page follows it over reloads and
// windows. Nothing is decided here, and nothing can be paid twice: the contract pays what is left, and only its owner.

import { chosenWallet, hasWallet, likelyWallet } from "./wallets.js";

const place = document.querySelector("[data-collecting]");
const words = JSON.parse(place.dataset.words);
const EVERY_MS = 2000;
const PATIENCE_MS = 10 * 60 * 1000;

const buttons = () => [...document.querySelectorAll("[data-collect]")];
// What a wallet of this browser has sent and no block has paid yet, for every window of it.
const keyOf = (button) => `lamplight ${button.dataset.chain} ${button.dataset.to} ${button.dataset.account}`;

function sentBy(button) {
  try {
    const sent = JSON.parse(localStorage.getItem(keyOf(button)));
    return sent?.cumulative === button.dataset.cumulative ? sent : null;
  } catch {
    return null;
  }
}

function keep(button, sent) {
  // A browser that keeps nothing only forgets over a reload that something is under way.
  try {
    if (sent) localStorage.setItem(keyOf(button), JSON.stringify(sent));
    else localStorage.removeItem(keyOf(button));
  } catch { /* see above */ }
}

function draw() {
  for (const button of buttons()) {
    const card = button.closest("[data-purse]");
    const sent = sentBy(button);
    button.hidden = !hasWallet();
    card.querySelector("[data-choose]").hidden = Boolean(sent);
    card.querySelector("[data-own-way]").hidden = !sent;
  }
}

function say(button, sentence) {
  const line = button.closest("[data-purse]").querySelector("[data-trouble]");
  line.textContent = sentence;
  line.hidden = !sentence;
}

function sentenceOf(error) {
  const codes = [error?.code, error?.data?.originalError?.code, error?.cause?.code].filter(Number.isInteger);
  if (codes.includes(words.declined.code)) return words.declined.says;
  const text = [error?.message, error?.data?.message, error?.data?.originalError?.message, error?.reason]
    .filter((part) => typeof part === "string").join(" ").toLowerCase();
  const found = words.words.find(([part]) => text.includes(part));
  return found ? found[1] : codes.map((code) => words.codes[code]).find(Boolean) ?? words.otherwise;
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest?.("[data-collect]");
  if (!button) return;
  say(button, "");
  button.disabled = true;
  try {
    await alone(keyOf(button), () => collect(button));
  } catch (error) {
    say(button, sentenceOf(error));
  } finally {
    button.disabled = false;
    draw();
  }
});

// One window at a time asks the wallet; where the browser has no locks, the contract alone sees to it.
function alone(name, work) {
  if (!navigator.locks) return work();
  return navigator.locks.request(name, { ifAvailable: true }, (lock) => {
    if (!lock) throw Object.assign(new Error("already pending in another window"), { code: -32002 });
    return work();
  });
}

async function collect(button) {
  if (sentBy(button)) return;
  const { account, chain, to, calldata, cumulative } = button.dataset;
  const provider = await chosenWallet();
  if (!provider) return;
  const [from] = await provider.request({ method: "eth_requestAccounts" });
  if (!from) throw Object.assign(new Error(), { code: 4100 });
  await onChain(provider, Number(chain));
  const call = { from, to, data: calldata, value: "0x0" };
  // The network's own word first: a call that it would refuse costs nothing here, and a fee if it is sent.
  await provider.request({ method: "eth_call", params: [call, "latest"] });
  const hash = await provider.request({ method: "eth_sendTransaction", params: [call] });
  keep(button, { account, hash, cumulative, since: Date.now() });
}

async function onChain(provider, wanted) {
  if (Number(await provider.request({ method: "eth_chainId" })) === wanted) return;
  await provider.request({ method: "wallet_switchEthereumChain", params: [{ chainId: `0x${wanted.toString(16)}` }] });
  if (Number(await provider.request({ method: "eth_chainId" })) !== wanted) {
    throw Object.assign(new Error(), { code: 4901 });
  }
}

const isOpen = () => document.querySelector("[data-state=under-way]") || buttons().some(sentBy);

async function refresh() {
  // The part that follows by itself needs no help.
  if (!window.htmx || document.querySelector("#purses[hx-trigger]")) return;
  await window.htmx.ajax("GET", place.dataset.progress, { target: "#purses", swap: "outerHTML" });
}

async function look() {
  const waiting = buttons().filter(sentBy);
  for (const button of waiting) await settle(button, sentBy(button));
  if (waiting.length) await refresh();
}

async function settle(button, sent) {
  const receipt = await likelyWallet()?.request({ method: "eth_getTransactionReceipt", params: [sent.hash] }).catch(() => null);
  if (receipt?.status === "0x0") {
    keep(button, null);
    draw();
    say(button, words.refused);
  } else if (!receipt && Date.now() - sent.since > PATIENCE_MS) {
    keep(button, null);
    draw();
    say(button, words.slow);
  }
}

document.addEventListener("htmx:afterSettle", draw);
window.addEventListener("storage", draw);
// Another window may have collected while this one was out of sight.
document.addEventListener("visibilitychange", () => { if (!document.hidden && !isOpen()) refresh(); });
setInterval(() => { if (!document.hidden) look(); }, EVERY_MS);
// Wallets announce themselves when asked, some a moment later.
draw();
setTimeout(draw, 250);
