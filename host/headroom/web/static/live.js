// The live state: one stream of events, and single questions where that cannot be had.

import { changed } from "./changes.js";
import { request } from "./session.js";

const URL = "/api/v1/live";
// The coordinator speaks at least every 5 s; silence for longer is a lost connection.
const QUIET_MS = 12_000;
// A browser connects a cut stream again by itself, within a second, and goes on where it was.
const CUT_MS = 3000;
const AGAIN_MS = 2000;

let stream = null;
let watch = null;

// Call `onState(document)` with each state, `onTrouble(error)` when there is none to be had. Gives a
// function that asks anew at once.
export function follow(onState, onTrouble) {
  let state = null;
  let heardMs = 0;

  const askIn = (ms) => {
    clearTimeout(watch);
    watch = setTimeout(ask, ms);
  };

  function hear(newState) {
    askIn(QUIET_MS);
    state = newState;
    heardMs = performance.now();
    onState(state);
  }

  function open() {
    stream?.close();
    stream = new EventSource(URL);
    stream.addEventListener("state", (event) => hear(JSON.parse(event.data)));
    stream.addEventListener("change", (event) => {
      hear(changed(state, JSON.parse(event.data), (performance.now() - heardMs) / 1000));
    });
    stream.addEventListener("problem", (event) => {
      askIn(QUIET_MS);
      onTrouble(new Error(`The coordinator says: ${JSON.parse(event.data).title}`));
    });
    let isCut = false;
    stream.onopen = () => (isCut = false);
    stream.onerror = () => {
      if (isCut || stream.readyState === EventSource.CLOSED) ask();
      else askIn(CUT_MS);
      isCut = true;
    };
    askIn(QUIET_MS);
  }

  // An event source does not say why it failed; an ordinary request does.
  async function ask() {
    stream?.close();
    clearTimeout(watch);
    let again = open;
    try {
      onState(await request("GET", "/api/v1/state"));
    } catch (error) {
      onTrouble(error);
      if (error.status === 401) return; // whoever signs in asks anew
      again = ask;
    }
    clearTimeout(watch);
    watch = setTimeout(again, AGAIN_MS);
  }

  open();
  return open;
}
