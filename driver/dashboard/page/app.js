// Puts the page together: what changed is drawn once a frame, and nothing is drawn that nobody sees.
import { at } from "./dom.js";
import * as before from "./before.js";
import * as inject from "./inject.js";
import { drawEvents, drawFaults, drawFigures, drawLab, drawQueue, healAll, pause } from "./now.js";
import { drawPlots, makePlots } from "./plots.js";
import * as scenarios from "./scenarios.js";
import { follow, state, watch } from "./store.js";
import { drawTiles, legend } from "./tiles.js";

const VIEWS = { now: "tab-now", "inject-view": "tab-inject", scenarios: "tab-scenarios", before: "tab-before" };
const pending = new Set();
let drawn = false;

function draw() {
  drawn = false;
  if (document.hidden) return;
  const changed = new Set(pending);
  pending.clear();
  const any = (...names) => names.some((name) => changed.has(name));
  if (any("lab")) drawLab();
  if (any("read_only")) document.querySelectorAll("#inject, #heal-all").forEach((button) => { button.hidden = state.read_only; });
  if (!at("now").hidden) {
    if (any("figures")) drawFigures();
    if (any("tiles", "faults")) drawTiles();
    if (any("points", "series", "markers")) drawPlots();
    if (any("faults")) drawFaults();
    if (any("queue")) drawQueue();
    if (any("events")) drawEvents();
  }
  if (any("tiles")) inject.drawPicks();
  if (any("doing", "read_only")) { inject.drawJobs(); scenarios.drawFollow(); }
}

function all() {
  ["lab", "read_only", "figures", "tiles", "faults", "series", "queue", "events", "doing"].forEach((name) => pending.add(name));
  schedule();
}

function schedule() {
  if (drawn) return;
  drawn = true;
  requestAnimationFrame(draw);
}

function open(view) {
  for (const [id, tab] of Object.entries(VIEWS)) {
    at(id).hidden = id !== view;
    at(tab).setAttribute("aria-selected", String(id === view));
  }
  history.replaceState(null, "", `#${view}`);
  scrollTo(0, 0);
  if (view === "before") before.show();
  if (view === "scenarios") scenarios.show();
  all();
}

function theme(dark) {
  document.documentElement.dataset.theme = dark ? "dark" : "light";
  makePlots();
  all();
}

const KEYS = {
  1: () => open("now"), 2: () => open("inject-view"), 3: () => open("scenarios"), 4: () => open("before"),
  "/": () => { open("now"); at("filter").focus(); },
  p: pause,
  d: () => at("theme").click(),
  h: () => { if (!state.read_only && confirm("Heal everything?")) healAll(); },
  "?": () => at("keys").showModal(),
};

function setUp() {
  for (const [view, tab] of Object.entries(VIEWS)) at(tab).onclick = () => open(view);
  at("pause").onclick = pause;
  at("filter").oninput = drawEvents;
  at("heal-all").onclick = healAll;
  at("help").onclick = () => at("keys").showModal();
  at("theme").onclick = () => theme(document.documentElement.dataset.theme !== "dark");
  addEventListener("keydown", (event) => {
    if (event.target.closest("input, select, dialog") || event.ctrlKey || event.metaKey || event.altKey) return;
    const act = KEYS[event.key];
    if (act) { event.preventDefault(); act(); }
  });
  addEventListener("resize", all);
  document.addEventListener("visibilitychange", all);
  before.setUp();
  scenarios.setUp();
  legend();
  theme(matchMedia("(prefers-color-scheme: dark)").matches);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", (event) => theme(event.matches));
  inject.setUp();
  open(Object.keys(VIEWS).includes(location.hash.slice(1)) ? location.hash.slice(1) : "now");
  watch((changed) => { changed.forEach((name) => pending.add(name)); schedule(); });
  follow((words) => {
    at("link-state").textContent = words;
    at("link-state").className = `pill ${words === "live" ? "good" : "bad"}`;
  });
}

setUp();
