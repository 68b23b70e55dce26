// The newest events, in words.

import { element, keyedOrEmpty } from "./dom.js";
import { timeElement } from "./format.js";

export function showEvents(state) {
  keyedOrEmpty("events", state.events, (event) => event.id, eventRow, () => {});
}

function eventRow(event) {
  const row = document.createElement("li");
  row.dataset.event = event.id;
  const what = event.circuit_name ? `${event.circuit_name}: ${event.text}` : event.text;
  row.append(timeElement(event.unix_s), element("span", event.board), element("span", what));
  return row;
}
