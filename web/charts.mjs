// Strips along chromosomes, and a table of similarities in colours.

const RAMP_STEPS = 5; // of share of regions hit, as style.css has colours

/** Draw where the hits of a sample are, a canvas and its text for each chromosome. */
export function drawStrips(list, { chroms, length }) {
  const byName = new Intl.Collator("en", { numeric: true });
  const sorted = [...chroms].sort((a, b) => byName.compare(a.name, b.name));
  list.replaceChildren(...sorted.map((chrom) => stripOf(chrom, length)));
}

function stripOf({ name, end, there, found }, length) {
  const total = there.reduce((a, b) => a + b, 0);
  const hit = found.reduce((a, b) => a + b, 0);
  const used = Math.max(1, Math.ceil((there.length * end) / length));
  const canvas = document.createElement("canvas");
  canvas.width = used;
  canvas.height = 1;
  canvas.style.width = `${(100 * used) / there.length}%`;
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", inWords(name, hit, total, end, there, found));
  const colours = rampOf(canvas);
  const pen = canvas.getContext("2d");
  for (let bin = 0; bin < used; bin++) {
    if (there[bin] === 0) continue;
    pen.fillStyle = colours[Math.ceil((RAMP_STEPS * found[bin]) / there[bin])];
    pen.fillRect(bin, 0, 1, 1);
  }
  const item = document.createElement("li");
  item.append(text("span", name, "name"), span("track", canvas), text("span", counted(hit, total), "count"));
  return item;
}

function inWords(name, hit, total, end, there, found) {
  if (hit === 0) return `${name}: none of ${number(total)} regions hit`;
  const most = found.indexOf(Math.max(...found));
  const wide = end / Math.max(1, there.findLastIndex((n) => n > 0) + 1) / 1e6;
  const from = Math.round(most * wide);
  return (
    `${name}: ${number(hit)} of ${number(total)} regions hit, ` +
    `most of them around ${from} million base pairs`
  );
}

/** No hit, then few to all. */
function rampOf() {
  const style = getComputedStyle(document.documentElement);
  return Array.from({ length: RAMP_STEPS + 1 }, (_, i) => style.getPropertyValue(`--ramp-${i}`));
}

/** Fill a table with similarities of samples. */
export function drawSimilarity(table, names, alike) {
  const header = document.createElement("tr");
  header.append(text("th", "Sample", "", { scope: "col" }));
  names.forEach((name, i) => {
    const cell = text("th", String(i + 1), "num", { scope: "col" });
    cell.append(text("span", `: ${name}`, "unseen"));
    header.append(cell);
  });
  const rows = alike.map((values, i) => {
    const row = document.createElement("tr");
    row.append(text("th", `${i + 1}  ${names[i]}`, "", { scope: "row" }));
    for (const value of values) {
      const cell = text("td", value.toFixed(2), "num");
      paint(cell, value);
      row.append(cell);
    }
    return row;
  });
  const head = document.createElement("thead");
  head.append(header);
  const body = document.createElement("tbody");
  body.append(...rows);
  table.replaceChildren(head, body);
}

/** From pale to dark green; black or white on it, whichever is legible. */
function paint(cell, value) {
  const pale = [232, 243, 239];
  const deep = [8, 92, 76];
  const colour = pale.map((from, i) => Math.round(from + (deep[i] - from) * value));
  const [r, g, b] = colour.map((c) => {
    const share = c / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  const luminance = 0.2126 * r + 0.7152 * g + 0.0722 * b;
  cell.style.backgroundColor = `rgb(${colour.join(" ")})`;
  cell.style.color = luminance > 0.179 ? "#000" : "#fff";
}

export const number = (n) => n.toLocaleString("en");
const counted = (hit, total) => `${number(hit)} of ${number(total)}`;

/** An element with text in it. */
export function text(tag, words, className = "", attributes = {}) {
  const element = document.createElement(tag);
  element.textContent = words;
  if (className) element.className = className;
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}

function span(className, child) {
  const element = document.createElement("span");
  element.className = className;
  element.append(child);
  return element;
}
