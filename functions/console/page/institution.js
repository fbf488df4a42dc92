// An institution's side: what it holds, what it funds, its rates and limit, and their changes by two of its persons.

import { path } from "./api.js";
import { changesOf } from "./changes.js";
import { button, choice, code, el, facts, table } from "./dom.js";
import { fenOf, percent, yuan } from "./format.js";

const STATUSES = [
  "ACCEPTED",
  "IN_REVIEW",
  "AWAITING_CONFIRMATION",
  "VERIFIED",
  "SEALED",
  "DISBURSED",
  "RETURNED",
  "REFUSED",
  "FAILED",
];

export async function portfolio(page) {
  const { api, say, show } = page;
  const { document: held } = await api.get("/v1/institution/portfolio");
  const days = (step) =>
    step.to_days === null ? say("days_from", step.from_days) : say("days_span", step.from_days, step.to_days);
  const ladder = [
    [say("days"), days],
    [say("count"), (one) => one.count, "amount"],
    [say("face"), (one) => show.money(one.face_fen), "amount"],
    [
      "",
      (one) => el("meter", { min: 0, max: Math.max(1, held.face_fen), value: one.face_fen, "aria-label": days(one) }),
    ],
  ];
  const acceptors = [
    [say("acceptor"), (one) => code(one.acceptor_bank_code)],
    [say("acceptor_class"), (one) => code(one.acceptor_class)],
    [say("count"), (one) => one.count, "amount"],
    [say("face"), (one) => show.money(one.face_fen), "amount"],
    [say("share"), (one) => show.rate(one.percent), "amount"],
  ];
  const counted = (one) => `${one.count} · ${say("yuan", yuan(one.face_fen))}`;
  return [
    facts([
      [say("as_of"), held.as_of],
      [say("count"), String(held.count)],
      [say("face"), show.money(held.face_fen)],
      [say("cost"), show.money(held.cost_fen)],
      [say("annual_rate"), show.rate(held.yield.annual_rate)],
      [say("to_maturity"), show.rate(held.yield.to_maturity)],
      [say("days_to_maturity"), held.yield.days_to_maturity && percent(held.yield.days_to_maturity)],
      [say("returned"), counted(held.returned)],
      [say("not_endorsed"), counted(held.not_endorsed)],
    ]),
    table(say("ladder"), ladder, held.ladder, say("none"), { heard: false }),
    table(say("concentration"), acceptors, held.concentration.acceptors, say("none"), { heard: false }),
  ];
}

export async function discounts(page) {
  const { api, say, show } = page;
  const opened = page.chosen("discount", "");
  if (opened) return discount(page, opened);
  const query = { status: page.chosen("status", ""), cursor: page.chosen("cursor", ""), limit: "50" };
  const { document } = await api.get("/v1/institution/discounts", query);
  const options = [["", say("all")], ...STATUSES.map((status) => [status, `${say.named(status)} ${status}`])];
  const columns = [
    [say("discount"), (one) => code(one.discount_id)],
    [say("status"), (one) => [show.named(one.status), " ", code(one.reason)]],
    [say("face"), (one) => show.money(one.face_fen), "amount"],
    [say("proceeds"), (one) => show.money(one.proceeds_fen), "amount"],
    [say("rate"), (one) => show.rate(one.annual_rate), "amount"],
    [say("accepted"), (one) => show.time(one.accepted_at)],
    [say("due"), (one) => one.due_date],
    ["", (one) => button(say("open"), () => page.choose("discount")(one.discount_id))],
  ];
  const next = document.next_cursor;
  return [
    el("div", { class: "filters" }, choice(say("status"), "status", options, query.status, page.choose("status"))),
    table(say("discounts"), columns, document.discounts, say("none")),
    next ? button(say("next_page"), () => page.choose("cursor")(next)) : null,
  ];
}

async function discount(page, discountId) {
  const { api, say, show } = page;
  const { document } = await api.get(path`/v1/discounts/${discountId}`);
  return [
    el("h2", {}, say("discount"), " ", code(document.discount_id)),
    el(
      "p",
      { class: "buttons" },
      button(say("close"), () => page.choose("discount")(""), { quiet: true }),
    ),
    el("p", {}, show.named(document.status), " ", code(document.reason)),
    show.value(document),
  ];
}

export async function terms(page) {
  const { api, say, show } = page;
  const { document } = await api.get("/v1/institution/rates");
  const { limit, fee } = document;
  return [
    facts([
      [say.named("institution"), code(document.institution_id)],
      [say("limit"), show.money(limit.limit_fen)],
      [say("used"), show.money(limit.used_fen)],
      [say("free"), show.money(limit.free_fen)],
      [say("fee"), `${say("fee_flat", say("yuan", yuan(fee.flat_fen)))} · ${say("fee_share", fee.per_million)}`],
    ]),
    el(
      "p",
      { class: "buttons" },
      button(say("propose_limit"), () => proposeLimit(page)),
    ),
    document.rate_tables.toReversed().map((one) => rates(page, one, document.version_in_force)),
    el("h2", {}, say("changes")),
    el("p", {}, say("changes_about")),
    await changesOf(page, "/v1/institution/changes"),
  ];
}

function rates(page, one, inForce) {
  const { say, show } = page;
  const isHolding = one.version === inForce;
  const band = (row) => {
    const to = row.max_fen === undefined || row.max_fen === null ? "…" : show.money(row.max_fen);
    return `${show.money(row.min_fen || 0)} – ${to}`;
  };
  const columns = [
    [say("acceptor_class"), (row) => code(row.acceptor_class)],
    [say("up_to_days"), (row) => row.max_days, "amount"],
    [say("amount_band"), band],
    [say("rate"), (row) => show.rate(row.annual_rate), "amount"],
  ];
  const until = one.valid_to ? [" – ", show.time(one.valid_to)] : null;
  return el(
    "details",
    { open: isHolding },
    el(
      "summary",
      {},
      say("rate_table", one.version),
      isHolding ? [" ", el("span", { class: "mark good" }, say("holds_now"))] : null,
    ),
    facts([
      [say("valid"), [show.time(one.valid_from), until]],
      [say("proposed_by"), one.proposed_by],
      [say("decided_by"), one.approved_by && [one.approved_by, " ", show.time(one.approved_at)]],
    ]),
    table(say("rate_table", one.version), columns, one.rows, say("none")),
  );
}

function proposeLimit(page) {
  const { api, say } = page;
  page.ask({
    title: say("propose_limit"),
    says: say("propose_limit_says"),
    fields: [{ name: "limit", label: say("limit_yuan"), hint: say("amount_wrong") }],
    send: async (values, key) => {
      const limit_fen = fenOf(values.limit);
      if (limit_fen === null) throw Object.assign(new Error(), { code: "amount_wrong", status: 422 });
      return api.post("/v1/institution/limits", { limit_fen }, { key });
    },
  });
}
