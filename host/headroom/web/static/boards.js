// Boards with their circuits: live current, relay, and why it is as it is.

import { field, keyed, list, say, stamp, write } from "./dom.js";
import { showBar } from "./feeders.js";
import { amps, clock, duration } from "./format.js";
import { openOrder } from "./order.js";

export function showBoards(state) {
  keyed(list(document, "boards"), state.boards, (board) => board.id, makeBoard, showBoard);
}

const REFUSED = {
  unsigned: "not signed with its key",
  malformed: "they do not fit the site file",
  replayed: "not newer than its last one",
};

// How old a board's newest values are; of one that is silent also what was refused.
export function ageText(board) {
  if (board.age_s !== null && !board.stale) return `${duration(board.age_s)} ago`;
  const silence = board.age_s === null ? "no report yet" : `silent for ${duration(board.age_s)}`;
  const [problem] = Object.keys(REFUSED).filter((kind) => board.refused[kind]);
  return problem ? `${silence}, ${board.refused[problem]} reports refused: ${REFUSED[problem]}` : silence;
}

function makeBoard(board) {
  const root = stamp("board");
  root.dataset.board = board.id;
  const name = field(root, "name");
  name.textContent = board.id;
  name.id = `board-${board.id}`;
  root.setAttribute("aria-labelledby", name.id);
  return root;
}

function showBoard(root, board) {
  root.dataset.stale = board.stale ? "1" : "0";
  const order = board.maintenance?.text;
  write(field(root, "health"), order ? `${ageText(board)}, ${order}` : ageText(board));
  const circuits = list(root, "circuits");
  keyed(circuits, board.circuits, (circuit) => circuit.number, () => makeCircuit(board.id), showCircuit);
}

function makeCircuit(boardId) {
  const root = stamp("circuit");
  const button = root.querySelector("button");
  button.addEventListener("click", () => openOrder(boardId, Number(root.dataset.circuit)));
  return root;
}

function showCircuit(root, circuit) {
  const { closed } = circuit;
  root.dataset.circuit = circuit.number;
  root.dataset.closed = closed === null ? "" : closed ? "1" : "0";
  root.dataset.reason = circuit.reason ?? "";
  root.dataset.sensor = circuit.sensor ?? "";
  write(field(root, "relay"), closed === null ? "–" : closed ? "ON" : "OFF");
  write(field(root, "name"), circuit.name);
  write(field(root, "current"), amps(circuit.current_ma));
  write(field(root, "limit"), `/ ${amps(circuit.limit_ma)} A`);
  write(field(root, "reason"), reasonText(circuit));
  say(field(root, "fault"), circuit.sensor_text);
  showBar(field(root, "bar"), circuit.current_ma, circuit.limit_ma, 1);
}

function reasonText(circuit) {
  const { override } = circuit;
  if (circuit.reason !== "override" || !override?.until) return circuit.reason_text;
  return `${circuit.reason_text} until ${clock(override.until)}`;
}
