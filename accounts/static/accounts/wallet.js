// Finds the browser's wallets (EIP-6963, else window.ethereum by EIP-1193) and has one sign what the server wrote.

const form = document.querySelector("[data-wallet-form]");
const shelf = form.querySelector("[data-wallets]");
const note = form.querySelector("[data-wallet-note]");
const seen = new Set();
const USER_REFUSED = 4001;

window.addEventListener("eip6963:announceProvider", (event) => {
  const { info, provider } = event.detail ?? {};
  if (!info?.uuid || seen.has(info.uuid) || typeof provider?.request !== "function") return;
  seen.add(info.uuid);
  offer(info.name, info.icon, provider);
});
window.dispatchEvent(new Event("eip6963:requestProvider"));
// Wallets that know EIP-6963 have answered by now: the announcement is synchronous.
if (seen.size === 0 && typeof window.ethereum?.request === "function") offer("Browser wallet", null, window.ethereum);
if (shelf.childElementCount === 0) say("No wallet was found in this browser. Install one, or use another way to sign in.");

function offer(name, icon, provider) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "button";
  // An icon from elsewhere would tell that place who visits; the page's policy refuses it, too.
  if (typeof icon === "string" && icon.startsWith("data:image/")) {
    const image = document.createElement("img");
    Object.assign(image, { src: icon, alt: "", width: 20, height: 20 });
    button.append(image, " ");
  }
  button.append(String(name ?? "Wallet").slice(0, 40));
  button.addEventListener("click", () => run(provider));
  shelf.append(button);
  say("Choose a wallet.");
}

async function run(provider) {
  setBusy(true);
  try {
    say("Your wallet asks which account to use.");
    const [address] = await provider.request({ method: "eth_requestAccounts" });
    const { message } = await post(form.dataset.message, { address });
    say("Your wallet asks you to sign. Check that it names this site.");
    const signature = await provider.request({ method: "personal_sign", params: [hex(message), address] });
    say("Checking the signature.");
    const { next } = await post(form.dataset.submit, { message, signature, next: form.elements.next?.value ?? "" });
    location.assign(next);
  } catch (error) {
    say(error?.code === USER_REFUSED ? "Nothing was signed. Choose a wallet to try again." : sentence(error), true);
    setBusy(false);
  }
}

async function post(url, fields) {
  const token = form.elements.csrfmiddlewaretoken.value;
  const answer = await fetch(url, {
    method: "POST",
    headers: { "X-CSRFToken": token },
    body: new URLSearchParams(fields),
    redirect: "error",
  });
  const body = await answer.json().catch(() => ({ error: "The service did not answer as it should. Reload this page." }));
  if (!answer.ok && body.next) {
    // The last sign-in is too long ago for this: another page asks again first.
    location.assign(body.next);
    return new Promise(() => {});
  }
  if (!answer.ok) throw new Error(body.error);
  return body;
}

function hex(text) {
  return "0x" + [...new TextEncoder().encode(text)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

function setBusy(busy) {
  for (const button of shelf.querySelectorAll("button")) button.disabled = busy;
}

function sentence(error) {
  return error?.message || "The wallet did not answer. Open it and try again.";
}

function say(text, bad = false) {
  note.textContent = text;
  note.classList.toggle("bad", bad);
}
