// What persons settle and decide: incidents, reviews, executions that failed, dead letters.

import { reason } from "./action.js";
import { path } from "./api.js";
import { button, choice, code, el, facts, table } from "./dom.js";

export const KINDS = [
  "PAID_NOT_ENDORSED",
  "PAYMENT_RETURNED",
  "PAID_AFTER_FAILURE",
  "STATEMENT_DIFFERS",
  "BILL_LOCKED",
  "LIMITS_DIFFER",
  "EVENT_NOT_IN_LOG",
  "LEAF_WITHOUT_EVENT",
  "EVENT_UNLOGGED",
  "LOG_REFUSED_BY_WITNESS",
  "WITNESS_UNABLE",
  "COMPLAINT_OVERDUE",
  "COMPENSATION_OVERDUE",
  "STUCK",
  "BUSINESS_UNUSUAL",
  "AUDIT_FINDING",
  "AUDIT_REVIEW",
  "BACKUP_DAMAGED",
  "BACKUP_DIFFERS",
  "RECOVERY_MISSED",
  "RESTORED",
  "LOOKALIKE_DOMAIN",
  "DUTY_OVERDUE",
  "FINDING_OVERDUE",
];
export const DESKS = ["bill_operations", "treasury", "credit", "service", "compliance", "platform"];

const worded = (say, values) =>
  values.map((value) => [value, say.named(value) ? `${say.named(value)} ${value}` : value]);

export async function incidents(page) {
  const { api, say, show, chosen } = page;
  const query = { status: chosen("status", "open"), kind: chosen("kind", ""), owner: chosen("owner", "") };
  const { document } = await api.get("/v1/operations/incidents", query);
  const filters = el(
    "div",
    { class: "filters" },
    choice(
      say("status"),
      "status",
      [
        ["open", say.named("OPEN")],
        ["resolved", say.named("RESOLVED")],
      ],
      query.status,
      page.choose("status"),
    ),
    choice(say("kind"), "kind", [["", say("all")], ...worded(say, KINDS)], query.kind, page.choose("kind")),
    choice(say("owner"), "owner", [["", say("all")], ...worded(say, DESKS)], query.owner, page.choose("owner")),
  );
  const list = document.incidents.map((one) => incident(page, one));
  return [
    filters,
    list.length === 0 ? el("p", { class: "empty" }, say("none")) : el("ul", { class: "list" }, list),
    document.more ? el("p", { class: "note" }, say("more")) : null,
  ];
}

function incident(page, one) {
  const { say, show } = page;
  const isOpen = one.status === "OPEN";
  return el(
    "li",
    { class: "entry" },
    el("h3", {}, show.named(one.kind)),
    one.what_next
      ? el("p", { class: "next" }, el("strong", {}, say("what_next")), " ", show.sentence(one.what_next))
      : null,
    facts([
      [say("subject"), code(one.subject)],
      [say("opened"), [show.time(one.opened_at), " · ", say("age"), " ", show.age(one.age_hours)]],
      [say("owner"), show.named(one.owner)],
      [say("assignee"), one.assignee],
      [say("resolved_by"), one.resolved_by && [one.resolved_by, " ", show.time(one.resolved_at), " ", code(one.note)]],
      [say("id"), code(one.incident_id)],
    ]),
    el("details", {}, el("summary", {}, say("details")), show.value(one.data)),
    isOpen
      ? el(
          "p",
          { class: "buttons" },
          button(say("assign"), () => assign(page, one)),
          button(say("resolve"), () => resolve(page, one), { danger: true }),
        )
      : null,
  );
}

function assign(page, one) {
  const { api, say } = page;
  const assignee = {
    name: "assignee",
    label: say("assignee"),
    hint: say("assignee_hint"),
    pattern: "[A-Za-z0-9][A-Za-z0-9._\\-]{0,63}",
    value: one.assignee || page.caller,
  };
  page.ask({
    title: say("assign"),
    says: say("assign_says", one.incident_id, one.kind),
    fields: [assignee],
    send: (values, key) => api.post(path`/v1/operations/incidents/${one.incident_id}/assignment`, values, { key }),
  });
}

function resolve(page, one) {
  const { api, say } = page;
  page.ask({
    title: say("resolve"),
    says: say("resolve_says", one.incident_id, one.kind),
    danger: true,
    fields: [reason(say, "note", ["BANK_CORRECTED", "PAID_BY_HAND", "LOOKED_INTO"])],
    send: (values, key) => api.post(path`/v1/operations/incidents/${one.incident_id}/resolution`, values, { key }),
  });
}

export async function reviews(page) {
  const { api, say, show } = page;
  const opened = page.chosen("discount", "");
  if (opened) return review(page, opened);
  const { document } = await api.get("/v1/operations/reviews");
  const columns = [
    [say("discount"), (one) => code(one.discount.discount_id)],
    [say("doubted"), (one) => code(one.discount.reason)],
    [say("face"), (one) => show.money(one.discount.face_fen), "amount"],
    [say.named("institution"), (one) => one.discount.institution_id],
    [say("decide_by"), (one) => show.time(one.decide_by)],
    ["", (one) => button(say("open"), () => page.choose("discount")(one.discount.discount_id))],
  ];
  return [
    el("p", {}, say("reviews_about")),
    table(say("reviews"), columns, document.reviews, say("none")),
    document.more ? el("p", { class: "note" }, say("more")) : null,
    page.lookUp(say("by_id"), say("discount_id"), page.choose("discount")),
  ];
}

