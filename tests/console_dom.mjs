// As much of a document as the console's page uses, in Node.js: text stays text, and HTML is read by nothing.

class Node {
  parent = null;
  remove() {
    if (this.parent) this.parent.children = this.parent.children.filter((one) => one !== this);
    this.parent = null;
  }
}

class Text extends Node {
  constructor(text) {
    super();
    this.text = text;
  }
  get textContent() {
    return this.text;
  }
}

class Element extends Node {
  children = [];
  attributes = {};
  listeners = {};
  disabled = false;
  hidden = false;
  checked = false;
  isOpen = false;
  constructor(name) {
    super();
    this.name = name;
  }
  setAttribute(name, value) {
    this.attributes[name] = value;
  }
  removeAttribute(name) {
    delete this.attributes[name];
  }
  addEventListener(type, listener) {
    if (listener) (this.listeners[type] ||= []).push(listener);
  }
  append(...nodes) {
    for (const node of nodes) {
      const child = node instanceof Node ? node : new Text(String(node));
      child.parent = this;
      this.children.push(child);
    }
  }
  replaceChildren(...nodes) {
    this.children = [];
    this.append(...nodes);
  }
  get textContent() {
    return this.children.map((one) => one.textContent).join("");
  }
  set textContent(text) {
    this.replaceChildren(new Text(String(text)));
  }
  // A select has the value of its first option, where none was chosen.
  get value() {
    const first =
      this.name === "select" ? this.children.find((one) => "selected" in one.attributes) || this.children[0] : null;
    return this.written ?? first?.attributes.value ?? this.attributes.value ?? "";
  }
  set value(text) {
    this.written = text;
  }
  set innerHTML(_) {
    throw new Error("Nothing is ever read as HTML.");
  }
  focus() {}
  showModal() {
    this.isOpen = true;
  }
  close() {
    this.isOpen = false;
    this.dispatch("close");
  }
  dispatch(type) {
    return Promise.all((this.listeners[type] || []).map((listener) => listener({ preventDefault() {}, target: this })));
  }
}

export function install() {
  const body = new Element("body");
  globalThis.document = {
    body,
    activeElement: null,
    createElement: (name) => new Element(name),
    createTextNode: (text) => new Text(text),
  };
  return body;
}

// The page as index.html has it, with what app.js needs around it; answers a way to let time pass.
export function installPage(ids) {
  const body = install(),
    listeners = {},
    ticks = [];
  for (const id of ids) {
    const part = new Element("div");
    part.setAttribute("id", id);
    body.append(part);
  }
  let hash = "",
    later = 0;
  const really = Date.now;
  Date.now = () => really() + later;
  const dispatch = (type) => (listeners[type] || []).forEach((listener) => listener({}));
  Object.assign(document, {
    documentElement: new Element("html"),
    title: "",
    addEventListener: () => {},
    getElementById: (id) => elements(body).find((one) => one.attributes.id === id),
    querySelectorAll: (name) => elements(body).filter((one) => one.name === name),
  });
  Object.assign(globalThis, {
    isSecureContext: true,
    addEventListener: (type, listener) => (listeners[type] ||= []).push(listener),
    setInterval: (tick) => ticks.push(tick),
    history: { replaceState: () => (hash = "") },
    location: {
      pathname: "/v/console",
      get hash() {
        return hash;
      },
      set hash(text) {
        hash = `#${text}`;
        dispatch("hashchange");
      },
    },
  });
  const pass = (ms) => {
    later += ms;
    ticks.forEach((tick) => tick());
  };
  return { dispatch, pass };
}

export function shown(nodes) {
  const root = new Element("main");
  root.append(...[nodes].flat(Infinity).filter((one) => one !== null && one !== undefined && one !== false));
  return root;
}

// Every element below a node, itself among them.
export function elements(node) {
  return node instanceof Element ? [node, ...node.children.flatMap(elements)] : [];
}

export function buttons(node) {
  return elements(node)
    .filter((one) => one.name === "button")
    .map((one) => one.textContent);
}

export function press(node, text, place = 0) {
  const found = elements(node).filter((one) => one.name === "button" && one.textContent === text)[place];
  if (!found) throw new Error(`There is no button ${text} but ${buttons(node)}.`);
  return found.dispatch("click");
}

// Fill in the open dialog and submit it; answers the dialog.
export async function fill(values) {
  const dialog = elements(document.body).find((one) => one.name === "dialog" && one.isOpen);
  if (!dialog) throw new Error("No dialog is open.");
  for (const [name, value] of Object.entries(values)) {
    const control = elements(dialog).find((one) => one.attributes.name === name);
    if (typeof value === "boolean") control.checked = value;
    else control.value = value;
  }
  await elements(dialog)
    .find((one) => one.name === "form")
    .dispatch("submit");
  return dialog;
}
