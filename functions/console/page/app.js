// The page itself: signing in with a key, the sections that the key may use, and forgetting it again.

import { ask } from "./action.js";
import { Api } from "./api.js";
import { executions, incidents, reviews } from "./cases.js";
import { changes } from "./changes.js";
import { button, code, el } from "./dom.js";
import * as institution from "./institution.js";
import { overview } from "./overview.js";
import { accesses, complaints, jobs, suspensions } from "./oversight.js";
import { IDLE_MS, Session } from "./session.js";
import { Show } from "./show.js";
import { callerOf, openKey } from "./signing.js";
import { LANGUAGES, speaker } from "./words.js";

const KEY_BYTES_MAX = 16 * 1024;
const TICK_MS = 5_000;
const BASE = new URL("../", import.meta.url).href; // the API's, whatever stands before it

// Each section, and the read that tells whether the key may use it.
const READS = {
  operations: "/v1/operations/suspensions",
  review: "/v1/operations/reviews",
  complaints: "/v1/operations/complaints",
  institution: "/v1/institution/rates",
};
const SECTIONS = {
  overview: [overview, "operations"],
  incidents: [incidents, "operations"],
  reviews: [reviews, "review"],
  executions: [executions, "operations"],
  changes: [changes, "operations"],
  suspensions: [suspensions, "operations"],
  complaints: [complaints, "complaints"],
  jobs: [jobs, "operations"],
  accesses: [accesses, "operations"],
  portfolio: [institution.portfolio, "institution"],
  discounts: [institution.discounts, "institution"],
  terms: [institution.terms, "institution"],
};
const OWN = { institution: ["institution"], operations: ["operations", "review", "complaints"] };

const session = new Session();
const api = new Api(BASE, session);
const state = { language: LANGUAGES[0], caller: "", may: [], lacks: [], section: "", chosen: {}, turn: 0, note: "" };
let say = speaker(state.language);
let show = new Show(say);

const byId = (id) => document.getElementById(id);

function said(text) {
  byId("said").textContent = text;
}

// ---- what stands around every section

function frame() {
  document.documentElement.lang = state.language;
  document.title = say("title");
  byId("brand").textContent = say("title");
  byId("skip").textContent = say("skip");
  const other = button(say("other_language"), changeLanguage, {
    quiet: true,
    lang: LANGUAGES.find((one) => one !== state.language),
  });
  const isIn = !session.isOver();
  const leave = isIn ? button(say("sign_out"), () => signOut("signed_out"), { quiet: true }) : null;
  byId("tools").replaceChildren(...[other, leave].filter(Boolean));
  byId("who").hidden = !isIn;
  byId("who").replaceChildren(
    ...(isIn
      ? [code(session.signer().keyId), el("span", { class: "note" }, say("minutes_left", IDLE_MS / 60_000))]
      : []),
  );
  navigation(isIn);
}

function navigation(isIn) {
  const nav = byId("nav");
  nav.hidden = !isIn;
  nav.setAttribute("aria-label", say("nav"));
  const link = (name) =>
    el("li", {}, el("a", { href: `#${name}`, "aria-current": name === state.section ? "page" : null }, say(name)));
  const lacked = state.lacks.map((name) => say(name)).join("、");
  nav.replaceChildren(
    ...(isIn
      ? [el("ul", {}, state.may.map(link)), lacked ? el("p", { class: "note" }, say("not_allowed", lacked)) : ""]
      : []),
  );
}

function changeLanguage() {
  state.language = LANGUAGES.find((one) => one !== state.language);
  say = speaker(state.language);
  show = new Show(say);
  render();
}

// ---- signing in and out

function signIn() {
  const trouble = el("div");
  if (state.note) trouble.append(el("p", { class: "note" }, say(state.note)));
  const name = el("input", {
    id: "key-name",
    type: "text",
    required: true,
    autocomplete: "off",
    spellcheck: "false",
    "aria-describedby": "key-hint",
  });
  const file = el("input", {
    id: "key-file",
    type: "file",
    required: true,
    accept: ".pem,.key",
    on: { change: named },
  });
  const enter = button(say("sign_in"), null, { type: "submit" });

  // A key's file is called after its owner, whose first key it is mostly.
  function named() {
    const chosen = file.files[0];
    if (chosen && name.value === "") name.value = `${chosen.name.replace(/[.][a-z]+$/i, "")}#1`;
  }

  async function submit(event) {
    event.preventDefault();
    if (enter.disabled) return;
    enter.disabled = true;
    trouble.replaceChildren(el("p", {}, say("opening")));
    try {
      if (!globalThis.isSecureContext) throw Object.assign(new Error(), { code: "NOT_SECURE" });
      const chosen = file.files[0];
      session.open(await openKey(name.value.trim(), chosen.size > KEY_BYTES_MAX ? "" : await chosen.text()));
      await learn();
      state.note = "";
      go(state.may[0]);
    } catch (error) {
      session.close();
      trouble.replaceChildren(show.failure(error));
    } finally {
      enter.disabled = false;
      file.value = "";
    }
  }

  return el(
    "form",
    { class: "sign-in", on: { submit } },
    el("h1", {}, say("sign_in")),
    el("p", {}, say("sign_in_about")),
    el("label", { for: "key-file" }, el("span", {}, say("key_file")), file),
    el("label", { for: "key-name" }, el("span", {}, say("key_name")), name),
    el("p", { class: "hint", id: "key-hint" }, say("key_name_hint")),
    el("p", { class: "buttons" }, enter),
    trouble,
  );
}

