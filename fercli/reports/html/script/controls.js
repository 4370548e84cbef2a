// What the reader does, and how the page begins.

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
