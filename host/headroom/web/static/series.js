// Currents over time, from the coordinator's store.

import { request } from "./session.js";

const STEPS = { 60: "minute", 900: "quarter" };

// Points {unixS, meanMa, maxMa}, one a step, null where nothing is known. `of` is {feeder, phase}
// or {board, circuit}, stepS 60 or 900. Raises Refusal or NoConnection.
export async function series(of, from, to, stepS) {
  const { points } = await request("GET", seriesUrl(of, from, to, stepS));
  return points.map((point) => ({ unixS: point.unix_s, meanMa: point.mean_ma, maxMa: point.max_ma }));
}

// Where a series is to be had; `.csv` is the same as a table.
export function seriesUrl({ feeder, phase, board, circuit }, from, to, stepS, form = "") {
  const query = new URLSearchParams({ start: Math.floor(from), end: Math.floor(to), step: STEPS[stepS] });
  if (phase) query.set("phase", phase);
  const what = feeder ? `feeders/${feeder}` : `boards/${board}/circuits/${circuit}`;
  return `/api/v1/${what}/series${form}?${query}`;
}
