// The rows are in inert blocks, with a list for each column. The pictures of a block's faces are in another
// block, with a line for each row. Nothing here is ever parsed as HTML: every text is a text node.

const about = JSON.parse(document.getElementById("about").textContent);
const { expressions, reports } = about;
const PAGE = about.page;
const MOST_BARS = 62;

const table = {};
const origin = [];
document.querySelectorAll("script.rows").forEach((script, block) => {
  const columns = JSON.parse(script.textContent);
  for (const [name, values] of Object.entries(columns)) (table[name] ??= []).push(...values);
  columns.path.forEach((_, line) => origin.push([block, line]));
});
const cropScripts = document.querySelectorAll("script.crops");
const cropLines = new Map();
const count = origin.length;
const every = Array.from({ length: count }, (_, row) => row);
const lower = every.map((row) => table.path[row].toLowerCase());
const folders = every.map((row) => table.path[row].replace(/[^/\\]*$/, ""));
const certainty = every.map((row) => table.confidence[row]);

const byId = (id) => document.getElementById(id);
const form = byId("filters");
const dialog = byId("face");
const list = byId("list");

let shown = [];
let members = null;
let page = 0;
let opened = -1;
let period = null;

function element(name, properties = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (key in made) made[key] = value;
    else made.setAttribute(key, value);
  }
  made.append(...children.filter((child) => child !== null));
  return made;
}

const percent = (share, digits = 0) => `${(100 * share).toFixed(digits)}%`;
const counted = (number, noun) => `${number.toLocaleString("en")} ${noun}${number === 1 ? "" : "s"}`;
// A direction mark could make a name look like another one, so its number is shown instead. A right-to-left
// name must not reorder the words around it.
const HIDDEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;
const visible = (text) => text.replace(HIDDEN, (sign) => `\\u{${sign.codePointAt(0).toString(16)}}`);
const isolated = (text) => element("bdi", {}, visible(text));
const fileName = (row) => table.path[row].slice(folders[row].length) || table.path[row];

function crop(row) {
  const [block, line] = origin[row];
  if (!cropLines.has(block)) cropLines.set(block, cropScripts[block].textContent.split("\n"));
  return cropLines.get(block)[line];
}

function picture(row, alt) {
  const data = crop(row);
  return data
    ? element("img", { className: "crop", alt, width: 96, height: 96, src: `data:image/webp;base64,${data}` })
    : element("span", { className: "crop gone" }, alt || "no picture");
}

// Which rows, in which order

const field = (name) => form.elements[name];
const number = (name, otherwise) => (field(name).value === "" ? otherwise : Number(field(name).value) / 100);

function wanted() {
  const status = field("status").value;
  const chosen = new Set([...form.querySelectorAll("[name=expression]:checked")].map((box) => box.value));
  const words = field("text").value.toLowerCase().split(/\s+/).filter(Boolean);
  const folder = field("folder").value;
  const report = field("report").value;
  // Half a percent on either side: a face that is shown as 60% is found from 60 to 60.
  const least = number("least", 0) - 0.005;
  const most = number("most", 1) + 0.005;
  return (row) =>
    table.status[row] === status &&
    (report === "" || table.report[row] === Number(report)) &&
    (folder === "" || folders[row] === folders[Number(folder)]) &&
    (period === null || (table.taken[row] ?? "").startsWith(period)) &&
    words.every((word) => lower[row].includes(word)) &&
    (status !== "ok" ||
      (certainty[row] >= least && certainty[row] < most && chosen.has(table.expression[row])));
}

const ORDERS = {
  least: (a, b) => certainty[a] - certainty[b],
  most: (a, b) => certainty[b] - certainty[a],
  report: (a, b) => a - b,
  taken: (a, b) => compareText(table.taken[a] ?? "~", table.taken[b] ?? "~"),
};
const GROUPS = {
  none: null,
  expression: { key: (row) => expressions.indexOf(table.expression[row]), label: (row) => table.expression[row] },
  confidence: { key: tenth, label: (row) => `${10 * tenth(row)}% to ${10 * tenth(row) + 10}% confident` },
  folder: { key: (row) => folders[row], label: (row) => isolated(folders[row] || "no folder") },
  report: { key: (row) => table.report[row], label: (row) => isolated(reports[table.report[row]]) },
};

function tenth(row) {
  return Math.min(9, Math.floor(10 * certainty[row] + 1e-9));
}

function compareText(a, b) {
  return a < b ? -1 : a > b ? 1 : 0;
}

function grouping() {
  return field("status").value === "ok" ? GROUPS[field("group").value] : null;
}

