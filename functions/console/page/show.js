// How what the API answers is shown: money, times, codes beside their names, and whatever else it holds.

import { code, el, facts } from "./dom.js";
import { instant, parts, percent, yuan } from "./format.js";

const INSTANT = /^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+(?:Z|[+-][0-9:]{5})$/;
const DEEP = 12;

export class Show {
  constructor(say) {
    this.say = say;
  }

  money(fen) {
    return fen === undefined || fen === null ? null : this.say("yuan", yuan(fen));
  }

  rate(text) {
    return text === undefined || text === null ? null : this.say("percent", percent(text));
  }

  time(text) {
    return text === undefined || text === null ? null : el("time", { datetime: text }, instant(text));
  }

  span(seconds) {
    return parts(seconds)
      .map(([number, unit]) => `${number} ${this.say(unit)}`)
      .join(" ");
  }

  // An age that is known in whole hours.
  age(hours) {
    return hours === 0 ? this.say("under_an_hour") : this.span(hours * 3600);
  }

  // A code of the API, after its name where it has one.
  named(value) {
    if (value === undefined || value === null || value === "") return null;
    const name = this.say.named(value);
    return name ? el("span", { class: "named" }, name, " ", code(value)) : code(value);
  }

  // Any value of an answer: objects as names and values, lists below one another, the rest as text.
  value(value, key = "", depth = 0) {
    if (value === null || value === undefined || value === "") return "–";
    if (depth > DEEP) return "…";
    if (Array.isArray(value)) {
      if (value.length === 0) return "–";
      if (value.every((one) => one === null || typeof one !== "object")) {
        return value.map((one, place) => [place > 0 ? " · " : "", this.value(one, key, depth + 1)]);
      }
      return el(
        "ul",
        { class: "values" },
        value.map((one) => el("li", {}, this.value(one, key, depth + 1))),
      );
    }
    if (typeof value === "object") {
      const pairs = Object.entries(value).map(([name, inner]) => [code(name), this.value(inner, name, depth + 1)]);
      return pairs.length === 0 ? "–" : facts(pairs);
    }
    if (typeof value === "boolean") return this.say(value ? "yes" : "no");
    if (typeof value === "number") return key.endsWith("_fen") ? this.money(value) : String(value);
    if (key.endsWith("_rate")) return this.rate(String(value));
    return INSTANT.test(value) ? this.time(value) : String(value);
  }

  // What went wrong, with its code, the field and what to do next.
  problem(problem) {
    const said = this.say.knows(problem.code) ? this.say(problem.code) : null;
    return el(
      "section",
      { class: "problem", role: "alert" },
      el("h3", {}, this.say("failed")),
      el("p", {}, code(problem.code), " ", problem.forbidden ? this.say("forbidden") : null),
      said ? el("p", {}, said) : null,
      problem.detail ? el("p", { lang: "en", class: "note" }, problem.detail) : null,
      facts([
        [this.say("field"), code(problem.field)],
        [this.say("request"), code(problem.requestId)],
      ]),
    );
  }

  // A sentence of the API, in the reader's language where that is known.
  sentence(text) {
    const [said, lang] = this.say.sentence(text);
    return el("span", { lang }, said);
  }

  // An error of a request as a problem; anything else is thrown on.
  failure(error) {
    if (error.name === "SignedOut") throw error;
    if (error.code === undefined) throw error;
    return this.problem(error);
  }
}
