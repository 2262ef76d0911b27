// The curves, drawn by uPlot; each fault is a band over all of them, from its begin to its end.
/* global uPlot */
import { at, colour, make, set } from "./dom.js";
import { bytes, clock, cores, count, seconds } from "./format.js";
import { state } from "./store.js";

const MIB = 2 ** 20;
const PLOTS = [
  { title: "connected", write: count, series: [["connected", "workers"]] },
  { title: "attempts /s", write: count, series: [["attempts", "to connect"]] },
  { title: "tasks /s", write: count, series: [["tasks", "done"]] },
  { title: "tasks held", write: count, series: [["waiting", "waiting"], ["assigned", "in work"]] },
  { title: "away, fault included", write: seconds, series: [["reconnection_p50", "p50"], ["reconnection_p99", "p99"]], dots: true },
  { title: "task latency", write: seconds, series: [["latency_p50", "p50"], ["latency_p99", "p99"]] },
  { title: "memory", write: bytes, series: [["memory_workers", "workers"], ["memory_coordinator", "coord."]], incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 20000, 50000].map((one) => one * MIB) },
  { title: "processor", write: cores, series: [["cpu_workers", "workers"], ["cpu_coordinator", "coord."]] },
];
const HEIGHT = 118;
let made = [];
// The range shown: the last seconds (0: all), or the range dragged over.
let span = 120;
let stretch = null;

export function setUp() {
  document.querySelectorAll("[data-span]").forEach((button) => {
    button.onclick = () => { span = Number(button.dataset.span); show(null); };
  });
  new ResizeObserver(fit).observe(at("plots"));
}

function show(wanted) {
  stretch = wanted;
  document.querySelectorAll("[data-span]").forEach((button) => button.setAttribute("aria-pressed", String(!stretch && Number(button.dataset.span) === span)));
  set(at("stretch"), stretch ? `${clock(stretch[0])} to ${clock(stretch[1])}; double-click for all` : "drag over a curve to look closer");
  drawPlots();
}

export function makePlots() {
  made.forEach((one) => one.chart.destroy());
  at("plots").replaceChildren();
  made = PLOTS.map((plot) => {
    const box = make("div", undefined, "plot");
    const head = make("h3", plot.title);
    const place = make("div");
    const values = plot.series.map(([, label], index) => {
      const value = make("b");
      const key = make("span");
      key.append(make("i", "", `line-${index + 1}`), `${label} `, value);
      head.append(key);
      return value;
    });
    box.append(head, place);
    at("plots").append(box);
    const one = { plot, values, place };
    one.chart = new uPlot(options(one), columns(plot), place);
    one.chart.over.addEventListener("dblclick", () => show(null));
    return one;
  });
}

export function drawPlots() {
  made.forEach((one) => {
    one.chart.setData(columns(one.plot));
    if (typeof one.chart.cursor.idx !== "number") showValues(one, state.series.t.length - 1);
  });
}

function fit() {
  made.forEach(({ place, chart }) => {
    if (place.clientWidth && place.clientWidth !== chart.width) chart.setSize({ width: place.clientWidth, height: HEIGHT });
  });
}

function columns(plot) { return [state.series.t, ...plot.series.map(([name]) => state.series[name] || [])]; }

function showValues({ plot, values }, index) {
  plot.series.forEach(([name], place) => set(values[place], plot.write(state.series[name]?.[index])));
}

function seen(chart, low, high) {
  if (stretch) return stretch;
  if (low === null || high === null) return [state.now_s - 60, state.now_s];
  return [span ? Math.max(low, high - span) : low, Math.max(high, low + 10)];
}

function options(one) {
  const { plot, place } = one;
  const grid = { stroke: colour("--rule"), width: 1 };
  const axis = { stroke: colour("--soft"), grid, ticks: { show: false }, font: "11px system-ui, sans-serif" };
  const label = (chart, splits) => splits.map((value) => plot.write(value));
  return {
    width: place.clientWidth || 260,
    height: HEIGHT,
    legend: { show: false },
    cursor: { sync: { key: "now" }, drag: { x: true, y: false, setScale: false }, points: { size: 5 } },
    scales: { x: { time: true, range: seen }, y: { range: (chart, low, high) => [0, high > 0 ? high * 1.1 : 1] } },
    axes: [
      { ...axis, size: 20, gap: 2, space: 62, values: (chart, splits) => splits.map(clock) },
      { ...axis, size: 58, gap: 4, space: 24, values: label, ...(plot.incrs ? { incrs: plot.incrs } : {}) },
    ],
    series: [{}, ...plot.series.map((name, index) => ({
      stroke: colour(`--series-${index + 1}`), width: 1.5, dash: index ? [5, 3] : undefined, spanGaps: false,
      points: { show: Boolean(plot.dots), size: 3 },
    }))],
    hooks: {
      drawClear: [bands],
      setCursor: [(chart) => { if (one.chart) showValues(one, chart.cursor.idx ?? state.series.t.length - 1); }],
      setSelect: [(chart) => {
        if (chart.select.width < 4) return;
        const ends = [chart.select.left, chart.select.left + chart.select.width].map((x) => chart.posToVal(x, "x"));
        chart.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
        if (ends[1] - ends[0] >= 1) show(ends);
      }],
    },
    padding: [4, 8, 0, 0],
  };
}

// A hatched band for each fault, with a line at its begin and at its end.
function bands(chart) {
  const { ctx, bbox: { left, top, width, height } } = chart;
  const last = state.series.t[state.series.t.length - 1] || 0;
  const proofs = new Map(state.faults.map((fault) => [fault.id, fault.receipt]));
  const dot = devicePixelRatio;
  ctx.save();
  ctx.beginPath();
  ctx.rect(left, top, width, height);
  ctx.clip();
  let named_to = left;
  state.markers.forEach((marker) => {
    const [from, to] = [marker.from_s, marker.to_s ?? Math.max(last, state.now_s)].map((t) => chart.valToPos(t, "x", true));
    if (to < left || from > left + width) return;
    ctx.fillStyle = colour(proofs.get(marker.id) === "unproved" ? "--unproved" : "--band");
    ctx.fillRect(from, top, Math.max(dot, to - from), height);
    ctx.fillStyle = colour("--band-line");
    ctx.fillRect(from, top, dot, height);
    if (marker.to_s !== null) ctx.fillRect(to - dot, top, dot, height);
    ctx.font = `${10 * dot}px system-ui, sans-serif`;
    const wide = ctx.measureText(marker.kind).width + 6 * dot;
    const begin = Math.max(left, from);
    if (to - begin < wide || begin < named_to) return;
    ctx.fillStyle = colour("--soft");
    ctx.fillText(marker.kind, begin + 3 * dot, top + 10 * dot);
    named_to = begin + wide;
  });
  ctx.restore();
}
