// Which rows are shown, in which order and groups.

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
