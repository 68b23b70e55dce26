// Boards with their circuits: live current, relay, and why it is as it is.

import { field, keyed, list, say, stamp, write } from "./dom.js";
import { showBar } from "./feeders.js";
import { amps, clock, duration } from "./format.js";
import { openOrder } from "./order.js";

const MOST_WITHOUT_SEARCH = 12;
const search = document.querySelector('[data-form="search"]');
let newest = null;

export function startBoards() {
  search.addEventListener("input", () => newest && showBoards(newest));
  search.addEventListener("submit", (event) => event.preventDefault());
}

export function showBoards(state) {
  newest = state;
  search.hidden = state.boards.length <= MOST_WITHOUT_SEARCH;
  document.querySelector("main").dataset.boards = state.boards.length ? "some" : "none";
  const wanted = state.boards.filter(isWanted);
  keyed(list(document, "boards"), wanted, (board) => board.id, makeBoard, showBoard);
  const others = state.boards.length - wanted.length;
  say(field(document, "boards-hidden"), others && `${others} boards are not shown.`);
}

function isWanted(board) {
  if (search.hidden) return true;
  const { text, trouble } = search.elements;
  const names = [board.id, board.feeder, ...board.circuits.map((circuit) => circuit.name)].join("\n");
  return names.toLowerCase().includes(text.value.trim().toLowerCase()) && (!trouble.checked || isTroubled(board));
}

// Whether anything of a board is other than a person would leave it.
function isTroubled(board) {
  return board.stale || board.circuits.some((circuit) => !circuit.closed || circuit.sensor_text);
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
  const outdated = board.needs_provisioning && "runs by an earlier configuration until it is provisioned again";
  const said = [ageText(board), board.maintenance?.text, outdated];
  write(field(root, "health"), said.filter(Boolean).join(", "));
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
