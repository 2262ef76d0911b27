// The stored runs: a list, the trend of a metric, a comparison of two.
import { ask, at, make, set } from "./dom.js";
import { rendered } from "./markdown.js";
import { verdictWords } from "./scenarios.js";
import { drawTrend, figure, heading } from "./trend.js";
import { day } from "./format.js";

const ticked = new Set();
let metrics = [];

export async function show() {
  set(at("before-wrong"), "");
  try {
    const query = new URLSearchParams({ scenario: at("run-scenario").value, verdict: at("run-verdict").value });
    const answer = await ask(`/api/runs?${query}`);
    metrics = answer.metrics;
    offer(answer.runs);
    drawRuns(answer.runs);
    await trend();
  } catch (error) { set(at("before-wrong"), error.message); }
}

const trend = () => drawTrend(at("run-scenario").value, at("run-metric").value);

// Offer the metrics and scenarios that the runs have.
function offer(runs) {
  if (!at("run-metric").options.length) at("run-metric").append(...metrics.map((name) => make("option", heading(name), "", { value: name })));
  const names = new Set([...at("run-scenario").options].map((option) => option.value));
  const more = [...new Set(runs.map((run) => run.scenario))].filter((name) => !names.has(name)).sort();
  at("run-scenario").append(...more.map((name) => make("option", name)));
}

export function setUp() {
  for (const id of ["run-scenario", "run-verdict"]) at(id).onchange = show;
  at("run-metric").onchange = () => trend().catch((error) => set(at("before-wrong"), error.message));
  at("compare").onclick = compare;
}

function drawRuns(runs) {
  const head = make("tr");
  const columns = ["", "when (UTC)", "scenario", "verdict", "", ...metrics.map(heading)];
  head.append(...columns.map((name, index) => make("th", name, index > 4 ? "number" : "")));
  at("runs").tHead.replaceChildren(head);
  at("runs").tBodies[0].replaceChildren(...runs.map(row));
  at("no-runs").hidden = runs.length > 0;
}

function row(run) {
  const line = make("tr");
  const tick = make("input", undefined, "", { type: "checkbox", "aria-label": `compare ${run.run}` });
  tick.checked = ticked.has(run.run);
  tick.onchange = () => {
    if (tick.checked) ticked.add(run.run);
    else ticked.delete(run.run);
    at("compare").disabled = ticked.size !== 2;
  };
  const first = make("td");
  first.append(tick);
  const verdict = make("td", verdictWords(run.verdict), `verdict ${run.verdict}`);
  verdict.title = run.because;
  const report = make("td");
  if (run.report) report.append(make("a", "report", "", { href: run.report, target: "_blank", rel: "noopener" }));
  line.append(first, make("td", day(run.wall_s), "when"), make("td", run.scenario), verdict, report);
  line.append(...metrics.map((name) => make("td", figure(name, run.metrics[name]), "number")));
  return line;
}

async function compare() {
  const [a, b] = [...ticked].sort();
  const place = at("comparison");
  place.hidden = false;
  place.replaceChildren(make("p", "comparing …", "soft"));
  try {
    place.replaceChildren(...rendered((await ask(`/api/compare?${new URLSearchParams({ a, b })}`)).markdown));
  } catch (error) { place.replaceChildren(make("p", error.message, "wrong")); }
  place.scrollIntoView({ block: "nearest" });
}
