// What a feeder phase or a circuit has carried: a chart to zoom into.

import { CurrentChart } from "./chart.js";
import { circuitKey, circuitName, circuitsOf } from "./circuits.js";
import { element, field, write } from "./dom.js";
import { amps, clock, duration } from "./format.js";
import { series, seriesUrl } from "./series.js";

const CHART_PX = 240;
const REFRESH_MS = 60_000;
const SHORTEST_S = 600;
const QUARTER_S = 900;
// As many quarters of an hour as are told at once.
const LONGEST_S = 31 * 86_400;
// From here on a point is a quarter of an hour.
const MINUTES_UP_TO_S = 30 * 3600;

const form = document.querySelector('[data-form="history"]');
const text = field(document, "history-text");
const csv = field(document, "csv");
let chart = null;
let subjects = new Map(); // option value -> {of, name, limitMa}
let span = null; // {from, to}, null = the newest of the chosen range
let asked = 0;

export function startHistory() {
  chart = new CurrentChart(field(document, "history"), { height: CHART_PX, axes: true, onZoom: zoomTo });
  form.addEventListener("change", (event) => {
    if (event.target.name === "range_s") span = null;
    load();
  });
  for (const button of document.querySelectorAll("[data-zoom]")) {
    button.addEventListener("click", () => step(button.dataset.zoom));
  }
  setInterval(load, REFRESH_MS);
}

// Offer what the site has; the first state also draws.
export function offerHistory(state) {
  const found = new Map([...feederSubjects(state), ...circuitSubjects(state)]);
  const same = [...found.keys()].join() === [...subjects.keys()].join();
  subjects = found;
  if (same) return;
  const chosen = form.what.value;
  form.what.replaceChildren(...[...found].map(([value, { name }]) => new Option(name, value)));
  if (found.has(chosen)) form.what.value = chosen;
  load();
}

export function showHistoryOf(boardId, number) {
  form.what.value = `${boardId} ${number}`;
  span = null;
  load();
  form.scrollIntoView({ block: "start" });
  form.what.focus();
}

function feederSubjects(state) {
  return state.feeders.flatMap((feeder) => feeder.phases.map((phase) => [
    `${feeder.id} ${phase.phase}`,
    { of: { feeder: feeder.id, phase: phase.phase }, name: `${feeder.id} ${phase.phase}`, limitMa: phase.limit_ma },
  ]));
}

function circuitSubjects(state) {
  return circuitsOf(state).map(({ board, circuit }) => [
    circuitKey({ board, circuit }),
    {
      of: { board: board.id, circuit: circuit.number },
      name: circuitName({ board, circuit }),
      limitMa: circuit.limit_ma,
    },
  ]);
}

function zoomTo(from, to) {
  const middle = (from + to) / 2;
  const half = Math.min(Math.max(to - from, SHORTEST_S), LONGEST_S) / 2;
  span = { from: middle - half, to: middle + half };
  load();
}

function step(how) {
  const { from, to } = shown();
  const length = to - from;
  if (how === "in") zoomTo(from + length / 4, to - length / 4);
  else if (how === "out") zoomTo(from - length / 2, to + length / 2);
  else zoomTo(...[from, to].map((end) => end + (how === "left" ? -length : length) / 2));
}

function shown() {
  const now = Date.now() / 1000;
  return span ?? { from: now - Number(form.elements.range_s.value), to: now };
}

async function load() {
  const subject = subjects.get(form.what.value);
  if (!subject) return;
  const turn = ++asked;
  const { from, to } = shown();
  const stepS = to - from > MINUTES_UP_TO_S ? QUARTER_S : 60;
  csv.href = seriesUrl(subject.of, from, to, stepS, ".csv");
  try {
    const points = await series(subject.of, from, to, stepS);
    if (turn === asked) show(subject, points, from, to, stepS);
  } catch (error) {
    if (turn === asked) write(text, `No history: ${error.message}`);
  }
}

function show(subject, points, from, to, stepS) {
  const inA = (ma) => (ma === null ? null : ma / 1000);
  const words = describe(subject, points, from, to, stepS);
  chart.show({
    unixS: points.map((point) => point.unixS),
    meanA: points.map((point) => inA(point.meanMa)),
    maxA: points.map((point) => inA(point.maxMa)),
    limitA: subject.limitMa / 1000,
    from,
    to,
    text: words,
  });
  write(text, words);
}

function describe(subject, points, from, to, stepS) {
  const known = points.filter((point) => point.maxMa !== null);
  const when = `${clock(from)} to ${clock(to)}`;
  if (known.length === 0) return `${subject.name}, ${when}: nothing is known of this time.`;
  const highest = known.reduce((most, point) => (point.maxMa > most.maxMa ? point : most));
  const mean = known.reduce((sum, point) => sum + point.meanMa, 0) / known.length;
  const unknown = points.length - known.length;
  const gap = unknown ? `; nothing is known of ${duration(unknown * stepS)}` : "";
  const most = `${amps(highest.maxMa)} A (${clock(highest.unixS)})`;
  // A minute has the highest of each circuit, and not whether they came together.
  const peak = subject.of.feeder ? `its circuits' peaks sum to ${most} at most` : `at most ${most}`;
  return `${subject.name}, ${when}: ${peak}, ${amps(mean)} A on average${gap}.`;
}
