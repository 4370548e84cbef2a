// When the photos were taken, as bars that are filters too.

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
