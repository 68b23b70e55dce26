// Fills the server-rendered shell with live values, once a second.
// Values that are old or cut off stay visible, but are marked as such.

const POLL_MS = 1000;
const TIMEOUT_MS = 4000;
const NEAR = 0.9; // share of a limit from which a bar warns
const WIDE_END = 1.2; // the feeder's bar ends here, in limits; see .mark in the style sheet

const field = (root, name) => root.querySelector(`[data-field="${name}"]`);
const amps = (ma) => (ma === null ? "–" : (ma / 1000).toFixed(1));

let lastAnswer = null;

function say(element, text) {
  element.hidden = !text;
  if (element.textContent !== text) element.textContent = text;
}

function duration(seconds) {
  if (seconds < 90) return `${Math.round(seconds)} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  return `${Math.round(seconds / 3600)} h`;
}

function showBar(bar, currentMa, limitMa, end) {
  const share = currentMa === null ? 0 : currentMa / limitMa;
  bar.dataset.level = share > 1 ? "over" : share >= NEAR ? "near" : "normal";
  bar.querySelector(".fill").style.width = `${Math.min(100, (100 * share) / end)}%`;
  bar.setAttribute("aria-valuenow", currentMa === null ? 0 : currentMa / 1000);
  bar.setAttribute("aria-valuetext", currentMa === null ? "not known" : `${amps(currentMa)} A`);
}

function showSilent(bar, phase) {
  const end = phase.limit_ma * WIDE_END;
  const from = Math.min(1, phase.current_ma / end);
  const maybe = bar.querySelector(".maybe");
  maybe.style.left = `${100 * from}%`;
  maybe.style.width = `${100 * Math.min(1 - from, phase.silent_ma / end)}%`;
}

function showPhase(root, phase) {
  const over = phase.current_ma > phase.limit_ma;
  const shown = over ? phase.current_ma - phase.limit_ma : Math.max(0, phase.headroom_ma);
  field(root, "headroom").textContent = amps(shown);
  field(root, "caption").textContent = `${over ? "over the limit" : "headroom"} on ${phase.phase}`;
  field(root, "current").textContent = amps(phase.current_ma);
  root.dataset.over = over ? "1" : "0";
  showBar(field(root, "bar"), phase.current_ma, phase.limit_ma, WIDE_END);
  showSilent(field(root, "bar"), phase);
}

function showFeeder(feeder) {
  const root = document.querySelector(`[data-feeder="${feeder.id}"]`);
  for (const phase of feeder.phases) {
    showPhase(root.querySelector(`[data-phase="${phase.phase}"]`), phase);
  }
  const unmeasured = feeder.phases.map((phase) => `${amps(phase.silent_ma)} A on ${phase.phase}`);
  const silent = feeder.silent_boards.join(", ");
  say(field(root, "silent"), silent && `${silent} silent: up to ${unmeasured.join(", ")} not measured`);
}

function showCircuit(root, circuit) {
  const { closed } = circuit;
  root.dataset.closed = closed === null ? "" : closed ? "1" : "0";
  root.dataset.reason = circuit.reason ?? "";
  field(root, "relay").textContent = closed === null ? "–" : closed ? "ON" : "OFF";
  field(root, "current").textContent = amps(circuit.current_ma);
  field(root, "reason").textContent = circuit.reason_text;
  root.dataset.sensor = circuit.sensor ?? "";
  say(field(root, "fault"), circuit.sensor_text);
  showBar(field(root, "bar"), circuit.current_ma, circuit.limit_ma, 1);
}

function healthText(board) {
  const order = board.maintenance?.text;
  return order ? `${ageText(board)}, ${order}` : ageText(board);
}

function ageText(board) {
  if (board.age_s === null) return "no report yet";
  if (board.stale) return `silent, ${duration(board.age_s)} old`;
  return `reported ${duration(board.age_s)} ago`;
}

function showBoard(board) {
  const root = document.querySelector(`[data-board="${board.id}"]`);
  root.dataset.stale = board.stale ? "1" : "0";
  field(root, "health").textContent = healthText(board);
  for (const circuit of board.circuits) {
    showCircuit(root.querySelector(`[data-circuit="${circuit.number}"]`), circuit);
  }
}

function eventRow(event) {
  const row = document.createElement("li");
  row.dataset.event = event.id;
  const time = document.createElement("time");
  const when = new Date(event.unix_s * 1000);
  time.dateTime = when.toISOString();
  time.textContent = when.toLocaleTimeString([], { hour12: false });
  const where = document.createElement("span");
  where.textContent = event.board;
  const what = document.createElement("span");
  what.textContent = event.circuit_name ? `${event.circuit_name}: ${event.text}` : event.text;
  row.append(time, where, what);
  return row;
}

function showEvents(events) {
  const list = field(document, "events");
  field(document, "no-events").hidden = events.length > 0;
  const newest = events.length ? String(events[0].id) : "";
  if (list.dataset.newest === newest) return;
  list.dataset.newest = newest;
  list.replaceChildren(...events.map(eventRow));
}

function show(state) {
  state.feeders.forEach(showFeeder);
  state.boards.forEach(showBoard);
  showEvents(state.events);
  const silent = state.boards.filter((board) => board.stale).length;
  const reporting = state.boards.length - silent;
  field(document, "link").textContent = `${reporting} of ${state.boards.length} boards reporting`;
}

function showLost(problem) {
  document.body.dataset.link = "lost";
  field(document, "link").textContent = "not connected";
  const since = lastAnswer === null ? "" : `, values are ${duration((Date.now() - lastAnswer) / 1000)} old`;
  say(field(document, "banner"), `${problem}${since}`);
}

async function poll() {
  try {
    const response = await fetch("/api/v1/state", { signal: AbortSignal.timeout(TIMEOUT_MS) });
    const document_ = await response.json();
    if (!response.ok) {
      showLost(`The coordinator answers: ${document_.title}`);
      return;
    }
    show(document_);
    lastAnswer = Date.now();
    document.body.dataset.link = "live";
    say(field(document, "banner"), "");
  } catch (error) {
    if (error.name !== "TypeError" && error.name !== "TimeoutError" && error.name !== "SyntaxError") throw error;
    showLost("No connection to the coordinator");
  }
}

async function run() {
  await poll();
  setTimeout(run, POLL_MS);
}

run();
