// The page: one state comes in, each part shows its share of it.
// Values that are old or cut off stay visible, but are marked as such.

import { showBoards, startBoards } from "./boards.js";
import { field, say, write } from "./dom.js";
import { showEvents } from "./events.js";
import { showFeeders } from "./feeders.js";
import { duration } from "./format.js";
import { showHealth } from "./health.js";
import { offerHistory, startHistory } from "./history.js";
import { follow } from "./live.js";
import { showOrder, startOrders } from "./order.js";
import { showOverview } from "./overview.js";
import { showPlan } from "./plan.js";
import { resume } from "./session.js";
import { askToSignIn, signInByLink, startSignIn } from "./sign_in.js";

const PARTS = [showFeeders, showOverview, showBoards, showPlan, showEvents, showHealth, offerHistory, showOrder];

let heardMs = null;

function show(state) {
  document.querySelector("main").hidden = false;
  write(field(document, "site"), state.site);
  document.title = `${state.site} · Headroom`;
  PARTS.forEach((part) => part(state));
  const reporting = state.boards.filter((board) => !board.stale).length;
  write(field(document, "link"), `${reporting} of ${state.boards.length} boards reporting`);
  heardMs = Date.now();
  document.body.dataset.link = "live";
  say(field(document, "banner"), "");
}

function showTrouble(error) {
  document.body.dataset.link = "lost";
  if (error.status === 401) {
    write(field(document, "link"), heardMs === null ? "not signed in" : "signed out, values stand still");
    askToSignIn("This coordinator shows itself to those who sign in.");
    return;
  }
  write(field(document, "link"), "not connected");
  const old = heardMs === null ? "" : `, values are ${duration((Date.now() - heardMs) / 1000)} old`;
  say(field(document, "banner"), `${error.title ?? error.message}${old}`);
}

startBoards();
startHistory();
startOrders();
let askNow = () => {};
startSignIn(() => askNow());
if (!(await signInByLink())) await resume().catch(showTrouble);
askNow = follow(show, showTrouble);
