// Faults by hand: targets, fault, duration; a preview, then the injection.
import { ask, at, make, set } from "./dom.js";
import { chosen, fillCatalogue, refuse, showForm } from "./form.js";
import * as faults from "./faults.js";
import { Grid } from "./grid.js";
import { onPicks, picked, setTargets, targets } from "./picks.js";
import { PreviewedFault } from "./previewed.js";
import { state } from "./store.js";
import { aimed } from "./format.js";

let grid = null;
const fault = new PreviewedFault({
  targets: () => targets().trim() || "all",
  isReady: () => !at("inject-view").hidden && state.tiles.size > 0,
  show: (hit) => {
    grid.mark(hit.hits);
    at("copy").hidden = false;
    return aimed(hit.hits, state.tiles.size);
  },
  forget: () => {
    grid.mark([]);
    at("copy").hidden = true;
  },
  pause: 300,
});

export async function setUp() {
  grid = new Grid(at("picks"), () => {}, (tile) => setTargets(String(tile.name)));
  fault.setUp();
  at("fault").onchange = () => { showForm(); fault.changed(); };
  at("targets").oninput = () => setTargets(at("targets").value);
  onPicks(aim);
  at("copy").onclick = copy;
  let catalogue = null;
  try { catalogue = await ask("/api/faults"); } catch (error) { refuse(error); return; }
  fillCatalogue(catalogue.faults);
  at("groups").append(...catalogue.groups.map((words) => {
    const button = make("button", words, "", { type: "button" });
    button.onclick = () => setTargets(words);
    return button;
  }));
  at("fault").value = "refuse";
  showForm();
  setTargets("30%");
}

function aim() {
  fault.drawAgain();
  if (at("targets").value !== targets()) at("targets").value = targets();
  draw();
  fault.changed();
}

export function show() {
  if (chosen()) fault.changed();
}

export const healAll = () => fault.healAll();

async function copy() {
  try {
    await navigator.clipboard.writeText(at("command").textContent);
    set(at("copy"), "✓ copied");
  } catch {
    // Where the browser forbids copying, the text is selected for Ctrl-C.
    getSelection().selectAllChildren(at("command"));
    set(at("copy"), "marked: press Ctrl-C");
  }
  setTimeout(() => set(at("copy"), "copy"), 1500);
}

export function draw() {
  grid.draw();
  const many = picked().size;
  set(at("picked"), many ? `${many} picked` : "");
}

export function drawJobs() {
  faults.drawJobs(refuse);
}
