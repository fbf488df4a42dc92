// Suspensions, complaints, the platform's own jobs, and who read which evidence.

import { reason } from "./action.js";
import { path } from "./api.js";
import { button, choice, code, el, facts, table } from "./dom.js";
import { shanghaiDay } from "./format.js";

const TEXT_MAX = 2000;
const SCOPES = ["platform", "institution", "partner", "enterprise"];

export async function suspensions(page) {
  const { api, say, show } = page;
  const { document } = await api.get("/v1/operations/suspensions");
  const columns = [
    [say("scope"), (one) => show.named(one.scope)],
    [say("id"), (one) => code(one.id)],
    [say("reason_code"), (one) => code(one.entries.at(-1).reason)],
    [say("since"), (one) => show.time(one.entries.at(-1).at)],
    [say("history"), (one) => el("details", {}, el("summary", {}, say("details")), show.value(one.entries))],
    ["", (one) => button(say("release"), () => release(page, one))],
  ];
  return [
    el("p", {}, say("suspend_about")),
    el(
      "p",
      { class: "buttons" },
      button(say("suspend"), () => suspend(page), { danger: true }),
    ),
    table(say("suspensions"), columns, document.suspensions, say("none")),
  ];
}

function suspend(page) {
  const { api, say } = page;
  const scopes = SCOPES.toReversed().map((scope) => [scope, scope === "platform" ? say("platform") : say.named(scope)]);
  page.ask({
    title: say("suspend"),
    says: say("suspend_says"),
    danger: true,
    go: say("suspend"),
    fields: [
      { name: "scope", label: say("scope"), options: scopes },
      { name: "id", label: say("id"), hint: say("id_hint"), optional: true },
      reason(say, "reason", ["BANK_ACCOUNTS_BLOCKED", "API_FAULTS", "DRILL"]),
    ],
    send: ({ id, ...values }, key) => api.post("/v1/operations/suspensions", id ? { ...values, id } : values, { key }),
  });
}

function release(page, one) {
  const { api, say } = page;
  const whom = one.id ? `${one.scope} ${one.id}` : say("platform");
  const of = one.id ? { scope: one.scope, id: one.id } : { scope: one.scope };
  page.ask({
    title: say("release"),
    says: say("release_says", whom),
    fields: [reason(say, "reason", ["CAUSE_MENDED", "DRILL_OVER"])],
    send: (values, key) =>
      api.post("/v1/operations/changes", { kind: "release", content: { ...of, ...values } }, { key }),
  });
}

export async function complaints(page) {
  const { api, say, show } = page;
  const opened = page.chosen("complaint", "");
  if (opened) return complaint(page, opened);
  const query = { status: page.chosen("status", "waiting"), cursor: page.chosen("cursor", "") };
  const { document } = await api.get("/v1/operations/complaints", query);
  const columns = [
    [say("complaints"), (one) => code(one.complaint_id)],
    [say("category"), (one) => show.named(one.category)],
    [say("about"), (one) => [show.named(one.about.kind), " ", code(one.about.id)]],
    [say("status"), (one) => show.named(one.status)],
    [
      say("answer_by"),
      (one) => [show.time(one.answer_by), one.overdue ? el("span", { class: "mark bad" }, say("overdue")) : null],
    ],
    [say("taken_by"), (one) => one.taken_by],
    ["", (one) => button(say("open"), () => page.choose("complaint")(one.complaint_id))],
  ];
  const options = [
    ["waiting", say("waiting_answer")],
    ["answered", say("answered")],
  ];
  const next = document.next_cursor;
  return [
    el("div", { class: "filters" }, choice(say("status"), "status", options, query.status, page.choose("status"))),
    table(say("complaints"), columns, document.complaints, say("none")),
    next
      ? button(say("next_page"), () => page.choose("cursor")(next))
      : document.more
        ? el("p", { class: "note" }, say("more"))
        : null,
  ];
}

async function complaint(page, complaintId) {
  const { api, say, show } = page;
  const { document: one } = await api.get(path`/v1/operations/complaints/${complaintId}`);
  const isOpen = ["RECEIVED", "IN_PROGRESS", "REOPENED"].includes(one.status);
  const said = (message) =>
    el(
      "li",
      { class: "entry" },
      facts([[message.from === "platform" ? say("answer") : say("complainant"), show.time(message.at)]]),
      el("p", { class: "written" }, message.text),
    );
  const actions = [
    isOpen && one.status !== "IN_PROGRESS" ? button(say("take"), () => take(page, one)) : null,
    isOpen ? button(say("answer"), () => reply(page, one)) : null,
  ];
  return [
    el("h2", {}, say("complaint"), " ", code(one.complaint_id)),
    el(
      "p",
      { class: "buttons" },
      actions,
      button(say("close"), () => page.choose("complaint")(""), { quiet: true }),
    ),
    facts([
      [say("status"), show.named(one.status)],
      [say("category"), show.named(one.category)],
      [say("about"), [show.named(one.about.kind), " ", code(one.about.id)]],
      [say("received"), show.time(one.received_at)],
      [say("answer_by"), [show.time(one.answer_by), one.overdue ? ` ${say("overdue")}` : null]],
      [say("taken_by"), one.taken_by],
    ]),
    el("h3", {}, say("messages")),
    el("ul", { class: "list" }, one.messages.map(said)),
  ];
}

