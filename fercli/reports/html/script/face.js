// One face, with its photo, its probabilities and the same face in other reports.

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
