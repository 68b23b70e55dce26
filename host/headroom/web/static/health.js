// How each board is: when it was heard of, what runs on it, what it has left.

import { ageText } from "./boards.js";
import { element, keyed, list, write } from "./dom.js";
import { duration } from "./format.js";

const COLUMNS = ["Last report", "Signal", "Firmware", "Heap free", "Epoch, plan", "Start", "Ticks"];
const RESETS = {
  power_on: "power on",
  hard: "reset pin",
  wdt: "watchdog",
  exception: "exception",
  soft: "soft reset",
  deep_sleep: "deep sleep",
};

export function showHealth(state) {
  keyed(list(document, "health"), state.boards, (board) => board.id, makeRow, (row, board) => {
    row.dataset.stale = board.stale ? "1" : "0";
    row.dataset.signal = board.health?.signal ? "1" : "0";
    row.style.setProperty("--bars", board.health?.signal?.bars ?? 0);
    cells(board).forEach((text, column) => write(row.children[column + 1].lastChild, text));
  });
}

function makeRow(board) {
  const row = document.createElement("tr");
  const name = element("th", board.id);
  name.scope = "row";
  // On a phone a cell stands alone, under its column's name.
  const made = COLUMNS.map((column) => {
    const cell = document.createElement("td");
    cell.append(element("span", column, "label"), element("span"));
    return cell;
  });
  row.append(name, ...made);
  return row;
}

function cells(board) {
  const { health } = board;
  if (!health) return [ageText(board), ...COLUMNS.slice(1).map(() => "–")];
  return [
    ageText(board),
    health.signal ? `${health.signal.text}, ${health.signal.rssi_dbm} dBm` : "–",
    health.fw,
    `${(health.heap_free_bytes / 1024).toFixed(1)} KiB`,
    `${health.epoch}, ${board.plan.acknowledged ? `rev ${board.plan.rev}` : `rev ${health.rev} of ${board.plan.rev}`}`,
    `no. ${health.boot}, ${RESETS[health.reset] ?? health.reset}, ${duration(health.up_s)} ago`,
    `${health.tick.dropped} dropped, longest ${health.tick.longest_ms} ms`,
  ];
}
