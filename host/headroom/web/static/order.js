// The dialog of one circuit: how it is, and what a person orders of it.

import { circuitName } from "./circuits.js";
import { field, say, write } from "./dom.js";
import { amps, clock } from "./format.js";
import { showHistoryOf } from "./history.js";
import { maySwitch, person, request } from "./session.js";
import { askToSignIn } from "./sign_in.js";

const dialog = document.querySelector('[data-dialog="order"]');
const form = dialog.querySelector("form");
let open = null; // {boardId, number}
let newest = null;

export function startOrders() {
  form.addEventListener("submit", (event) => {
    const what = event.submitter?.value ?? "send";
    if (what === "close") return;
    event.preventDefault();
    if (what === "history") showHistory();
    else order(what);
  });
}

export function openOrder(boardId, number) {
  open = { boardId, number };
  say(field(dialog, "trouble"), "");
  showOrder(newest);
  dialog.showModal();
}

// Keep the dialog's words up to date while it is open.
export function showOrder(state) {
  newest = state;
  if (!open) return;
  const board = state.boards.find((one) => one.id === open.boardId);
  const circuit = board?.circuits.find((one) => one.number === open.number);
  if (!circuit) return;
  write(dialog.querySelector("h2"), circuitName({ board, circuit }));
  write(field(dialog, "now"), `${circuit.reason_text}. ${amps(circuit.current_ma)} A of ${amps(circuit.limit_ma)} A, phase ${circuit.phase}, ${kindText(circuit)}.`);
  const { override } = circuit;
  say(field(dialog, "standing"), override && standingText(override));
  field(dialog, "cancel").hidden = !override;
}

function kindText(circuit) {
  return circuit.kind === "critical" ? "critical: never shed" : `${circuit.kind}, priority ${circuit.priority}`;
}

function standingText(override) {
  const until = override.until ? `until ${clock(override.until)}` : "until it is cancelled";
  return `Ordered ${override.state} ${until} by ${override.set_by}.`;
}

function showHistory() {
  dialog.close();
  showHistoryOf(open.boardId, open.number);
}

async function order(what) {
  if (!person()) {
    askToSignIn("Orders need somebody who answers for them.");
    return;
  }
  if (!maySwitch()) {
    say(field(dialog, "trouble"), `${person().name} may read, not switch. Sign in with a token of the role operate.`);
    return;
  }
  const path = `/api/v1/boards/${open.boardId}/circuits/${open.number}/override`;
  try {
    if (what === "cancel-order") await request("DELETE", path);
    else await request("PUT", path, wanted());
    dialog.close();
  } catch (error) {
    say(field(dialog, "trouble"), `Not ordered: ${error.message}`);
    if (error.status === 401) askToSignIn("Your session has ended. Sign in again, then order again.");
  }
}

function wanted() {
  const forS = form.for_s.value;
  const until = forS ? Math.floor(newest.unix_s) + Number(forS) : null;
  return { state: form.elements.state.value, until };
}