// Each order is sorted once; filters only leave rows out.
const inOrder = new Map();
function ordered(name) {
  if (!inOrder.has(name)) inOrder.set(name, [...every].sort((a, b) => ORDERS[name](a, b) || a - b));
  return inOrder.get(name);
}

function apply() {
  shown = ordered(field("status").value === "ok" ? field("order").value : "report").filter(wanted());
  const group = grouping();
  members = new Map();
  if (group) {
    for (const row of shown) {
      const key = group.key(row);
      if (!members.has(key)) members.set(key, []);
      members.get(key).push(row);
    }
    const keys = [...members.keys()].sort((a, b) => (typeof a === "number" ? a - b : compareText(a, b)));
    shown = keys.flatMap((key) => members.get(key));
  }
  turn(0);
}

// The current page of faces: only these are in the document

const NOUNS = { ok: "face", no_face: "photo", error: "photo" };

function turn(to) {
  page = Math.max(0, Math.min(to, Math.ceil(shown.length / PAGE) - 1));
  const rows = shown.slice(page * PAGE, (page + 1) * PAGE);
  const status = field("status").value;
  list.replaceChildren(...(status === "ok" ? faces(rows) : [photos(rows)]));
  const first = page * PAGE + 1;
  const part = shown.length > rows.length ? `, ${first} to ${first + rows.length - 1} shown` : "";
  byId("found").textContent = shown.length ? `${counted(shown.length, NOUNS[status])}${part}` : "Nothing matches these filters.";
  for (const button of document.querySelectorAll("[data-turn]")) {
    const target = page + Number(button.dataset.turn);
    button.disabled = target < 0 || target * PAGE >= shown.length;
  }
  for (const pager of document.querySelectorAll(".pager")) pager.hidden = shown.length <= PAGE;
}

function faces(rows) {
  const group = grouping();
  const parts = [];
  let tiles = null;
  let last;
  for (const row of rows) {
    const key = group?.key(row);
    if (tiles === null || key !== last) {
      tiles = element("ul", { className: "faces" });
      if (group) parts.push(element("h3", {}, group.label(row), ` (${counted(members.get(key).length, "face")})`));
      parts.push(tiles);
    }
    last = key;
    tiles.append(tile(row));
  }
  const first = parts.find((part) => part.localName === "ul")?.querySelector("button");
  if (first) first.tabIndex = 0;
  return parts;
}

function tile(row) {
  const name = fileName(row);
  const said = `${table.expression[row]} ${percent(certainty[row])}`;
  const button = element(
    "button",
    { type: "button", className: table.expression[row], tabIndex: -1, title: visible(table.path[row]) },
    picture(row, ""),
    element("span", { className: "label" }, said),
    element("span", { className: "unseen" }, ", face ", String(table.face[row]), " of ", isolated(name)),
  );
  button.dataset.row = row;
  return element("li", {}, button);
}

function photos(rows) {
  return element("ul", { className: "photos" }, ...rows.map((row) => {
    const name = isolated(table.path[row]);
    const link = table.link[row];
    const why = table.error[row];
    return element("li", {}, link ? element("a", { href: link }, name) : name, why ? element("div", { className: "quiet" }, isolated(why)) : null);
  }));
}

// One face

function open(place) {
  opened = place;
  if (Math.floor(place / PAGE) !== page) turn(Math.floor(place / PAGE));
  const row = shown[place];
  byId("face-name").replaceChildren(`Face ${table.face[row]} of `, isolated(fileName(row)));
  byId("face-photo").replaceChildren(...whole(row));
  byId("face-facts").replaceChildren(probabilities(row), facts(row));
  byId("face-before").disabled = place === 0;
  byId("face-after").disabled = place === shown.length - 1;
  byId("face-place").textContent = `${(place + 1).toLocaleString("en")} of ${shown.length.toLocaleString("en")}`;
  if (!dialog.open) dialog.showModal();
  dialog.scrollTop = 0;
}

