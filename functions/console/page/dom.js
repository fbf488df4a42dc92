// Elements of the page. Whatever is put in is text: nothing is ever read as HTML.

const ATTRIBUTES = new Set(
  [
    "class id type name value for role tabindex lang scope colspan title hidden open datetime",
    "placeholder pattern maxlength rows min max disabled required checked selected autocomplete autofocus spellcheck accept",
  ].flatMap((names) => names.split(" ")),
);

// An element: el("td", { class: "amount" }, "1,234.56"). `on` are its listeners; null among the children is left out.
export function el(name, { on = {}, ...attributes } = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    const known =
      ATTRIBUTES.has(key) || /^(?:aria|data)-[a-z-]+$/.test(key) || (key === "href" && /^#[a-z/-]*$/.test(value));
    if (!known) throw new TypeError(`No attribute of this page: ${key}`);
    if (value === true) made.setAttribute(key, "");
    else if (value !== false && value !== null && value !== undefined) made.setAttribute(key, String(value));
  }
  for (const [event, listener] of Object.entries(on)) made.addEventListener(event, listener);
  made.append(...nodes(children));
  return made;
}

function nodes(children) {
  return children
    .flat(Infinity)
    .filter((child) => child !== null && child !== undefined && child !== false)
    .map((child) => (typeof child === "object" ? child : document.createTextNode(String(child))));
}

// A table with a caption; columns are [heading, cell of a row, class]. Narrow screens show each row as a card.
// `heard`: the caption repeats the heading above, and is there for those who hear the page.
export function table(caption, columns, rows, empty, { heard = true } = {}) {
  const kind = (place) => columns[place][2] || null;
  const head = columns.map(([heading], place) =>
    el("th", { scope: "col", role: "columnheader", class: kind(place) }, heading),
  );
  const cell = (row, [heading, shown], place) =>
    el("td", { role: "cell", class: kind(place), "data-label": heading }, shown(row));
  const body = rows.map((row) =>
    el(
      "tr",
      { role: "row" },
      columns.map((column, place) => cell(row, column, place)),
    ),
  );
  const made = el(
    "table",
    { role: "table" },
    el("caption", { class: heard ? "heard" : null }, caption),
    el("thead", { role: "rowgroup" }, el("tr", { role: "row" }, head)),
    el("tbody", { role: "rowgroup" }, body),
  );
  return el("div", { class: "table" }, made, rows.length === 0 ? el("p", { class: "empty" }, empty) : null);
}

// Names with their values, one below the other; a value that is not there is left out.
export function facts(pairs) {
  const shown = pairs.filter(([, value]) => value !== undefined && value !== null && value !== "");
  return el(
    "dl",
    {},
    shown.map(([name, value]) => [el("dt", {}, name), el("dd", {}, value)]),
  );
}

export function button(text, act, { danger = false, quiet = false, ...more } = {}) {
  const kind = danger ? "danger" : quiet ? "quiet" : null;
  return el("button", { type: "button", class: kind, on: { click: act }, ...more }, text);
}

// A choice with its label; options are [value, text].
export function choice(label, name, options, chosen, changed) {
  const listed = options.map(([value, text]) => el("option", { value, selected: value === chosen }, text));
  return el(
    "label",
    {},
    el("span", {}, label),
    el("select", { name, on: { change: (event) => changed(event.target.value) } }, listed),
  );
}

// An identifier: set apart, so that it can be told from words and copied whole.
export function code(text) {
  return text === undefined || text === null || text === "" ? null : el("code", {}, text);
}
