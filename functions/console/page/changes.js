// Changes by two persons: those of the platform's configuration, and an institution's own.

import { path } from "./api.js";
import { button, choice, code, el, facts } from "./dom.js";

export async function changes(page) {
  return [el("p", {}, page.say("changes_about")), await changesOf(page, "/v1/operations/changes")];
}

// The newest changes of a route, with what the caller may decide of them.
export async function changesOf(page, route) {
  const { api, say } = page;
  const which = page.chosen("which", "PROPOSED");
  const { document } = await api.get(route);
  const shown = document.changes.filter((one) => which === "" || one.status === which);
  const options = [
    ["PROPOSED", say("pending")],
    ["", say("all")],
  ];
  return [
    el("div", { class: "filters" }, choice(say("status"), "which", options, which, page.choose("which"))),
    shown.length === 0 ? el("p", { class: "empty" }, say("none")) : null,
    el(
      "ul",
      { class: "list" },
      shown.map((one) => change(page, route, one)),
    ),
  ];
}

function change(page, route, one) {
  const { say, show } = page;
  const isOwn = one.proposed_by === page.caller;
  const decide = (word, decision, danger) => button(say(word), () => ask(page, route, one, word, decision), { danger });
  const others = [decide("agree", "approve", false), decide("turn_down", "reject", true)];
  return el(
    "li",
    { class: "entry" },
    el("h3", {}, show.named(one.kind), " · ", show.named(one.status)),
    facts([
      [say("proposed_by"), [one.proposed_by, isOwn ? [" ", el("span", { class: "mark" }, say("yours"))] : null]],
      [say("proposed_at"), show.time(one.proposed_at)],
      [say("decided_by"), one.decided_by && [one.decided_by, " ", show.time(one.decided_at)]],
      [say("id"), code(one.change_id)],
      [say("content"), show.value(one.content)],
    ]),
    one.status === "PROPOSED"
      ? el("p", { class: "buttons" }, isOwn ? decide("withdraw", "reject", true) : others)
      : null,
  );
}

// Read it once more: what is decided is what was read, or nothing (If-Match).
async function ask(page, route, listed, word, decision) {
  const { api, say, show } = page;
  const named = route + path`/${listed.change_id}`;
  const read = await page.tried(api.get(named));
  if (!read) return;
  const { document: one, etag } = read;
  page.ask({
    title: say(word),
    says: say(`${word === "withdraw" ? "withdraw" : decision}_change`, one.change_id, one.kind, one.proposed_by),
    about: el("div", { class: "content" }, show.value(one.content)),
    danger: decision === "reject",
    go: say(word),
    send: (_, key) => api.post(`${named}/decision`, { decision }, { key, etag }),
  });
}
