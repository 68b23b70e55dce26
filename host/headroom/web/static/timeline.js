// What is known of a circuit's hours to come: a list of spans, and where they change. Pure.

const HORIZON_S = 24 * 3600;

// Spans {from, to, kind, text} that begin before the horizon; kinds: on, off, dear, order-on, order-off.
export function spansOf(circuit, prices, nowUnixS, horizonS = HORIZON_S) {
  const end = nowUnixS + horizonS;
  const spans = [...scheduled(circuit.schedule), ...tooDear(circuit, prices), ...ordered(circuit.override, nowUnixS, end)];
  return spans.filter((span) => span.to > nowUnixS && span.from < end);
}

// What will change, {unixS, text}, soonest first.
export function plannedChanges(circuit, prices, nowUnixS) {
  const end = nowUnixS + HORIZON_S;
  const changes = spansOf(circuit, prices, nowUnixS).flatMap((span) => [
    { unixS: span.from, text: BEGINS[span.kind] },
    { unixS: span.to, text: ENDS[span.kind] },
  ]);
  return changes
    .filter((change) => change.unixS > nowUnixS && change.unixS < end && change.text)
    .filter((change) => !(change.text === FREE && followed(changes, change)))
    .sort((a, b) => a.unixS - b.unixS);
}

const FREE = "no longer planned";
const BEGINS = { on: "on, as planned", off: "off, as planned", dear: "off while power is dear" };
const ENDS = { on: FREE, off: FREE, dear: "power is cheap enough again", "order-on": "the order ends", "order-off": "the order ends" };

// One span's end is no news where another begins.
function followed(changes, { unixS }) {
  return changes.some((other) => other.unixS === unixS && other.text !== FREE);
}

function scheduled(schedule) {
  if (!schedule) return [];
  const kinds = { 1: "on", 0: "off", "-": null };
  return runs([...schedule.slots].map((slot) => kinds[slot]), schedule.start, schedule.step_s);
}

function tooDear(circuit, prices) {
  const ceiling = circuit.price_ceiling_eur_mwh;
  if (ceiling === null || ceiling === undefined || !prices) return [];
  return runs(prices.eur_mwh.map((price) => (price > ceiling ? "dear" : null)), prices.start, prices.step_s);
}

function ordered(override, nowUnixS, end) {
  if (!override) return [];
  const to = override.until ?? end + 1;
  return [{ from: Math.min(override.set_unix_s, nowUnixS), to, kind: `order-${override.state}` }];
}

// Equal neighbours as one span; null is no span.
function runs(kinds, start, stepS) {
  const spans = [];
  kinds.forEach((kind, place) => {
    const from = start + place * stepS;
    const last = spans.at(-1);
    if (last && last.kind === kind && last.to === from) last.to = from + stepS;
    else spans.push({ from, to: from + stepS, kind });
  });
  return spans.filter((span) => span.kind !== null);
}
