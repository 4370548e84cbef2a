// The current page of faces or photos: only these are in the document.

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
