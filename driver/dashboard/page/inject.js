// Faults by hand: targets, fault, duration; a preview, then the injection.
import { ask, at, make, set } from "./dom.js";
import { chosen, clearRefusals, fillCatalogue, filled, refuse, showForm } from "./form.js";
import * as faults from "./faults.js";
import { Grid } from "./grid.js";
import { onPicks, picked, setTargets, targets } from "./picks.js";
import { state } from "./store.js";
import { aimed } from "./format.js";

const PAUSE_MS = 300;
let grid = null;
let seed = null;
let asked = 0;
let timer = 0;

export async function setUp() {
  grid = new Grid(at("picks"), () => {}, (tile) => setTargets(String(tile.name)));
  at("fault").onchange = () => { showForm(); changed(); };
  at("form").addEventListener("input", changed);
  at("targets").oninput = () => setTargets(at("targets").value);
  onPicks(aim);
  at("preview").onclick = () => preview();
  at("form").onsubmit = (event) => { event.preventDefault(); inject(); };
  document.querySelectorAll("[data-for]").forEach((button) => { button.onclick = () => { at("for").value = button.dataset.for; changed(); }; });
  document.querySelectorAll("[data-heal-all]").forEach((button) => { button.onclick = healAll; });
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

// New targets need a new draw.
function aim() {
  seed = null;
  if (at("targets").value !== targets()) at("targets").value = targets();
  draw();
  changed();
}

// Any change discards the preview; a new one is requested after PAUSE_MS without a change.
function changed() {
  forget();
  clearTimeout(timer);
  timer = setTimeout(() => { if (!at("inject-view").hidden && filled().is_whole && state.tiles.size) preview(); }, PAUSE_MS);
}

export function show() {
  if (chosen()) changed();
}

function forget() {
  asked += 1;
  set(at("hits"), "");
  grid.mark([]);
  set(at("command"), "");
  at("copy").hidden = true;
  clearRefusals();
}

const form = () => ({ ...filled().asked, targets: targets().trim() || "all", seed });

async function preview() {
  clearTimeout(timer);
  forget();
  const mine = asked;
  try {
    const hit = await ask("/api/preview", form());
    if (mine !== asked) return false;
    seed = hit.seed;
    grid.mark(hit.hits);
    set(at("hits"), `would hit ${aimed(hit.hits, state.tiles.size)}: ${hit.hits.length} of ${hit.hits.length + hit.spares}`);
    showCommand(hit.command);
    return true;
  } catch (error) {
    if (mine === asked) refuse(error);
    return false;
  }
}

// Inject what the preview shows: its seed fixes the draw of a share or of random targets.
async function inject() {
  if ((seed === null || !at("command").textContent) && !(await preview())) return;
  const hits = at("hits").textContent;
  at("inject").disabled = true;
  try {
    const started = await ask("/api/inject", form());
    showCommand(started.command);
    set(at("hits"), hits.replace("would hit", "✓ asked for; hits"));
  } catch (error) { refuse(error); }
  at("inject").disabled = false;
}

export async function healAll() {
  try { await ask("/api/heal", {}); } catch (error) { refuse(error); }
}

function showCommand(command) {
  set(at("command"), command);
  at("copy").hidden = false;
}

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

export function drawReadOnly() {
  document.querySelectorAll("#inject, [data-heal-all]").forEach((button) => { button.hidden = state.read_only; });
  at("only-read").hidden = !state.read_only;
}
