// The view of now: figures, queue, and the lab's state.
import { at, make, plain, set } from "./dom.js";
import { count, seconds } from "./format.js";
import { state } from "./store.js";

const whole = (value) => value.toLocaleString("en");
const FIGURES = [
  [(f) => (f.connected_under_faults ? `connected, ${f.connected_under_faults} under faults` : "connected"), (f) => `${f.connected} / ${f.workers}`, (f) => f.connected < f.workers],
  ["tasks done", (f) => whole(f.tasks_completed)],
  ["failed", (f) => whole(f.tasks_failed), (f) => f.tasks_failed > 0],
  ["waiting / in work", (f) => `${count(f.waiting)} / ${count(f.assigned)}`],
  ["latency p50 / p99", (f) => `${seconds(f.task_latency_p50_s)} / ${seconds(f.task_latency_p99_s)}`],
  ["away, fault included, p50 / p99", (f) => `${seconds(f.reconnection_time_p50_s)} / ${seconds(f.reconnection_time_p99_s)}`],
  ["reconnections", (f) => whole(f.reconnections)],
  ["attempts", (f) => whole(f.connection_attempts)],
];
const written = (label, figures) => (typeof label === "function" ? label(figures) : label);
const LAB = {
  none: ["○ no lab", ""],
  up: ["● up", "good"],
  run: ["▶ running", "good"],
  gone: ["✕ gone", "bad"],
};

export function setUp() {
  at("figures").replaceChildren(...FIGURES.map(([label]) => {
    const box = make("div");
    box.append(make("dt", written(label, {})), make("dd", "–"));
    return box;
  }));
}

export function drawFigures() {
  const { figures } = state;
  const is_known = figures.workers !== undefined;
  FIGURES.forEach(([label, write, is_low], index) => {
    const box = at("figures").children[index];
    set(box.firstChild, written(label, figures));
    set(box.lastChild, is_known ? write(figures) : "–");
    box.className = is_known && is_low?.(figures) ? "low" : "";
  });
}

export function drawQueue() {
  const waiting = Object.entries(state.queue);
  const most = Math.max(10, ...waiting.map(([, many]) => many));
  if (at("queue").children.length !== waiting.length * 3) {
    at("queue").replaceChildren(...waiting.flatMap(([name]) => {
      const bar = make("i");
      bar.append(make("span"));
      return [make("span", name, "soft"), bar, make("b")];
    }));
  }
  waiting.forEach(([, many], index) => {
    at("queue").children[index * 3 + 1].firstChild.style.width = `${(many / most) * 100}%`;
    set(at("queue").children[index * 3 + 2], many);
  });
}

export function drawLab() {
  const { lab } = state;
  const [words, tone] = LAB[lab.state] || LAB.none;
  set(at("lab-state"), words);
  at("lab-state").className = `pill ${tone}`;
  const left = lab.left_s === null || lab.left_s === undefined ? "" : `, ${Math.round(lab.left_s)} s left`;
  set(at("lab-words"), plain([lab.project, lab.scenario && `${lab.scenario}: ${lab.phase}${left}`, lab.run].filter(Boolean).join(" · ")));
  const last = lab.state === "gone" ? "The lab is gone; this is its last picture. " : "";
  at("hint").hidden = !lab.hint && !last;
  set(at("hint"), `${last}${lab.hint || ""}`);
  document.body.classList.toggle("still", lab.state === "gone");
  document.title = plain(`${lab.scenario || lab.project || "Stormlab"} · Stormlab`);
}
