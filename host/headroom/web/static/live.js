// The live state: one stream of events, and single questions where that cannot be had.

import { request } from "./session.js";

const URL = "/api/v1/live";
// The coordinator speaks at least every 5 s; silence for longer is a lost connection.
const QUIET_MS = 12_000;
const AGAIN_MS = 2000;

let stream = null;
let watch = null;

// Call `onState(document)` with each state, `onTrouble(error)` when there is none to be had. Gives a
// function that asks anew at once.
export function follow(onState, onTrouble) {
  const heard = () => {
    clearTimeout(watch);
    watch = setTimeout(ask, QUIET_MS);
  };

  function open() {
    stream?.close();
    stream = new EventSource(URL);
    stream.addEventListener("state", (event) => {
      heard();
      onState(JSON.parse(event.data));
    });
    stream.addEventListener("problem", (event) => {
      heard();
      onTrouble(new Error(`The coordinator says: ${JSON.parse(event.data).title}`));
    });
    stream.onerror = ask;
    heard();
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

  ask();
  return ask;
}
