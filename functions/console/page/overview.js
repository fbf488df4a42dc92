// What needs somebody now: what waits in each section, and what the watch measured in the last minute.

import { code, el, facts, table } from "./dom.js";

// From which value on a measure rings, as infrastructure/observability.yaml has it.
export const ALARMS = {
  DiscountsStuck: 1,
  ReviewsAge: 7200,
  PaymentsUnknownAge: 600,
  LimitUsed: 90,
  BreaksOpen: 1,
  CheckpointLag: 180,
  WitnessesSilent: 1,
  OutboxAge: 900,
  BillsQueueAge: 1800,
  WebhookBacklogAge: 3600,
  DeadLetters: 1,
  ReconciliationAge: 108000,
  AuditAge: 108000,
  MonthlyReviewAge: 2937600,
  BackupAge: 108000,
  RestoreDrillAge: 2937600,
  WatchFailed: 1,
};
export const ALARMS_BELOW = { WitnessQuorum: 1 };
const WATCH_LATE_S = 180; // it runs each minute

export async function overview(page) {
  const { api } = page;
  const asked = {
    watch: api.get("/v1/operations/watch"),
    incidents: api.get("/v1/operations/incidents"),
    reviews: api.get("/v1/operations/reviews"),
    suspensions: api.get("/v1/operations/suspensions"),
    complaints: api.get("/v1/operations/complaints"),
    jobs: api.get("/v1/operations/jobs"),
  };
  const found = Object.fromEntries(
    await Promise.all(Object.entries(asked).map(async ([name, answer]) => [name, await settled(answer)])),
  );
  return [cards(page, found), watched(page, found.watch)];
}

// What was answered, or the problem that was met, so that one part keeps no other from being shown.
async function settled(answer) {
  try {
    return { document: (await answer).document };
  } catch (error) {
    if (error.code === undefined) throw error;
    return { problem: error };
  }
}

const isAlarmed = (name) => Object.hasOwn(ALARMS, name) || Object.hasOwn(ALARMS_BELOW, name);

export function rings(name, value) {
  if (Object.hasOwn(ALARMS_BELOW, name)) return value < ALARMS_BELOW[name];
  return Object.hasOwn(ALARMS, name) && value >= ALARMS[name];
}

function cards(page, found) {
  const { say, show } = page;
  const card = (section, answer, figure) => {
    const link = el("a", { href: `#${section}` }, say(section));
    if (answer.problem) return el("li", { class: "card" }, el("h3", {}, link), brief(page, answer.problem));
    const [number, note, urgent] = figure(answer.document);
    return el(
      "li",
      { class: urgent ? "card urgent" : "card" },
      el("h3", {}, link),
      el("p", { class: "figure" }, number),
      note ? el("p", { class: "note" }, note) : null,
    );
  };
  const incidents = ({ incidents: open }) => {
    const first = open.reduce((old, one) => (old && old.opened_at <= one.opened_at ? old : one), null);
    const note = first && [say("oldest", show.age(first.age_hours)), " ", show.named(first.kind)];
    return [open.length, note, open.length > 0];
  };
  const reviews = ({ reviews: waiting }) => {
    const note = waiting.length > 0 ? [say("decide_by"), " ", show.time(waiting[0].decide_by)] : null;
    return [waiting.length, note, false];
  };
  const suspensions = ({ suspensions: active }) => {
    const note = active.map((one) => el("span", {}, show.named(one.scope), " ", one.id || null, " "));
    return [active.length, note, active.length > 0];
  };
  const complaints = ({ complaints: waiting }) => {
    const late = waiting.filter((one) => one.overdue).length;
    return [waiting.length, late > 0 ? `${say("overdue")}: ${late}` : null, late > 0];
  };
  const jobs = ({ jobs: all }) => {
    const late = all.filter((one) => one.overdue);
    return [`${late.length} / ${all.length}`, late.length > 0 ? say("jobs_overdue") : null, late.length > 0];
  };
  return [
    el("h2", {}, say("to_do")),
    el(
      "ul",
      { class: "cards" },
      card("incidents", found.incidents, incidents),
      card("reviews", found.reviews, reviews),
      card("suspensions", found.suspensions, suspensions),
      card("complaints", found.complaints, complaints),
      card("jobs", found.jobs, jobs),
    ),
  ];
}

function brief(page, problem) {
  const said = problem.forbidden ? page.say("forbidden") : null;
  return el("p", { class: "note" }, code(problem.code), " ", said || problem.detail);
}

function watched(page, answer) {
  const { say, show } = page;
  const heading = el("h2", {}, say("watch"));
  if (answer.problem) return [heading, show.problem(answer.problem)];
  const { at, measures, failed, details } = answer.document;
  const late = page.now() - Date.parse(at) > WATCH_LATE_S * 1000;
  const rows = Object.entries(measures).sort(([a, x], [b, y]) => rings(b, y) - rings(a, x));
  const written = (name, value) => {
    if (name.endsWith("Age") || name === "CheckpointLag") return show.span(value);
    return name === "LimitUsed" ? say("percent", value) : String(value);
  };
  const border = (name) => {
    if (Object.hasOwn(ALARMS_BELOW, name)) return `< ${ALARMS_BELOW[name]}`;
    return Object.hasOwn(ALARMS, name) ? `≥ ${written(name, ALARMS[name])}` : "–";
  };
  const columns = [
    [say("measure"), ([name]) => show.named(name)],
    [say("value"), ([name, value]) => written(name, value), "amount"],
    [say("alarm"), ([name]) => border(name), "amount"],
    [say("status"), ([name, value]) => (isAlarmed(name) ? mark(page, rings(name, value)) : "–")],
  ];
  const limits = (details.limits && details.limits.used) || [];
  return [
    heading,
    el(
      "p",
      { class: late ? "late" : null },
      say("watch_at"),
      " ",
      show.time(at),
      late ? ` · ${say("watch_late")}` : null,
    ),
    Object.keys(failed).length > 0 ? facts([[say("watch_failed"), show.value(failed)]]) : null,
    table(say("watch"), columns, rows, say("none")),
    limits.length > 0 ? limitsTable(page, limits) : null,
    el("details", {}, el("summary", {}, say("details")), show.value(details)),
  ];
}

function mark({ say }, ringing) {
  return el("span", { class: ringing ? "mark bad" : "mark good" }, say(ringing ? "rings" : "fine"));
}

function limitsTable({ say, show }, limits) {
  const columns = [
    [say("limit"), (one) => code(one.limit)],
    [say("used"), (one) => show.money(one.used_fen), "amount"],
    [say("limit"), (one) => show.money(one.limit_fen), "amount"],
    [say("share"), (one) => say("percent", one.percent), "amount"],
  ];
  return table(say("limits_used"), columns, limits, say("none"), { heard: false });
}