function whole(row) {
  const link = table.link[row];
  const small = (words) => [picture(row, "The face"), element("figcaption", {}, words)];
  if (!link) return small("The page has no link to this photo: it was not found when the page was made, or the page was written to a store.");
  const [x1, y1, x2, y2] = ["x1", "y1", "x2", "y2"].map((name) => table[name][row]);
  const [width, height] = [table.width[row], table.height[row]];
  const box = element("div", { className: "box", hidden: true });
  const img = element("img", { alt: `The photo ${visible(fileName(row))}, with a box around the face` });
  const figure = byId("face-photo");
  img.addEventListener("load", () => {
    // If the browser rotates the photo differently, it shows no box rather than a wrong one.
    box.hidden = !(img.naturalWidth * height === img.naturalHeight * width);
    Object.assign(box.style, {
      left: percent(x1 / width, 3), top: percent(y1 / height, 3),
      width: percent((x2 - x1) / width, 3), height: percent((y2 - y1) / height, 3),
    });
  });
  img.addEventListener("error", () => {
    if (img.isConnected) figure.replaceChildren(...small("The browser cannot show the photo: it was moved, or browsers do not support its format."));
  });
  img.src = link;
  return [
    element("div", { className: "photo" }, img, box),
    element("figcaption", {}, element("a", { href: link }, "Open the photo")),
  ];
}

function probabilities(row) {
  const others = rivals(row);
  const best = table.expression[row];
  const head = others.length
    ? element("thead", {}, element("tr", {}, element("td"), ...[row, ...others].map((each) =>
        element("th", { scope: "col", className: "name" }, isolated(reports[table.report[each]])))))
    : null;
  const lines = expressions.map((name) =>
    element(
      "tr",
      { className: name === best ? `${name} best` : name },
      element("th", { scope: "row" }, name),
      ...[row, ...others].map((each) => element("td", { className: "number" }, percent(table[name][each], 1))),
      others.length ? null : element("td", { "aria-hidden": "true" }, track(table[name][row])),
    ));
  return element("table", {}, element("caption", {}, "Probabilities"), head, element("tbody", {}, ...lines));
}

function track(share) {
  const part = element("div");
  part.style.width = percent(share, 1);
  return element("div", { className: "track" }, part);
}

// The same face in the other reports: that of the same photo whose box covers most of this one's.
function rivals(row) {
  if (reports.length < 2) return [];
  const found = new Map();
  for (const other of every) {
    if (table.path[other] !== table.path[row] || table.report[other] === table.report[row] || table.status[other] !== "ok") continue;
    const share = overlap(row, other);
    const before = found.get(table.report[other]);
    if (share > 0.5 && (!before || share > before.share)) found.set(table.report[other], { share, other });
  }
  return [...found.values()].map(({ other }) => other);
}

function overlap(a, b) {
  const side = (low, high) => Math.max(0, Math.min(table[high][a], table[high][b]) - Math.max(table[low][a], table[low][b]));
  const area = (row) => (table.x2[row] - table.x1[row]) * (table.y2[row] - table.y1[row]);
  const common = side("x1", "x2") * side("y1", "y2");
  return common / (area(a) + area(b) - common) || 0;
}

function facts(row) {
  const box = ["x1", "y1", "x2", "y2"].map((name) => table[name][row]).join(", ");
  const lines = [
    ["Photo", isolated(table.path[row])],
    ["Box", `${box} pixels`],
    ["Detector's score", String(table.score[row])],
  ];
  if (table.width[row]) lines.push(["Size", `${table.width[row]} × ${table.height[row]} pixels`]);
  if (table.taken[row]) lines.push(["Taken", table.taken[row].replace("T", " ")]);
  if (reports.length > 1) lines.push(["Report", isolated(reports[table.report[row]])]);
  return element("dl", { className: "settings" }, ...lines.flatMap(([name, value]) => [element("dt", {}, name), element("dd", {}, value)]));
}

// When the photos were taken

function timeline() {
  const dated = every.filter((row) => table.status[row] === "ok" && table.taken[row]);
  if (!dated.length) return;
  const lengths = [13, 10, 7, 4]; // an hour, a day, a month, a year of YYYY-MM-DDTHH:MM:SS
  const bins = (length) => {
    const counts = new Map();
    for (const row of dated) {
      const key = table.taken[row].slice(0, length);
      if (!counts.has(key)) counts.set(key, {});
      const bin = counts.get(key);
      bin[table.expression[row]] = (bin[table.expression[row]] ?? 0) + 1;
    }
    return counts;
  };
  const counts = lengths.map(bins).find((each, place) => each.size <= MOST_BARS || place === lengths.length - 1);
  const keys = [...counts.keys()].sort();
  const total = (bin) => Object.values(bin).reduce((sum, each) => sum + each, 0);
  const highest = Math.max(...keys.map((key) => total(counts.get(key))));
  byId("bars").replaceChildren(...keys.map((key) => {
    const bin = counts.get(key);
    const parts = expressions.filter((name) => bin[name]);
    const words = `${key.replace("T", " at ")}: ${counted(total(bin), "face")} (${parts.map((name) => `${bin[name]} ${name}`).join(", ")})`;
    const button = element("button", { type: "button", title: words, "aria-label": words, "aria-pressed": "false" });
    for (const name of parts) {
      const part = element("span", { className: name });
      part.style.height = percent(bin[name] / highest, 2);
      button.append(part);
    }
    button.addEventListener("click", () => {
      period = period === key ? null : key;
      for (const each of byId("bars").querySelectorAll("button")) each.setAttribute("aria-pressed", "false");
      button.setAttribute("aria-pressed", String(period === key));
      apply();
    });
    return element("li", {}, button);
  }));
  byId("first-bar").textContent = keys[0].replace("T", " at ");
  byId("last-bar").textContent = keys.length > 1 ? keys[keys.length - 1].replace("T", " at ") : "";
  byId("timeline").hidden = false;
  field("order").querySelector("[value=taken]").hidden = false;
}

