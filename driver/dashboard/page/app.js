// Puts the page together: changed parts are drawn once a frame, and only in the view that is open.
import { at, set } from "./dom.js";
import * as runs from "./runs.js";
import * as events from "./events.js";
import { drawFaults, drawFaultsOn } from "./faults.js";
import * as inject from "./inject.js";
import { drawReadOnly } from "./previewed.js";
import * as now from "./now.js";
import * as plots from "./plots.js";
import * as scenarios from "./scenarios.js";
import { state, watch } from "./store.js";
import { Stream } from "./stream.js";
import * as tiles from "./tiles.js";

const VIEWS = { now: "tab-now", "inject-view": "tab-inject", scenarios: "tab-scenarios", before: "tab-before" };
const EVERYTHING = ["lab", "read_only", "figures", "tiles", "faults", "series", "queue", "events", "doing"];
const PLOTS_EVERY_MS = 450;
const pending = new Set();
let is_due = false;
let plotted_ms = 0;

function draw() {
  is_due = false;
  if (document.hidden) return;
  const changed = new Set(pending);
  pending.clear();
  const any = (...names) => names.some((name) => changed.has(name));
  if (any("lab")) now.drawLab();
  if (any("lab", "faults", "second")) drawFaultsOn();
  if (any("read_only")) drawReadOnly();
  if (!at("now").hidden) drawNow(any);
  if (!at("inject-view").hidden) {
    if (any("tiles", "faults", "second")) inject.draw();
    if (any("doing", "read_only")) inject.drawJobs();
  }
  if (!at("scenarios").hidden && any("doing", "lab", "faults", "read_only", "second")) scenarios.drawFollow();
}

function drawNow(any) {
  if (any("figures")) now.drawFigures();
  if (any("tiles", "faults", "second", "read_only")) tiles.draw();
  if (any("points", "series", "markers")) drawPlots();
  if (any("faults", "second")) drawFaults();
  if (any("queue")) now.drawQueue();
  if (any("events")) events.drawEvents();
}

// A curve has a point a second: redrawing it with every message would only cost time.
function drawPlots() {
  const left_ms = plotted_ms + PLOTS_EVERY_MS - performance.now();
  if (left_ms <= 0) {
    plotted_ms = performance.now();
    plots.drawPlots();
  } else {
    pending.add("points");
    setTimeout(schedule, left_ms);
  }
}

function mark(names) {
  names.forEach((name) => pending.add(name));
  schedule();
}

function schedule() {
  if (is_due || document.hidden) return;
  is_due = true;
  requestAnimationFrame(draw);
}

function open(view) {
  for (const [id, tab] of Object.entries(VIEWS)) {
    at(id).hidden = id !== view;
    at(tab).setAttribute("aria-selected", String(id === view));
    at(tab).tabIndex = id === view ? 0 : -1;
  }
  history.replaceState(null, "", `#${view}`);
  if (view === "before") runs.show();
  if (view === "scenarios") scenarios.show();
  if (view === "inject-view") inject.show();
  mark(EVERYTHING);
}

function theme(name) {
  document.documentElement.dataset.theme = name;
  plots.makePlots();
  if (!at("before").hidden) runs.show();
  mark(EVERYTHING);
}

const isDark = () => document.documentElement.dataset.theme === "dark";
const KEYS = {
  1: () => open("now"), 2: () => open("inject-view"), 3: () => open("scenarios"), 4: () => open("before"),
  "/": () => { open("now"); at("filter").focus(); },
  w: () => { open("now"); at("tiles").querySelector("[tabindex='0']")?.focus(); },
  p: events.pause,
  d: () => theme(isDark() ? "light" : "dark"),
  h: () => { if (!state.read_only) at("sure").showModal(); },
  "?": () => at("keys").showModal(),
};

function pressed(event) {
  if (event.target.closest("input, select, dialog") || event.ctrlKey || event.metaKey || event.altKey) return;
  const act = KEYS[event.key];
  if (!act) return;
  event.preventDefault();
  act();
}

// Within the tabs the arrow keys select the next (WAI-ARIA, tabs pattern).
function walked(event) {
  const views = Object.keys(VIEWS);
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  const here = views.findIndex((view) => VIEWS[view] === event.target.id);
  if (!step || here < 0) return;
  const there = views[(here + step + views.length) % views.length];
  open(there);
  at(VIEWS[there]).focus();
}

function setUp() {
  for (const [view, tab] of Object.entries(VIEWS)) at(tab).onclick = () => open(view);
  at("tabs").addEventListener("keydown", walked);
  at("help").onclick = KEYS["?"];
  at("theme").onclick = KEYS.d;
  at("sure").addEventListener("close", () => { if (at("sure").returnValue === "heal") inject.healAll(); });
  addEventListener("keydown", pressed);
  addEventListener("hashchange", () => { if (location.hash.slice(1) in VIEWS) open(location.hash.slice(1)); });
  document.addEventListener("visibilitychange", () => mark(EVERYTHING));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", (event) => theme(event.matches ? "dark" : "light"));
  now.setUp();
  tiles.setUp(events.filterBy, () => open("inject-view"));
  events.setUp();
  plots.setUp();
  runs.setUp();
  scenarios.setUp();
  inject.setUp();
  plots.makePlots();
  open(location.hash.slice(1) in VIEWS ? location.hash.slice(1) : "now");
  watch(mark);
  // Durations go on by the second, also without a message.
  setInterval(() => { if (state.lab.state !== "gone") mark(["second"]); }, 1000);
  new Stream((words, tone) => {
    set(at("link-state"), words);
    at("link-state").className = `pill ${tone}`;
    document.body.classList.toggle("cut", tone === "bad");
  });
}

setUp();
