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