// What the reader does

function options(select, entries) {
  for (const [value, text] of entries) select.append(element("option", { value: String(value) }, text));
}

function firstOfEach(keys) {
  const found = new Map();
  keys.forEach((key, row) => found.has(key) || found.set(key, row));
  return [...found].sort((a, b) => compareText(a[0], b[0]));
}

function moved(key, tiles, at) {
  const across = tiles.findIndex((each) => each.offsetTop !== tiles[0].offsetTop);
  const columns = across < 0 ? tiles.length : across;
  const steps = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns, Home: -at, End: tiles.length - 1 - at };
  return key in steps ? Math.max(0, Math.min(tiles.length - 1, at + steps[key])) : null;
}

list.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-row]");
  if (button) open(shown.indexOf(Number(button.dataset.row)));
});
list.addEventListener("keydown", (event) => {
  const tiles = [...list.querySelectorAll("button[data-row]")];
  const at = tiles.indexOf(event.target);
  const to = at < 0 || event.ctrlKey || event.altKey || event.metaKey ? null : moved(event.key, tiles, at);
  if (to === null) return;
  event.preventDefault();
  tiles[at].tabIndex = -1;
  tiles[to].tabIndex = 0;
  tiles[to].focus();
});
for (const button of document.querySelectorAll("[data-turn]")) {
  button.addEventListener("click", () => {
    turn(page + Number(button.dataset.turn));
    byId("faces").scrollIntoView();
    list.querySelector("button[data-row]")?.focus({ preventScroll: true });
  });
}
byId("face-before").addEventListener("click", () => open(opened - 1));
byId("face-after").addEventListener("click", () => open(opened + 1));
byId("face-close").addEventListener("click", () => dialog.close());
dialog.addEventListener("click", (event) => {
  if (event.target === dialog) dialog.close();
});
dialog.addEventListener("keydown", (event) => {
  const to = opened + ({ ArrowLeft: -1, ArrowRight: 1 }[event.key] ?? 0);
  if (to !== opened && shown[to] !== undefined) open(to);
});
dialog.addEventListener("close", () => {
  const tiles = [...list.querySelectorAll("button[data-row]")];
  const here = tiles.find((each) => Number(each.dataset.row) === shown[opened]);
  for (const each of tiles) each.tabIndex = each === here ? 0 : -1;
  here?.focus();
});
form.addEventListener("input", () => {
  byId("of-faces").hidden = field("status").value !== "ok";
  apply();
});
form.addEventListener("submit", (event) => event.preventDefault());
form.addEventListener("reset", () => {
  period = null;
  for (const each of byId("bars").querySelectorAll("button")) each.setAttribute("aria-pressed", "false");
  setTimeout(() => form.dispatchEvent(new Event("input")));
});

options(field("folder"), firstOfEach(folders).map(([folder, row]) => [row, visible(folder) || "no folder"]));
options(field("report"), reports.map((name, place) => [place, visible(name)]));
byId("report-field").hidden = reports.length < 2;
byId("folder-field").hidden = field("folder").options.length < 3;
field("group").querySelector("[value=report]").hidden = reports.length < 2;
const statuses = new Map();
for (const status of table.status ?? []) statuses.set(status, (statuses.get(status) ?? 0) + 1);
for (const radio of form.querySelectorAll("[name=status]")) {
  byId(`count-${radio.value}`).textContent = (statuses.get(radio.value) ?? 0).toLocaleString("en");
}
if (!statuses.get("ok") && count) {
  form.querySelector(`[name=status][value=${statuses.get("error") ? "error" : "no_face"}]`).checked = true;
}
timeline();
byId("faces").hidden = false;
form.dispatchEvent(new Event("input"));
