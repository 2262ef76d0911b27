// The trend of one metric over the runs of a scenario.
/* global uPlot */
import { ask, at, colour, set } from "./dom.js";
import { day, seconds, three } from "./format.js";

let chart = null;

export const heading = (name) => name.replace(/_per_s$/, " /s").replace(/_s$/, "").replaceAll("_", " ");

export function figure(name, value) {
  if (value === null || value === undefined) return "–";
  if (name.endsWith("_rate")) return `${three(value * 100)} %`;
  return name.endsWith("_s") && !name.endsWith("_per_s") ? seconds(value) : three(value);
}

export async function drawTrend(scenario, metric) {
  chart?.destroy();
  chart = null;
  const { points } = scenario ? await ask(`/api/trend?${new URLSearchParams({ scenario, metric })}`) : { points: [] };
  const words = !scenario ? "Choose a scenario to see how a figure went from run to run." : points.length < 2 ? "Two runs at least make a trend." : "";
  set(at("trend-words"), words);
  if (words) return;
  const rule = { stroke: colour("--rule"), width: 1 };
  const axis = { stroke: colour("--soft"), grid: rule, ticks: { show: false }, font: "11px system-ui, sans-serif" };
  const when = (one, splits) => splits.map((n) => (Number.isInteger(n) && points[n] ? day(points[n].wall_s) : ""));
  chart = new uPlot({
    width: at("trend").clientWidth, height: 150, legend: { show: false }, padding: [8, 50, 0, 0],
    scales: { x: { time: false }, y: { range: (one, low, high) => [0, high > 0 ? high * 1.1 : 1] } },
    axes: [{ ...axis, values: when, space: 130, incrs: [1, 2, 5, 10, 20, 50, 100] }, { ...axis, size: 64, values: (one, splits) => splits.map((value) => figure(metric, value)) }],
    cursor: { drag: { x: false, y: false } },
    series: [{}, { stroke: colour("--series-1"), width: 1.5, points: { show: true, size: 6 } }],
    hooks: { setCursor: [(one) => { const n = one.cursor.idx; set(at("trend-at"), points[n] ? `${points[n].run}: ${figure(metric, points[n].value)}` : ""); }] },
  }, [points.map((_, index) => index), points.map((point) => point.value)], at("trend"));
}
