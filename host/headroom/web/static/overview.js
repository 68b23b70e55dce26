// What is off and why, and what will happen next: the page's two short answers.

import { element, field, keyedOrEmpty, say, write } from "./dom.js";
import { clock } from "./format.js";
import { plannedChanges } from "./timeline.js";

const MOST_OFF = 8;
const MOST_CHANGES = 6;

export function showOverview(state) {
  const off = circuitsOf(state).filter(({ circuit }) => circuit.closed === false);
  say(field(document, "off-more"), off.length > MOST_OFF && `and ${off.length - MOST_OFF} more below`);
  keyedOrEmpty("off", off.slice(0, MOST_OFF), keyOf, makeFact, ({ children: [what, why] }, { board, circuit }) => {
    write(what, `${circuit.name}, ${board.id}`);
    write(why, board.stale ? `${circuit.reason_text} (when last heard of)` : circuit.reason_text);
  });
  const changes = circuitsOf(state).flatMap(({ board, circuit }) =>
    plannedChanges(circuit, state.prices, state.unix_s).map((change) => ({ board, circuit, ...change })),
  );
  changes.sort((a, b) => a.unixS - b.unixS);
  const next = changes.slice(0, MOST_CHANGES);
  const changeKey = (change) => `${keyOf(change)} ${change.unixS} ${change.text}`;
  keyedOrEmpty("next", next, changeKey, makeFact, ({ children: [when, what] }, change) => {
    write(when, clock(change.unixS, state.unix_s));
    write(what, `${change.circuit.name}, ${change.board.id}: ${change.text}`);
  });
}

export function circuitsOf(state) {
  return state.boards.flatMap((board) => board.circuits.map((circuit) => ({ board, circuit })));
}

const keyOf = ({ board, circuit }) => `${board.id} ${circuit.number}`;

function makeFact() {
  const row = document.createElement("li");
  row.append(element("b"), element("span", "", "soft"));
  return row;
}
