// The rest of the view of now: figures, faults, queue, events.
import { ask, at, clock, make, plain, seconds, some } from "./dom.js";
import { state } from "./store.js";

const FIGURES = [
  ["connected", (f) => `${f.connected} / ${f.workers}`, (f) => f.connected < f.workers],
  ["tasks done", (f) => f.tasks_completed.toLocaleString("en")],
  ["failed", (f) => f.tasks_failed.toLocaleString("en"), (f) => f.tasks_failed > 0],
  ["waiting / in work", (f) => `${f.waiting} / ${f.assigned}`],
  ["latency p50 / p99", (f) => `${seconds(f.task_latency_p50_s)} / ${seconds(f.task_latency_p99_s)}`],
  ["reconnections", (f) => f.reconnections.toLocaleString("en")],
  ["way back p50 / p99", (f) => `${seconds(f.reconnection_time_p50_s)} / ${seconds(f.reconnection_time_p99_s)}`],
  ["attempts", (f) => f.connection_attempts.toLocaleString("en")],
];
const TONES = { lost: "warn", worker_lost: "warn", gave_up: "bad", trouble: "bad", fault_failed: "bad", frame_refused: "warn", connected: "good", healed: "good", fault_begun: "warn", fault_ended: "good", lease_expired: "warn", attempt_lost: "warn" };
const SHOWN = 200;
let paused = false;

export function drawFigures() {
  const { figures } = state;
  at("figures").replaceChildren(...FIGURES.map(([name, write, isLow]) => {
    const box = make("div");
    const known = figures.workers !== undefined;
    box.className = known && isLow && isLow(figures) ? "low" : "";
    box.append(make("dt", name), make("dd", known ? write(figures) : "–"));
    return box;
  }));
}

export function drawFaults() {
  const newest = [...state.faults].reverse();
  const shown = newest.length ? newest.slice(0, 40).map(fault) : [make("p", "None so far.", "soft")];
  at("faults").replaceChildren(...shown);
}

function fault(one) {
  const box = make("div", undefined, `fault ${one.ended_s === null ? "on" : "over"}`, { "data-fault": one.id });
  const head = make("div", undefined, "row");
  head.append(make("b", one.kind), make("small", one.ended_s === null ? `since ${clock(one.since_s)}` : `${clock(one.since_s)}, ${seconds(one.ended_s - one.since_s)}`));
  const params = Object.entries(one.params).map(([name, value]) => `${name} ${typeof value === "object" ? JSON.stringify(value) : value}`).join(", ");
  box.append(head, make("p", `${some(one.targets, 6)}${params ? ` · ${params}` : ""}`, "soft"));
  if (one.receipt) box.append(make("p", `${one.receipt === "proved" ? "✓ proved" : "✕ not proved"}: ${one.because}`, one.receipt));
  return box;
}

export function drawQueue() {
  const most = Math.max(1, ...Object.values(state.queue));
  at("queue").replaceChildren(...Object.entries(state.queue).flatMap(([name, waiting]) => {
    const [bar, fill] = [make("i"), make("span")];
    fill.style.width = `${(waiting / most) * 100}%`;
    bar.append(fill);
    return [make("span", name, "soft"), bar, make("span", waiting)];
  }));
}

export function drawEvents() {
  if (paused) return;
  const wanted = at("filter").value.trim().toLowerCase();
  const fits = (event) => !wanted || `${event.by} ${event.event} ${event.text}`.toLowerCase().includes(wanted);
  const newest = state.events.filter(fits).slice(-SHOWN).reverse();
  at("events").replaceChildren(...newest.map(line));
}

function line(event) {
  const item = make("li");
  item.append(make("time", clock(event.t)), make("b", event.by), make("span", event.text, TONES[event.event] || ""));
  return item;
}

export function pause() {
  paused = !paused;
  at("pause").setAttribute("aria-pressed", String(paused));
  at("pause").textContent = paused ? "go on" : "pause";
  drawEvents();
}

export function drawLab() {
  const { lab } = state;
  const [words, tone] = { none: ["no lab", ""], up: ["up", "good"], run: ["running", "good"], gone: ["gone: the last picture stays", "bad"] }[lab.state];
  at("lab-state").textContent = words;
  at("lab-state").className = `pill ${tone}`;
  const left = lab.left_s === null || lab.left_s === undefined ? "" : `, ${Math.round(lab.left_s)} s left`;
  at("lab-words").textContent = plain([lab.project, lab.scenario && `${lab.scenario}: ${lab.phase}${left}`, lab.run].filter(Boolean).join(" · "));
  at("hint").hidden = !lab.hint;
  at("hint").textContent = plain(lab.hint || "");
  document.title = `${lab.scenario || lab.project || "Stormlab"} · Stormlab`;
}

export async function healAll() {
  try { await ask("/api/heal", {}); } catch (error) { at("hits").textContent = error.message; }
}
