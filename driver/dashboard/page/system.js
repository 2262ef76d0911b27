// The page of a foreign system: each message is its whole state, drawn once a frame while the page is seen.
import { at, keep, make, plain, set } from "./dom.js";
import * as events from "./events.js";
import { drawFaults, drawFaultsOn } from "./faults.js";
import { bytes, cores } from "./format.js";
import * as inject from "./system_inject.js";
import * as lanes from "./lanes.js";
import { state, watch } from "./store.js";
import { Stream } from "./stream.js";

const LAB = { none: ["○ not up", ""], up: ["● up", "good"], gone: ["✕ gone", "bad"] };
let is_due = false;

function draw() {
  is_due = false;
  if (document.hidden) return;
  drawLab();
  drawFaultsOn();
  lanes.draw();
  drawContainers();
  drawFaults();
  inject.draw();
  events.drawEvents();
}

function schedule() {
  if (is_due || document.hidden) return;
  is_due = true;
  requestAnimationFrame(draw);
}

function drawLab() {
  const { lab } = state;
  const [words, tone] = LAB[lab.state] || LAB.none;
  set(at("lab-state"), words);
  at("lab-state").className = `pill ${tone}`;
  set(at("lab-words"), lab.project);
  const last = lab.state === "gone" ? "The system is gone; this is its last picture. " : "";
  at("hint").hidden = !lab.hint && !last;
  set(at("hint"), `${last}${lab.hint || ""}`);
  document.body.classList.toggle("still", lab.state === "gone");
  document.title = plain(`${lab.project.split("/").slice(-2).join("/") || "a system"} · Stormlab`);
}

function drawContainers() {
  const shown = state.containers.filter((one) => !one.is_own || !one.is_well);
  const unwell = shown.filter((one) => !one.is_well).length;
  set(at("containers-words"), [`${shown.length}`, unwell ? `${unwell} not well` : ""].filter(Boolean).join(" · "));
  keep(at("containers").tBodies[0], shown, (one) => one.name, newContainer, fillContainer);
}

function newContainer() {
  const row = make("tr");
  row.append(...["", "", "", "number", "number", "number", ""].map((name) => make("td", "", name)));
  return row;
}

function fillContainer(row, one) {
  row.className = `${one.is_well ? "" : "bad"}${one.is_own ? " own" : ""}`;
  const cells = [one.name, `${one.is_well ? "●" : "✕"} ${one.state}`, one.health, one.restarts, cores(one.cpu_cores), one.memory_bytes === null ? "–" : bytes(one.memory_bytes), one.faults.join(", ")];
  cells.forEach((text, index) => set(row.children[index], text));
}

function theme() {
  const { dataset } = document.documentElement;
  dataset.theme = dataset.theme === "dark" ? "light" : "dark";
}

function setUp() {
  at("theme").onclick = theme;
  addEventListener("keydown", (event) => {
    if (event.target.closest("input, select") || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "d") theme();
    if (event.key === "/") { event.preventDefault(); at("filter").focus(); }
    if (event.key === "p") events.pause();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", (event) => { document.documentElement.dataset.theme = event.matches ? "dark" : "light"; });
  document.addEventListener("visibilitychange", schedule);
  lanes.setUp(inject.into);
  events.setUp();
  inject.setUp();
  watch(schedule);
  // Durations go on by the second, also without a message.
  setInterval(() => { if (state.lab.state !== "gone") schedule(); }, 1000);
  new Stream((words, tone) => {
    set(at("link-state"), words);
    at("link-state").className = `pill ${tone}`;
    document.body.classList.toggle("cut", tone === "bad");
  });
}

setUp();
