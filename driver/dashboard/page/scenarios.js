// Scenarios: start one, follow its steps, read how it ended.
import { ask, at, make, seconds, some } from "./dom.js";
import { state } from "./store.js";

export async function show() {
  const { scenarios } = await ask("/api/scenarios");
  at("scenario-list").tBodies[0].replaceChildren(...scenarios.map(row));
}

function row(one) {
  const line = make("tr");
  const about = make("td");
  about.append(make("b", one.name), make("div", one.claim, "soft"), make("small", `${one.workers} workers, ${seconds(one.duration_s)}`));
  if (one.last_verdict) about.append(" ", make("small", `last: ${one.last_verdict.replace("_", " ")}`, one.last_verdict));
  const start = make("button", "start", "", { type: "button", "data-start": one.name });
  start.onclick = () => begin(one.name);
  const action = make("td", undefined, "number");
  if (!state.read_only) action.append(start);
  line.append(about, action);
  return line;
}

const whole = (id) => (/^\d+$/.test(at(id).value.trim()) ? Number(at(id).value) : null);

async function begin(name) {
  at("scenario-wrong").textContent = "";
  try {
    await ask("/api/scenarios/start", { name, quick: at("quick").checked, workers: whole("scenario-workers"), seed: whole("scenario-seed") });
  } catch (error) { at("scenario-wrong").textContent = error.message; }
}

export function setUp() {
  at("stop").onclick = () => ask("/api/scenarios/stop", {}).catch((error) => { at("scenario-wrong").textContent = error.message; });
}

const SHAPES = { "to come": "○", on: "●", done: "✓" };

export function drawFollow() {
  const one = state.doing.scenario;
  if (!one) return;
  at("follow-title").textContent = `${one.name} ${one.running ? "is running" : "has ended"}`;
  at("stop").hidden = !one.running || state.read_only;
  at("steps").replaceChildren(...one.steps.map((step) => {
    const lasts = step.for_s === null ? "" : ` for ${seconds(step.for_s)}`;
    return make("li", `${SHAPES[step.state]} at ${seconds(step.at_s)}${lasts}: ${step.fault} on ${some(step.targets)}`, step.state);
  }));
  const verdict = at("follow-verdict");
  verdict.replaceChildren();
  if (one.verdict) {
    verdict.append(make("b", one.verdict.replace("_", " ").toUpperCase(), one.verdict), ` ${one.because} `);
    verdict.append(make("a", "report", "", { href: `/runs/${encodeURIComponent(one.run)}/report.html`, target: "_blank", rel: "noopener" }));
  }
  at("follow-lines").textContent = one.lines.join("\n");
}
