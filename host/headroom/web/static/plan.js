// The plan as a timeline: a row for each circuit that anything is planned for, prices above.

import { circuitKey, circuitsOf } from "./circuits.js";
import { element, keyed, write } from "./dom.js";
import { clock } from "./format.js";
import { spansOf } from "./timeline.js";

const WORDS = {
  on: "on", off: "off", dear: "too dear", "order-on": "ordered on", "order-off": "ordered off",
};
const HOUR_S = 3600;
const narrow = matchMedia("(max-width: 40rem)");

export function showPlan(state) {
  const horizonS = (narrow.matches ? 12 : 24) * HOUR_S;
  const root = document.querySelector('[data-field="plan"]');
  const rows = alike(
    circuitsOf(state)
      .map((row) => ({ ...row, spans: spansOf(row.circuit, state.prices, state.unix_s, horizonS) }))
      .filter((row) => row.spans.length > 0),
  );
  const lines = [];
  const priced = pricesWithin(state.prices, state.unix_s, horizonS);
  if (rows.length || priced.length) lines.push({ key: "hours", draw: (line) => drawHours(line, state.unix_s, horizonS) });
  if (priced.length) lines.push({ key: "prices", draw: (line) => drawPrices(line, priced, state.unix_s, horizonS) });
  for (const row of rows) {
    lines.push({ key: circuitKey(row), draw: (line) => drawSpans(line, row, state.unix_s, horizonS) });
  }
  keyed(root, lines, (line) => line.key, makeLine, (made, line) => line.draw(made));
  document.querySelector('[data-empty="plan"]').hidden = lines.length > 0;
  document.querySelector(".key").hidden = lines.length === 0;
}

// Circuits with the same hours share a row: prices alone would fill a page.
function alike(rows) {
  const groups = Map.groupBy(rows, ({ spans }) => JSON.stringify(spans));
  return [...groups.values()].map((group) => ({ ...group[0], others: group.length - 1 }));
}

function makeLine() {
  const line = element("div", "", "line");
  line.append(element("p", "", "name"), element("div", "", "track"), element("p", "", "hidden"));
  return line;
}

function drawHours(line, from, horizonS) {
  const [name, track] = line.children;
  write(name, "now");
  line.classList.add("hours");
  const stepS = horizonS / 4;
  const marks = [];
  // Local midnight and noon need not be multiples of the step in UTC: whole hours do.
  for (let unixS = Math.ceil(from / HOUR_S) * HOUR_S; unixS < from + horizonS; unixS += HOUR_S) {
    if ((new Date(unixS * 1000).getHours() * HOUR_S) % stepS === 0) marks.push(unixS);
  }
  fill(track, marks, String, (mark, unixS) => {
    mark.className = "hour";
    mark.textContent = clock(unixS, unixS);
    mark.style.left = `${(100 * (unixS - from)) / horizonS}%`;
  });
}

function drawPrices(line, priced, from, horizonS) {
  const [name, track, words] = line.children;
  const values = priced.map((slot) => slot.price);
  const [low, high] = [Math.min(...values, 0), Math.max(...values, 1)];
  line.classList.add("prices");
  write(name, `price, to ${Math.max(...values)} €/MWh`);
  fill(track, priced, (slot) => slot.from, (bar, slot) => {
    place(bar, slot.from, slot.to, from, horizonS);
    bar.className = "price";
    bar.style.height = `${Math.max(4, (100 * (slot.price - low)) / (high - low))}%`;
    bar.title = `${slot.price} €/MWh from ${clock(slot.from, from)}`;
  });
  write(words, `From ${Math.min(...values)} to ${Math.max(...values)} €/MWh.`);
}

function drawSpans(line, row, from, horizonS) {
  const [name, track, words] = line.children;
  name.replaceChildren(row.circuit.name, element("span", whose(row), "soft"));
  fill(track, row.spans, (span) => `${span.from} ${span.kind}`, (bar, span) => {
    place(bar, span.from, span.to, from, horizonS);
    bar.className = `span ${span.kind}`;
    bar.title = spanText(span, from);
  });
  write(words, `${row.spans.map((span) => spanText(span, from)).join("; ")}.`);
}

function whose({ board, others }) {
  return others ? `${board.id}, and ${others} more circuits` : board.id;
}

function spanText(span, from) {
  const began = span.from > from ? ` from ${clock(span.from, from)}` : "";
  const ends = Number.isFinite(span.to) && span.to < from + 7 * 24 * HOUR_S ? ` until ${clock(span.to, from)}` : "";
  return `${WORDS[span.kind]}${began}${ends}`;
}

function fill(track, rows, keyOf, update) {
  keyed(track, rows, keyOf, () => element("span"), update);
}

function place(bar, fromS, toS, start, horizonS) {
  const left = Math.max(0, (fromS - start) / horizonS);
  const right = Math.min(1, (toS - start) / horizonS);
  bar.style.left = `${100 * left}%`;
  bar.style.width = `${100 * (right - left)}%`;
}

function pricesWithin(prices, from, horizonS) {
  if (!prices) return [];
  return prices.eur_mwh
    .map((price, slot) => {
      const begins = prices.start + slot * prices.step_s;
      return { price, from: begins, to: begins + prices.step_s };
    })
    .filter((slot) => slot.to > from && slot.from < from + horizonS);
}
