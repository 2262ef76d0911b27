// The curves: uPlot draws them; faults lie over each as bands.
/* global uPlot */
import { at, bytes, make, seconds, three } from "./dom.js";
import { state } from "./store.js";

const cores = (value) => (value === null || value === undefined ? "–" : `${three(value * 100)} %`);
const count = (value) => (value === null || value === undefined ? "–" : three(value));
const PLOTS = [
  { title: "connected", write: count, series: [["connected", "workers"]] },
  { title: "attempts to connect, a second", write: count, series: [["attempts", "attempts"]] },
  { title: "tasks done, a second", write: count, series: [["tasks", "tasks"]] },
  { title: "way back, last 10 s", write: seconds, series: [["reconnection_p50", "p50"], ["reconnection_p99", "p99"]] },
  { title: "task latency, last 10 s", write: seconds, series: [["latency_p50", "p50"], ["latency_p99", "p99"]] },
  { title: "tasks", write: count, series: [["waiting", "waiting"], ["assigned", "in work"]] },
  { title: "memory", write: bytes, series: [["memory_workers", "all workers"], ["memory_coordinator", "coordinator"]] },
  { title: "processor", write: cores, series: [["cpu_workers", "all workers"], ["cpu_coordinator", "coordinator"]] },
];
const HEIGHT = 120;
let made = [];

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

export function makePlots() {
  made.forEach((one) => one.chart.destroy());
  at("plots").replaceChildren();
  made = PLOTS.map((plot) => {
    const box = make("div", undefined, "plot");
    const title = make("h3", plot.title);
    const now = make("small");
    const place = make("div");
    title.append(now);
    box.append(title, place);
    at("plots").append(box);
    return { plot, now, place, chart: new uPlot(options(plot, place, now), columns(plot), place) };
  });
}

export function drawPlots() {
  made.forEach(({ plot, now, place, chart }) => {
    if (place.clientWidth && place.clientWidth !== chart.width) chart.setSize({ width: place.clientWidth, height: HEIGHT });
    chart.setData(columns(plot));
    if (chart.cursor.idx === null || chart.cursor.idx === undefined) now.textContent = told(plot, state.series.t.length - 1);
  });
}

function columns(plot) { return [state.series.t, ...plot.series.map(([name]) => state.series[name] || [])]; }

function told(plot, index) {
  return plot.series.map(([name, label]) => `${label} ${plot.write(state.series[name]?.[index])}`).join("  ");
}

function options(plot, place, now) {
  const grid = { stroke: colour("--rule"), width: 1 };
  const axis = { stroke: colour("--soft"), grid, ticks: grid, font: "11px system-ui, sans-serif" };
  const label = (chart, splits) => splits.map((value) => plot.write(value));
  return {
    width: place.clientWidth || 300,
    height: HEIGHT,
    legend: { show: false },
    cursor: { sync: { key: "now" }, drag: { x: false, y: false } },
    scales: { x: { time: true }, y: { range: (chart, low, high) => [0, high > 0 ? high * 1.08 : 1] } },
    axes: [{ ...axis, size: 24, gap: 2, values: "{HH}:{mm}:{ss}", space: 70 }, { ...axis, size: 66, gap: 2, values: label, space: 26 }],
    series: [{}, ...plot.series.map((one, index) => ({ stroke: colour(`--series-${index + 1}`), width: 1.5, dash: index ? [5, 3] : undefined, points: { show: false }, spanGaps: false }))],
    hooks: {
      drawClear: [bands],
      setCursor: [(chart) => { now.textContent = told(plot, chart.cursor.idx ?? state.series.t.length - 1); }],
    },
    padding: [6, 4, 0, 0],
  };
}

function bands(chart) {
  const { ctx, bbox: { left, top, width, height } } = chart;
  const last = state.series.t[state.series.t.length - 1] || 0;
  ctx.save();
  state.markers.forEach((marker) => {
    const [from, to] = [marker.from_s, marker.to_s ?? last].map((t) => chart.valToPos(t, "x", true));
    const [a, b] = [Math.max(left, from), Math.min(left + width, Math.max(to, from + 1))];
    if (b < left || a > left + width) return;
    ctx.fillStyle = colour("--band");
    ctx.fillRect(a, top, Math.max(1, b - a), height);
    ctx.fillStyle = colour("--band-line");
    ctx.fillRect(a, top, 1, height);
  });
  ctx.restore();
}