async function review(page, discountId) {
  const { api, say, show } = page;
  const { document } = await api.get(path`/v1/operations/reviews/${discountId}`);
  const { discount, verified, findings } = document;
  const waits = discount.status === "IN_REVIEW" && discount.review === undefined;
  const back = button(say("close"), () => page.choose("discount")(""), { quiet: true });
  const decisions = [
    button(say("approve"), () => decide(page, discount, "approve")),
    button(say("reject"), () => decide(page, discount, "reject"), { danger: true }),
  ];
  return [
    el("h2", {}, say("discount"), " ", code(discount.discount_id)),
    el("p", {}, show.named(discount.status), " ", code(discount.reason)),
    el("p", { class: "buttons" }, back),
    el("h3", {}, say("findings")),
    show.value(findings),
    el("h3", {}, say("evidence")),
    show.value(verified),
    el("h3", {}, say("discount")),
    show.value(discount),
    waits ? el("p", { class: "buttons" }, decisions) : null,
  ];
}

function decide(page, discount, decision) {
  const { api, say, show } = page;
  page.ask({
    title: say(decision),
    says: say(`${decision}_says`, discount.discount_id, show.money(discount.face_fen)),
    danger: decision === "reject",
    go: say(decision),
    fields: [reason(say, "note", decision === "approve" ? ["FILES_SEEN"] : ["FILES_MISSING", "TRADE_DOUBTED"])],
    send: ({ note }, key) =>
      api.post(path`/v1/operations/reviews/${discount.discount_id}`, { decision, note }, { key }),
    done: () => page.choose("discount")(""),
  });
}

const SPANS = [
  ["failed 2h", "failed_since", 7200],
  ["failed 1d", "failed_since", 86400],
  ["failed 14d", "failed_since", 14 * 86400],
  ["stuck 10m", "stuck_since", 600],
  ["stuck 30m", "stuck_since", 1800],
];

export async function executions(page) {
  const { api, say, show } = page;
  const which = page.chosen("which", "failed 1d");
  const [status, since] = which.split(" ");
  const options = SPANS.map(([value, word, seconds]) => [value, say(word, show.span(seconds))]);
  const [listed, letters] = await Promise.all([
    api.get("/v1/operations/executions", { status, since }),
    api.get("/v1/operations/dead-letters"),
  ]);
  const columns = [
    [say("discount"), (one) => code(one.discount_id)],
    [say("status"), (one) => show.named(one.discount_status)],
    [say("error"), (one) => code(one.error)],
    [say("since"), (one) => show.time(one.since)],
    [say("replays"), (one) => one.replays, "amount"],
    [say("what_next"), (one) => show.sentence(one.what_next)],
    ["", (one) => button(say("replay"), () => replay(page, one))],
  ];
  return [
    el("div", { class: "filters" }, choice(say("which"), "which", options, which, page.choose("which"))),
    table(say("executions"), columns, listed.document.executions, say("none")),
    listed.document.more ? el("p", { class: "note" }, say("more")) : null,
    el("h2", {}, say("dead_letters")),
    deadLetters(page, letters.document.paths),
  ];
}

function deadLetters(page, paths) {
  const { say, show } = page;
  const oldest = (one) => el("li", {}, show.time(one.at), " ", code(one.error), " ", code(one.key));
  const columns = [
    [say("path"), (one) => code(one.path)],
    [say("waiting"), (one) => one.waiting, "amount"],
    [
      say("oldest_letters"),
      (one) => (one.letters.length ? el("ul", { class: "values" }, one.letters.map(oldest)) : "–"),
    ],
    ["", (one) => (one.waiting > 0 ? button(say("redeliver"), () => redeliver(page, one)) : null)],
  ];
  return table(say("dead_letters"), columns, paths, say("none"));
}

function replay(page, one) {
  const { api, say, show } = page;
  page.ask({
    title: say("replay"),
    says: say("replay_says", one.discount_id),
    about: el("p", { class: "next" }, show.sentence(one.what_next)),
    fields: [reason(say, "why", ["CAUSE_MENDED", "BANK_MENDED", "REGISTRY_MENDED"])],
    send: (values, key) => api.post(path`/v1/operations/executions/${one.execution}/replay`, values, { key }),
  });
}

function redeliver(page, one) {
  const { api, say } = page;
  page.ask({
    title: say("redeliver"),
    says: say("redeliver_says", one.path),
    fields: [reason(say, "why", ["FUNCTION_MENDED", "SWEEPER_MENDED"])],
    send: (values, key) => api.post(path`/v1/operations/dead-letters/${one.path}/redelivery`, values, { key }),
  });
}
