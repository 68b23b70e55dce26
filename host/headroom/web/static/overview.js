// What is off and why, and what will happen next: the page's two short answers.

import { circuitKey, circuitName, circuitsOf } from "./circuits.js";
import { element, field, keyedOrEmpty, say, write } from "./dom.js";
import { clock } from "./format.js";
import { plannedChanges } from "./timeline.js";

const MOST_OFF = 8;
const MOST_CHANGES = 6;

export function showOverview(state) {
  const off = circuitsOf(state).filter(({ circuit }) => circuit.closed === false);
  write(field(document, "none-off"), noneOffText(state));
  say(field(document, "off-more"), off.length > MOST_OFF && `and ${off.length - MOST_OFF} more below`);
  keyedOrEmpty("off", off.slice(0, MOST_OFF), circuitKey, makeFact, ({ children: [what, why] }, { board, circuit }) => {
    write(what, circuitName({ board, circuit }));
    write(why, board.stale ? `${circuit.reason_text} (when last heard of)` : circuit.reason_text);
  });
  const changes = circuitsOf(state).flatMap(({ board, circuit }) =>
    plannedChanges(circuit, state.prices, state.unix_s).map((change) => ({ board, circuit, ...change })),
  );
  const changeKey = ({ unixS, text }) => `${unixS} ${text}`;
  const groups = [...Map.groupBy(changes, changeKey).values()];
  groups.sort(([a], [b]) => a.unixS - b.unixS);
  keyedOrEmpty("next", groups.slice(0, MOST_CHANGES), ([first]) => changeKey(first), makeFact, ({ children: [when, what] }, alike) => {
    write(when, clock(alike[0].unixS, state.unix_s));
    write(what, `${namesText(alike)}: ${alike[0].text}`);
  });
}

// That nothing is off is known only of boards that report.
function noneOffText(state) {
  const unknown = state.boards.filter((board) => board.stale).length;
  if (unknown === 0) return "Every circuit is on.";
  if (unknown === state.boards.length) return "Nothing is known yet: no board reports.";
  return `Every circuit is on, as far as is known: ${unknown === 1 ? "a board does" : `${unknown} boards do`} not report.`;
}

// The first by name, the rest as a number: prices change many circuits at once.
function namesText([first, ...others]) {
  const name = circuitName(first);
  return others.length ? `${name} and ${others.length} more` : name;
}

function makeFact() {
  const row = document.createElement("li");
  row.append(element("b"), element("span", "", "soft"));
  return row;
}
