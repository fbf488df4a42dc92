// What changes something: it is asked once, naming what will happen, and sent under a key of its own.

import { button, el } from "./dom.js";

const MENDABLE = [400, 422]; // what was written is at fault
export const REASON = "[A-Z][A-Z0-9_]{2,63}";

// A field for a reason code, as events and the evidence log take it.
export function reason(say, name, suggestions = []) {
  return { name, label: say("reason_code"), hint: say("reason_hint"), pattern: REASON, suggestions };
}

// Ask, send, say what became of it. `send(values, key)` is called again with the same key until something was decided.
// `done` is called once it is, `stale` when a request was refused and the person has read why: what is shown is old.
export function ask({ say, show, title, says, about = null, fields = [], danger = false, go, send, done, stale }) {
  let key = crypto.randomUUID();
  const opener = document.activeElement;
  const trouble = el("div");
  const inputs = fields.map((field) => input(field));
  const sure = button(go || say("confirm"), null, { danger, type: "submit" });
  const leave = button(say("cancel"), () => finish(), { quiet: true, autofocus: fields.length === 0 });
  const form = el(
    "form",
    { on: { submit } },
    el("h2", { id: "ask-title" }, title),
    el("p", {}, says),
    about,
    inputs,
    trouble,
    el("p", { class: "buttons" }, sure, leave),
  );
  const dialog = el(
    "dialog",
    { "aria-labelledby": "ask-title", on: { cancel: (event) => isBusy && event.preventDefault() } },
    form,
  );
  dialog.addEventListener("close", () => {
    dialog.remove();
    opener?.focus?.();
    if (isStale) stale();
  });
  let isBusy = false;
  let isStale = false;
  document.body.append(dialog);
  dialog.showModal();

  function finish() {
    if (!isBusy) dialog.close();
  }

  async function submit(event) {
    event.preventDefault();
    if (isBusy) return;
    const values = Object.fromEntries(fields.map((field) => [field.name, field.read()]));
    setBusy(true);
    trouble.replaceChildren(el("p", {}, say("sending")));
    try {
      const answer = await send(values, key);
      setBusy(false);
      isStale = false;
      dialog.close();
      done(answer);
    } catch (error) {
      setBusy(false);
      if (error.name === "SignedOut") return dialog.close();
      trouble.replaceChildren(show.failure(error));
      if (MENDABLE.includes(error.status) && fields.length > 0) {
        key = crypto.randomUUID(); // another body is another request
      } else {
        // What was not decided goes on under the same key, with the same body; what was refused stays so.
        isStale = true;
        if (error.again) sure.textContent = say("send_again");
        else sure.remove();
        for (const field of fields) field.lock();
      }
    }
    return undefined;
  }

  function setBusy(busy) {
    isBusy = busy;
    sure.disabled = busy;
    leave.disabled = busy;
  }
}

function input(field) {
  const id = `ask-${field.name}`;
  const hint = field.hint ? el("span", { class: "hint", id: `${id}-hint` }, field.hint) : null;
  const shared = { id, name: field.name, "aria-describedby": hint ? `${id}-hint` : null };
  let control;
  if (field.options) {
    control = el(
      "select",
      shared,
      field.options.map(([value, text]) => el("option", { value }, text)),
    );
  } else if (field.kind === "textarea") {
    control = el("textarea", { ...shared, rows: 6, required: true, maxlength: field.maxlength });
  } else if (field.kind === "checkbox") {
    control = el("input", { ...shared, type: "checkbox" });
  } else {
    const text = { type: "text", autocomplete: "off", spellcheck: "false", pattern: field.pattern, value: field.value };
    control = el("input", { ...shared, ...text, required: !field.optional });
  }
  field.read = () => (field.kind === "checkbox" ? control.checked : control.value.trim());
  field.lock = () => (control.disabled = true);
  const label = el(
    "label",
    { for: id, class: field.kind === "checkbox" ? "inline" : null },
    el("span", {}, field.label),
    control,
  );
  const chosen = (text) => button(text, () => !control.disabled && (control.value = text), { quiet: true });
  const suggested = (field.suggestions || []).map(chosen);
  return el(
    "div",
    { class: "field" },
    label,
    hint,
    suggested.length ? el("p", { class: "suggested" }, suggested) : null,
  );
}