function take(page, one) {
  page.ask({
    title: page.say("take"),
    says: page.say("take_says", one.complaint_id),
    send: (_, key) => page.api.post(path`/v1/operations/complaints/${one.complaint_id}/taking`, undefined, { key }),
  });
}

function reply(page, one) {
  const { api, say } = page;
  page.ask({
    title: say("answer"),
    says: say("answer_says", one.complaint_id),
    fields: [{ name: "text", label: say("answer_text"), kind: "textarea", maxlength: TEXT_MAX }],
    send: (values, key) => api.post(path`/v1/operations/complaints/${one.complaint_id}/answer`, values, { key }),
  });
}

export async function jobs(page) {
  const { api, say, show } = page;
  const job = page.chosen("job", "");
  const day = page.chosen("day", "");
  const [{ document }, runs, compared] = await Promise.all([
    api.get("/v1/operations/jobs"),
    job ? api.get(path`/v1/operations/jobs/${job}/runs`) : null,
    day ? page.shown(api.get(path`/v1/operations/reconciliations/${day}`)) : null,
  ]);
  const newest = (one) => one.newest_run && [one.newest_run.period, " ", show.named(one.newest_run.status)];
  const columns = [
    [
      say("job"),
      (one) => [show.named(one.job), one.overdue ? el("span", { class: "mark bad" }, say("overdue")) : null],
    ],
    [say("purpose"), (one) => show.sentence(one.purpose)],
    [say("last_success"), (one) => show.time(one.last_success_at) || "–"],
    [say("newest_run"), (one) => newest(one) || "–"],
    [
      "",
      (one) => [
        button(say("runs"), () => page.choose("job")(one.job), { quiet: true }),
        button(say("run_now"), () => run(page, one.job)),
      ],
    ],
  ];
  const yesterday = shanghaiDay(page.now() - 86_400_000);
  return [
    table(say("jobs"), columns, document.jobs, say("none")),
    runs ? runsTable(page, job, runs.document.runs) : null,
    el("h2", {}, say("reconciliation")),
    page.lookUp(say("read"), say("day"), page.choose("day"), {
      value: day || yesterday,
      pattern: "[0-9]{4}-[0-9]{2}-[0-9]{2}",
    }),
    compared,
  ];
}

function runsTable(page, job, runs) {
  const { say, show } = page;
  const columns = [
    [say("period"), (one) => one.period],
    [say("status"), (one) => show.named(one.status)],
    [say("started"), (one) => show.time(one.started_at)],
    [say("finished"), (one) => show.time(one.finished_at)],
    [say("progress"), (one) => show.value(one.progress)],
    [say("found"), (one) => el("details", {}, el("summary", {}, say("details")), show.value(one.found))],
  ];
  return [el("h2", {}, say("runs"), " · ", show.named(job)), table(say("runs"), columns, runs, say("none"))];
}

function run(page, job) {
  const { api, say } = page;
  page.ask({
    title: say("run_now"),
    says: say("run_says", say.named(job) || job),
    fields: [
      {
        name: "period",
        label: say("period"),
        hint: say("period_hint"),
        pattern: "[0-9]{4}-[0-9]{2}(?:-[0-9]{2})?",
        optional: true,
      },
      reason(say, "why", ["REPORT_MISSING", "SCHEDULE_MISSED"]),
      { name: "again", label: say("again"), kind: "checkbox" },
    ],
    send: ({ period, ...values }, key) =>
      api.post(path`/v1/operations/jobs/${job}/runs`, period ? { ...values, period } : values, { key }),
    done: () => page.choose("job")(job),
  });
}

export async function accesses(page) {
  const { api, say, show } = page;
  const discountId = page.chosen("discount", "");
  const form = page.lookUp(say("read"), say("discount_id"), page.choose("discount"), { value: discountId });
  const intro = el("p", {}, say("accesses_about"));
  if (!discountId) return [intro, form];
  const found = await page.shown(
    api.get("/v1/operations/accesses", { discount_id: discountId }),
    ({ accesses: listed, more }) => {
      const columns = [
        [say("at"), (one) => show.time(one.event.at)],
        [say("what"), (one) => show.value(one.event.data)],
        [say("by_key"), (one) => code(one.event.by && one.event.by.key)],
        [say("leaf"), (one) => (one.index === null ? "–" : one.index), "amount"],
      ];
      return [
        table(say("accesses"), columns, listed, say("none")),
        more ? el("p", { class: "note" }, say("more")) : null,
      ];
    },
  );
  return [intro, form, found];
}
