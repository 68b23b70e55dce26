// uPlot in the page's colours. A chart is drawn anew when the theme or its width changes.

import uPlot from "./vendor/uplot/uPlot.esm.js";

const dark = matchMedia("(prefers-color-scheme: dark)");
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

// Current over time, in A, under a limit: a line, above it a thin one of the highest if there is one.
export class CurrentChart {
  constructor(root, { height, axes, onZoom = () => {} }) {
    this.root = root;
    this.height = height;
    this.axes = axes;
    this.onZoom = onZoom;
    this.data = null;
    this.plot = null;
    root.setAttribute("role", "img");
    new ResizeObserver(() => this.resize()).observe(root);
    dark.addEventListener("change", () => this.draw());
  }

  // unixS ascending; meanA, maxA: a number or null for each; limitA one number; `from`, `to` the
  // ends of the time axis; `text` says in words what there is to see.
  show({ unixS, meanA, maxA, limitA, from, to, text }) {
    const redraw = this.data === null || this.limitA !== limitA;
    this.data = [unixS, maxA, meanA, unixS.map(() => limitA)];
    this.limitA = limitA;
    this.span = { min: from, max: to };
    this.root.setAttribute("aria-label", text);
    if (redraw || !this.plot) this.draw();
    else this.fill();
  }

  fill() {
    this.plot.setData(this.data, false);
    this.plot.setScale("x", this.span);
  }

  resize() {
    const width = this.root.clientWidth;
    if (this.plot && width && width !== this.plot.width) this.plot.setSize({ width, height: this.height });
    else if (!this.plot && width && this.data) this.draw();
  }

  draw() {
    this.plot?.destroy();
    this.plot = null;
    const width = this.root.clientWidth;
    if (!this.data || !width) return;
    this.plot = new uPlot(this.options(width), this.data, this.root);
    this.fill();
  }

  options(width) {
    return {
      width,
      height: this.height,
      legend: { show: false },
      cursor: { show: this.axes, drag: { setScale: false, x: this.axes, y: false }, points: { size: 5 } },
      padding: this.axes ? [8, 8, 0, 0] : [4, 0, 4, 0],
      scales: { y: { range: (_plot, _low, high) => [0, Math.max(this.limitA, high ?? 0) * 1.1] } },
      axes: this.axes ? [axis("x"), axis("y")] : [{ show: false }, { show: false }],
      series: [
        {},
        { stroke: colour("flow-soft"), width: 1, points: { show: false } },
        { stroke: colour("flow"), width: 2, fill: colour("flow-page"), points: this.axes ? { size: 4 } : { show: false } },
        { stroke: colour("ink"), width: 1, dash: [4, 4], points: { show: false } },
      ],
      hooks: { setSelect: [(plot) => this.selected(plot)] },
    };
  }

  selected(plot) {
    const { left, width } = plot.select;
    if (width < 5) return;
    this.onZoom(plot.posToVal(left, "x"), plot.posToVal(left + width, "x"));
    plot.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
  }
}

function axis(which) {
  const shared = {
    stroke: colour("soft"),
    font: "12px system-ui, sans-serif",
    grid: { stroke: colour("line"), width: 1 },
    ticks: { show: false },
  };
  if (which === "y") return { ...shared, size: 44, values: (_plot, values) => values.map((value) => `${value} A`) };
  return { ...shared, values: CLOCK_VALUES };
}

// From coarse to fine: [at least this many seconds apart, how it reads, ...where a day begins].
const CLOCK_VALUES = [
  [86_400, "{D}.{M}.", null, null, null, null, null, null, 1],
  [60, "{HH}:{mm}", "\n{D}.{M}.", null, "\n{D}.{M}.", null, null, null, 1],
  [1, "{HH}:{mm}:{ss}", null, null, null, null, null, null, 1],
];
