// Scenarios: start one, follow its steps, read its verdict.
import { ask, at, keep, make, set } from "./dom.js";
import { drawStrip } from "./strip.js";
import { aimed, seconds } from "./format.js";
import { state } from "./store.js";

const SHAPES = { "to come": "○", on: "●", done: "✓" };
const VERDICTS = { passed: "✓", failed: "✕", inconclusive: "?", expected_failure: "◇" };
let catalogue = [];

export const verdictWords = (verdict) => (verdict ? `${VERDICTS[verdict] || "·"} ${verdict.replace("_", " ")}` : "· none");

export async function show() {
  try {
    catalogue = (await ask("/api/scenarios")).scenarios;
    keep(at("scenario-list"), catalogue, (one) => one.name, row, fill);
  } catch (error) { set(at("scenario-wrong"), error.message); }
}

function row(one) {
  const line = make("li");
  const about = make("div");
  about.append(make("b", one.name), make("small"), make("p", one.claim, "soft"));
  const start = make("button", "start", "", { type: "button", "data-start": one.name, "aria-label": `start ${one.name}` });
  start.onclick = () => begin(one.name);
  line.append(about, start);
  return line;
}

function fill(line, one) {
  set(line.querySelector("small"), ` ${one.workers} workers, ${seconds(one.duration_s)} · last: `);
  line.querySelector("small").append(make("span", verdictWords(one.last_verdict), one.last_verdict || ""));
  line.lastChild.hidden = state.read_only;
}

const whole = (id) => (/^\d+$/.test(at(id).value.trim()) ? Number(at(id).value) : null);

async function begin(name) {
  set(at("scenario-wrong"), "");
  try {
    const job = await ask("/api/scenarios/start", { name, quick: at("quick").checked, workers: whole("scenario-workers"), seed: whole("scenario-seed") });
    set(at("scenario-command"), job.command);
    at("follow").scrollIntoView({ block: "nearest" });
  } catch (error) { set(at("scenario-wrong"), error.message); }
}

export function setUp() {
  at("stop").onclick = () => ask("/api/scenarios/stop", {}).catch((error) => set(at("scenario-wrong"), error.message));
}

// A scenario that the page started has a plan; of another one only the faults that have begun are known.
function followed() {
  const { scenario } = state.doing;
  if (scenario && (scenario.running || state.lab.state !== "run")) return { ...scenario, is_ours: true };
  if (state.lab.state === "none" || !state.lab.scenario) return null;
  // Times count from the run's zero, as in its report.
  const begin_s = state.lab.zero_s ?? Math.min(...state.faults.map((one) => one.since_s));
  const steps = state.faults.map((one) => ({ id: one.id, fault: one.kind, at_s: one.since_s - begin_s, for_s: one.ended_s === null ? state.now_s - one.since_s : one.ended_s - one.since_s, targets: one.targets, state: one.ended_s === null ? "on" : "done" }));
  return { name: state.lab.scenario, running: state.lab.state === "run", steps, lines: [], verdict: "", because: "", run: state.lab.run, is_ours: false };
}

function titleOf(one) {
  if (!one) return "None is running";
  const { lab } = state;
  const phase = one.running && lab.state === "run" && lab.phase ? `: ${lab.phase}${lab.left_s ? `, ${Math.round(lab.left_s)} s left` : ""}` : "";
  return `${one.name} ${one.running ? `is running${phase}` : "has ended"}${one.is_ours ? "" : " (started elsewhere)"}`;
}

export function drawFollow() {
  const one = followed();
  set(at("follow-title"), titleOf(one));
  at("stop").hidden = !one?.running || !one.is_ours || state.read_only;
  const steps = one ? one.steps : [];
  const length_s = Math.max(lengthOf(one), ...steps.map((step) => step.at_s + (step.for_s ?? 0)), 1);
  const has_clock = one?.is_ours && one.running && state.lab.left_s !== null && state.lab.state === "run" && state.lab.scenario === one.name;
  drawStrip(at("strip"), steps, length_s, has_clock ? Math.max(0, length_s - state.lab.left_s) : null);
  keep(at("steps"), steps, (step) => step.id, () => make("li"), fillStep);
  const receipts = steps.map((step) => receiptOf(step)).filter(Boolean);
  const proved = receipts.filter((fault) => fault.receipt === "proved").length;
  set(at("findings"), steps.length ? `So far: ${steps.filter((step) => step.state === "done").length} of ${steps.length} steps done; ${proved} faults proved, ${receipts.length - proved} not; ${state.figures.tasks_failed ?? 0} tasks failed.` : "");
  drawVerdict(one);
  set(at("follow-lines"), one ? one.lines.join("\n") : "");
}

// The length of its timeline (s), from the driver, else from the catalogue.
function lengthOf(one) {
  if (!one?.is_ours) return 0;
  return one.duration_s ?? (state.doing.scenario.running ? catalogue.find((each) => each.name === one.name)?.duration_s : 0) ?? 0;
}

function receiptOf(step) {
  const fault = state.faults.find((each) => each.id === step.id);
  return fault?.receipt ? fault : null;
}

function fillStep(item, step) {
  const lasts = step.for_s === null ? "" : ` for ${seconds(step.for_s)}`;
  const fault = receiptOf(step);
  const proof = fault ? ` · ${fault.receipt === "proved" ? "✓ proved" : `✕ not proved: ${fault.because}`}` : "";
  item.className = step.state.replace(" ", "-");
  set(item, `${SHAPES[step.state]} ${seconds(step.at_s)}${lasts}: ${step.fault} on ${aimed(step.targets, state.tiles.size)}${proof}`);
}

function drawVerdict(one) {
  const place = at("follow-verdict");
  const words = one?.verdict ? `${one.verdict} ${one.because} ${one.run}` : "";
  if (place.dataset.words === words) return;
  place.dataset.words = words;
  place.replaceChildren();
  if (!words) return;
  place.append(make("b", verdictWords(one.verdict).toUpperCase(), one.verdict), ` ${one.because} `);
  place.append(make("a", "report", "", { href: `/runs/${encodeURIComponent(one.run)}/report.html`, target: "_blank", rel: "noopener" }));
}
