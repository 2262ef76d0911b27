// The runs that are kept: a list, a trend, two compared.
/* global uPlot */
import { ask, at, day, make, seconds, three } from "./dom.js";

const ticked = new Set();
let chart = null;
let metrics = [];

export async function show() {
  const query = new URLSearchParams({ scenario: at("run-scenario").value, verdict: at("run-verdict").value });
  const told = await ask(`/api/runs?${query}`);
  metrics = told.metrics;
  if (!at("run-metric").options.length) at("run-metric").append(...metrics.map((name) => make("option", name)));
  const names = new Set([...at("run-scenario").options].map((option) => option.value));
  at("run-scenario").append(...[...new Set(told.runs.map((run) => run.scenario))].filter((name) => !names.has(name)).sort().map((name) => make("option", name)));
  drawRuns(told.runs);
  await trend();
}

export function setUp() {
  for (const id of ["run-scenario", "run-verdict"]) at(id).onchange = show;
  at("run-metric").onchange = trend;
  at("compare").onclick = compare;
}

function drawRuns(runs) {
  const head = make("tr");
  head.append(make("th", ""), make("th", "when (UTC)"), make("th", "scenario"), make("th", "verdict"), ...metrics.map((name) => make("th", heading(name), "number")), make("th", ""));
  at("runs").tHead.replaceChildren(head);
  at("runs").tBodies[0].replaceChildren(...runs.map((run) => {
    const line = make("tr");
    const tick = make("input", undefined, "", { type: "checkbox", "aria-label": `compare ${run.run}` });
    tick.checked = ticked.has(run.run);
    tick.onchange = () => { if (tick.checked) ticked.add(run.run); else ticked.delete(run.run); at("compare").disabled = ticked.size !== 2; };
    const first = make("td");
    first.append(tick);
    const verdict = make("td", run.verdict.replace("_", " ") || "none", run.verdict);
    verdict.title = run.because;
    const report = make("td");
    if (run.report) report.append(make("a", "report", "", { href: run.report, target: "_blank", rel: "noopener" }));
    line.append(first, make("td", day(run.wall_s)), make("td", run.scenario), verdict, ...metrics.map((name) => make("td", written(name, run.metrics[name]), "number")), report);
    return line;
  }));
}

const heading = (name) => name.replace(/_per_s$/, " /s").replace(/_s$/, "").replaceAll("_", " ");

function written(name, value) {
  if (value === null || value === undefined) return "–";
  if (name.endsWith("_rate")) return `${three(value * 100)} %`;
  return name.endsWith("_s") && !name.endsWith("_per_s") ? seconds(value) : three(value);
}

async function trend() {
  chart?.destroy();
  chart = null;
  const scenario = at("run-scenario").value;
  at("trend").textContent = scenario ? "" : "Choose a scenario to see how a figure went from run to run.";
  at("trend").className = scenario ? "" : "soft";
  if (!scenario) return;
  const metric = at("run-metric").value;
  const { points } = await ask(`/api/trend?${new URLSearchParams({ scenario, metric })}`);
  if (points.length < 2) { at("trend").textContent = "Two runs at least make a trend."; return; }
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const axis = { stroke: colour("--soft"), grid: { stroke: colour("--rule"), width: 1 }, ticks: { stroke: colour("--rule"), width: 1 } };
  const values = (chart_, splits) => splits.map((value) => written(metric, value));
  chart = new uPlot({
    width: at("trend").clientWidth, height: 160, legend: { show: false }, scales: { x: { time: false }, y: { range: (c, low, high) => [0, high > 0 ? high * 1.1 : 1] } },
    axes: [{ ...axis, values: (c, splits) => splits.map((n) => (Number.isInteger(n) && points[n] ? day(points[n].wall_s) : "")), space: 130 }, { ...axis, size: 64, values }],
    series: [{}, { stroke: colour("--series-1"), width: 1.5, points: { show: true, size: 6 } }],
  }, [points.map((_, index) => index), points.map((point) => point.value)], at("trend"));
}

async function compare() {
  const [a, b] = [...ticked].sort();
  const place = at("comparison");
  place.hidden = false;
  place.textContent = "comparing …";
  try { place.textContent = (await ask(`/api/compare?${new URLSearchParams({ a, b })}`)).markdown; } catch (error) { place.textContent = error.message; }
}