// Which sections the key may use: the API says so of one read of each kind.
async function learn() {
  const signer = session.signer();
  const allowed = {};
  for (const [name, route] of Object.entries(READS)) {
    try {
      await api.get(route);
      allowed[name] = true;
    } catch (error) {
      if (error.status === 401 || (error.status === 403 && !error.forbidden) || error.status === 0) throw error;
      allowed[name] = !error.forbidden;
    }
  }
  const side = allowed.institution ? "institution" : "operations";
  const own = Object.entries(SECTIONS).filter(([, [, read]]) => OWN[side].includes(read));
  state.caller = callerOf(signer.keyId);
  state.may = own.filter(([, [, read]]) => allowed[read]).map(([name]) => name);
  state.lacks = own.filter(([, [, read]]) => !allowed[read]).map(([name]) => name);
  state.chosen = {};
  if (state.may.length === 0) throw Object.assign(new Error(), { code: "no_section", forbidden: true });
}

// Forget the key, and what it showed.
function signOut(note) {
  session.close();
  Object.assign(state, { caller: "", may: [], lacks: [], section: "", chosen: {}, note });
  for (const dialog of document.querySelectorAll("dialog")) dialog.remove();
  history.replaceState(null, "", location.pathname);
  said(say(note));
  render();
}

// ---- sections

function go(section) {
  if (location.hash === `#${section}`) render();
  else location.hash = section;
}

// What a section is given to work with.
function pageOf(section) {
  const chosen = (state.chosen[section] ||= {});
  const page = {
    api,
    say,
    show,
    caller: state.caller,
    now: () => Date.now(),
    chosen: (name, otherwise) => chosen[name] ?? otherwise,
    // What was chosen first decides what is listed: another choice begins at the first page.
    choose: (name) => (value) => {
      if (name !== "cursor") delete chosen.cursor;
      chosen[name] = value;
      render();
    },
    ask: (options) => ask({ say, show, stale: () => render(), ...withWord(options) }),
    // A form that looks something up by what is written into it.
    lookUp: (text, label, act, more = {}) => {
      const control = el("input", { type: "text", required: true, autocomplete: "off", spellcheck: "false", ...more });
      const submit = (event) => {
        event.preventDefault();
        act(control.value.trim());
      };
      return el(
        "form",
        { class: "look-up", on: { submit } },
        el("label", {}, el("span", {}, label), control),
        button(text, null, { type: "submit" }),
      );
    },
    // An answer, or what went wrong in its place.
    shown: async (answer, shape = (document) => show.value(document)) => {
      try {
        return shape((await answer).document);
      } catch (error) {
        return show.failure(error);
      }
    },
    // An answer; null where it is none, and what went wrong takes the section's place.
    tried: async (answer) => {
      try {
        return await answer;
      } catch (error) {
        trouble(error);
        return null;
      }
    },
  };
  return page;
}

function withWord(options) {
  const done = options.done;
  const told = () => {
    said(say("done", options.title));
    if (done) done();
    else render();
  };
  return { ...options, done: told };
}

function trouble(error) {
  if (error.name === "SignedOut") return signOut("idle");
  const body = error.code === undefined ? el("p", { role: "alert" }, say("unreadable")) : show.problem(error);
  byId("main").replaceChildren(head(), ...[body].flat(Infinity));
  return undefined;
}

function head() {
  const again = button(say("refresh"), () => render(), { quiet: true });
  return el("div", { class: "head" }, el("h1", {}, say(state.section)), again);
}

async function render() {
  const turn = ++state.turn;
  const main = byId("main");
  if (session.isOver()) {
    frame();
    main.replaceChildren(signIn());
    return;
  }
  const wanted = location.hash.slice(1);
  const isNew = wanted !== state.section;
  state.section = state.may.includes(wanted) ? wanted : state.may[0];
  frame();
  const held = isNew ? "" : document.activeElement?.name; // a choice that was just made, which is made anew below
  main.setAttribute("aria-busy", "true");
  if (isNew) said("");
  if (isNew) main.replaceChildren(head(), el("p", { class: "note" }, say("loading")));
  try {
    const [view] = SECTIONS[state.section];
    const shown = await view(pageOf(state.section));
    if (turn !== state.turn) return; // another section was opened meanwhile
    const clock = el("p", { class: "note" }, say("as_of_shanghai"));
    main.replaceChildren(head(), el("div", { class: "section" }, shown), clock);
  } catch (error) {
    if (turn === state.turn) trouble(error);
  } finally {
    if (turn === state.turn) main.removeAttribute("aria-busy");
  }
  if (turn === state.turn) ((held && main.querySelector(`[name="${held}"]`)) || main).focus({ preventScroll: true });
}

// ---- whoever is away for a quarter of an hour, or leaves, is signed out

function leave() {
  if (!session.isOver()) signOut("signed_out");
}

for (const event of ["pointerdown", "keydown"]) addEventListener(event, () => session.touch(), { capture: true });
addEventListener("pagehide", leave);
addEventListener("hashchange", () => session.isOver() || render());
setInterval(() => state.caller && session.isOver() && signOut("idle"), TICK_MS);
document.addEventListener("visibilitychange", () => state.caller && session.isOver() && signOut("idle"));
render();
