// Feeders: how much headroom each phase has now, and how that came about.

import { CurrentChart } from "./chart.js";
import { field, keyed, list, say, stamp, write } from "./dom.js";
import { amps } from "./format.js";
import { series } from "./series.js";

const NEAR = 0.9; // share of a limit from which a bar warns
const WIDE_END = 1.2; // the feeder's bar ends here, in limits; see .mark in site.css
const TRAIL_S = 1800;
const SHORTEST_TRAIL_S = 180;
const SAMPLE_S = 2;
const MOST_WITH_TRAIL = 4; // so many feeders fill a window; more stand side by side, without trails
const CHART_PX = matchMedia("(max-width: 30rem)").matches ? 48 : 84; // see .chart.small in site.css

const trails = new Map(); // "feeder phase" -> Trail

// What a feeder phase has carried lately: the coordinator's minutes, then what the page has seen.
class Trail {
  constructor(root, feederId, phase, unixS) {
    this.chart = new CurrentChart(root, { height: CHART_PX, axes: false });
    this.points = [];
    this.begin(feederId, phase, unixS);
  }

  async begin(feederId, phase, to) {
    const past = await series({ feeder: feederId, phase }, to - TRAIL_S, to, 60).catch(() => null);
    if (!past) return; // the trail then begins now
    const first = this.points[0]?.unixS ?? Infinity;
    const isKnown = (point) => point.meanMa !== null;
    // From the first that is known to the last: the coordinator writes a minute when it is over.
    const known = past.slice(past.findIndex(isKnown), past.findLastIndex(isKnown) + 1);
    const minutes = known.map((point) => ({ unixS: point.unixS, ma: point.meanMa }));
    this.points = [...minutes.filter((point) => point.unixS < first), ...this.points];
    this.draw();
  }

  add(unixS, ma, limitMa, name) {
    const newest = this.points.at(-1);
    if (newest && unixS - newest.unixS < SAMPLE_S) return;
    this.points = [...this.points.filter((point) => point.unixS > unixS - TRAIL_S), { unixS, ma }];
    this.limitMa = limitMa;
    this.name = name;
    this.draw();
  }

  draw() {
    const meanA = this.points.map((point) => (point.ma === null ? null : point.ma / 1000));
    const to = this.points.at(-1).unixS;
    this.chart.show({
      unixS: this.points.map((point) => point.unixS),
      meanA,
      maxA: meanA.map(() => null),
      limitA: this.limitMa / 1000,
      from: Math.min(this.points[0].unixS, to - SHORTEST_TRAIL_S),
      to,
      text: `${this.name} over the last half hour, at most ${Math.max(...meanA).toFixed(1)} A`,
    });
  }
}

export function showFeeders(state) {
  const are = state.feeders.length > MOST_WITH_TRAIL ? "many" : "few";
  document.querySelector("main").dataset.feeders = are;
  keyed(list(document, "feeders"), state.feeders, (feeder) => feeder.id, makeFeeder, (root, feeder) => {
    showFeeder(root, feeder, state.unix_s, are === "few");
  });
}

// A bar's length and level; `end` is where it ends, in limits.
export function showBar(bar, currentMa, limitMa, end) {
  const share = currentMa === null ? 0 : currentMa / limitMa;
  bar.dataset.level = share > 1 ? "over" : share >= NEAR ? "near" : "normal";
  bar.querySelector(".fill").style.width = `${Math.min(100, (100 * share) / end)}%`;
}

function makeFeeder(feeder) {
  const root = stamp("feeder");
  root.dataset.feeder = feeder.id;
  const name = field(root, "name");
  name.textContent = feeder.parent ? `${feeder.id}, on ${feeder.parent}` : feeder.id;
  name.id = `feeder-${feeder.id}`;
  root.setAttribute("aria-labelledby", name.id);
  return root;
}

function showFeeder(root, feeder, unixS, withTrail) {
  keyed(list(root, "phases"), feeder.phases, (phase) => phase.phase, makePhase, (part, phase) => {
    showPhase(part, feeder, phase);
    if (withTrail) showTrail(part, feeder, phase, unixS);
  });
  const unmeasured = feeder.phases.map((phase) => `${amps(phase.silent_ma)} A on ${phase.phase}`);
  const silent = feeder.silent_boards.join(", ");
  say(field(root, "silent"), silent && `${silent} silent: up to ${unmeasured.join(", ")} not measured`);
}

function makePhase(phase) {
  const root = stamp("phase");
  root.dataset.phase = phase.phase;
  return root;
}

function showPhase(root, feeder, phase) {
  const over = phase.current_ma > phase.limit_ma;
  const shown = over ? phase.current_ma - phase.limit_ma : Math.max(0, phase.headroom_ma);
  write(field(root, "headroom"), amps(shown));
  write(field(root, "caption"), `${over ? "over the limit" : "headroom"} on ${phase.phase}`);
  write(field(root, "current"), amps(phase.current_ma));
  write(field(root, "limit"), amps(phase.limit_ma));
  say(field(root, "uncontrolled"), uncontrolledText(phase));
  root.dataset.over = over ? "1" : "0";
  const bar = field(root, "bar");
  showBar(bar, phase.current_ma, phase.limit_ma, WIDE_END);
  bar.setAttribute("aria-label", trailName(feeder, phase));
  bar.setAttribute("aria-valuemax", phase.limit_ma / 1000);
  bar.setAttribute("aria-valuenow", Math.min(phase.current_ma, phase.limit_ma) / 1000);
  bar.setAttribute("aria-valuetext", `${amps(phase.current_ma)} A`);
  showSilent(bar, phase);
}

const trailName = (feeder, phase) => `Current on ${feeder.id} ${phase.phase}`;

function showTrail(root, feeder, phase, unixS) {
  const key = `${feeder.id} ${phase.phase}`;
  if (!trails.has(key)) trails.set(key, new Trail(field(root, "chart"), feeder.id, phase.phase, unixS));
  trails.get(key).add(unixS, phase.current_ma, phase.limit_ma, trailName(feeder, phase));
}

function uncontrolledText(phase) {
  if (!phase.uncontrolled_ma && !phase.uncontrolled_text) return "";
  const known = phase.uncontrolled_text && ` (${phase.uncontrolled_text})`;
  return `${amps(phase.uncontrolled_ma)} A of it behind no relay${known}`;
}

// What boards gone silent may use on top of what is measured.
function showSilent(bar, phase) {
  const end = phase.limit_ma * WIDE_END;
  const from = Math.min(1, phase.current_ma / end);
  const maybe = bar.querySelector(".maybe");
  maybe.style.left = `${100 * from}%`;
  maybe.style.width = `${100 * Math.min(1 - from, phase.silent_ma / end)}%`;
}
