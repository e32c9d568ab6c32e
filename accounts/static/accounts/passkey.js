// Has the browser make or use a passkey (navigator.credentials), and posts what it answers with the page's form.

const NOT_DONE = "Nothing was done: the passkey was not used, or the time was over. Try again.";
const SENTENCES = {
  NotAllowedError: NOT_DONE,
  AbortError: NOT_DONE,
  InvalidStateError: "This device has a passkey for your account already.",
  SecurityError: "Passkeys need the service’s name and https. On your own machine, open it as localhost.",
};

for (const form of document.querySelectorAll("[data-passkey]")) prepare(form);

function prepare(form) {
  const [button] = form.querySelectorAll("button[type=submit]");
  const note = form.querySelector("[data-passkey-note]");
  if (!window.PublicKeyCredential) {
    note.textContent = "This browser knows no passkeys, or the page was not opened by https. Use another way.";
    return;
  }
  button.disabled = false;
  note.textContent = "A finger, face or PIN on this device or on another one.";
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    button.disabled = true;
    try {
      form.elements.credential.value = JSON.stringify(await ask(form));
      // Not requestSubmit(): that would come back here.
      form.submit();
    } catch (error) {
      note.textContent = SENTENCES[error?.name] ?? error?.message ?? NOT_DONE;
      note.classList.add("error");
      button.disabled = false;
    }
  });
}

async function ask(form) {
  const publicKey = read(form.dataset.optionsFrom ? await fetched(form.dataset.optionsFrom) : JSON.parse(form.dataset.options));
  return form.dataset.passkey === "create"
    ? written(await navigator.credentials.create({ publicKey }))
    : written(await navigator.credentials.get({ publicKey }));
}

async function fetched(url) {
  const answer = await fetch(url, { headers: { "X-Requested-With": "XMLHttpRequest" } });
  if (!answer.ok) throw new Error("The service did not answer as it should. Reload this page.");
  return (await answer.json()).request_options.publicKey;
}

// What the server writes as base64url text, the browser wants as bytes; and the reverse.
function read(options) {
  options.challenge = bytes(options.challenge);
  if (options.user) options.user.id = bytes(options.user.id);
  for (const list of [options.excludeCredentials, options.allowCredentials])
    for (const each of list ?? []) each.id = bytes(each.id);
  return options;
}

function written(credential) {
  const { response } = credential;
  const parts = ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"];
  return {
    id: credential.id,
    rawId: text(credential.rawId),
    type: credential.type,
    authenticatorAttachment: credential.authenticatorAttachment,
    clientExtensionResults: credential.getClientExtensionResults(),
    response: Object.fromEntries(parts.filter((part) => response[part]).map((part) => [part, text(response[part])])),
  };
}

function bytes(base64url) {
  const binary = atob(base64url.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(binary, (character) => character.charCodeAt(0));
}

function text(buffer) {
  const binary = String.fromCharCode(...new Uint8Array(buffer));
  return btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}
