// Faults by hand on a foreign system: the fault, its targets by name, its duration; a preview, then the injection.
import { ask, at, make, set } from "./dom.js";
import * as faults from "./faults.js";
import { chosen, clearRefusals, fillCatalogue, filled, refuse, showForm } from "./form.js";
import { some } from "./format.js";
import { state } from "./store.js";

const PAUSE_MS = 400;
const LAYERS = {
  link: "Link: what passes between a client and a server",
  handshake: "Handshake: how a new connection begins",
  container: "Process: a container, and what runs in it",
};
const ABOUT = { links: "like api->db, *->db, api[2]->db, 30% of api->db; empty: every link", containers: "like db, api[2], random 2 of api" };
let offered = { links: [], containers: [] };
let seed = null;
let asked = 0;
let timer = 0;

export async function setUp() {
  at("fault").onchange = () => { showForm(); offer(); changed(); };
  at("form").addEventListener("input", changed);
  at("targets").oninput = () => { seed = null; };
  at("preview").onclick = () => preview();
  at("form").onsubmit = (event) => { event.preventDefault(); inject(); };
  document.querySelectorAll("[data-for]").forEach((button) => { button.onclick = () => { at("for").value = button.dataset.for; changed(); }; });
  document.querySelectorAll("[data-heal-all]").forEach((button) => { button.onclick = healAll; });
  try {
    const catalogue = await ask("/api/faults");
    offered = catalogue.targets;
    fillCatalogue(catalogue.faults, LAYERS);
  } catch (error) { refuse(error); return; }
  at("fault").value = "stall";
  showForm();
  offer();
}

// Choose a link as the target.
export function into(link) {
  if (layer() !== "links") { at("fault").value = "stall"; showForm(); offer(); }
  at("targets").value = link;
  seed = null;
  changed();
  at("fault").focus();
}

const layer = () => (chosen().layer === "container" ? "containers" : "links");

function offer() {
  at("offered").replaceChildren(...offered[layer()].map((name) => make("option", undefined, "", { value: name })));
  set(at("targets-about"), ABOUT[layer()]);
}

// Any change discards the preview; a new one is requested after PAUSE_MS without a change.
function changed() {
  forget();
  clearTimeout(timer);
  timer = setTimeout(() => { if (filled().is_whole && (at("targets").value.trim() || layer() === "links")) preview(); }, PAUSE_MS);
}

function forget() {
  asked += 1;
  set(at("hits"), "");
  set(at("command"), "");
  clearRefusals();
}

const form = () => ({ ...filled().asked, targets: at("targets").value.trim(), seed });

async function preview() {
  clearTimeout(timer);
  forget();
  const mine = asked;
  try {
    const hit = await ask("/api/preview", form());
    if (mine !== asked) return false;
    seed = hit.seed;
    set(at("hits"), `would hit ${some(hit.hits)}: ${hit.hits.length} of ${hit.hits.length + hit.spares}`);
    set(at("command"), hit.command);
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
    await ask("/api/inject", form());
    set(at("hits"), hits.replace("would hit", "✓ asked for; hits"));
  } catch (error) { refuse(error); }
  at("inject").disabled = false;
}

async function healAll() {
  try { await ask("/api/heal", {}); } catch (error) { refuse(error); }
}

export function draw() {
  document.querySelectorAll("#inject, [data-heal-all]").forEach((button) => { button.hidden = state.read_only; });
  at("only-read").hidden = !state.read_only;
  faults.drawJobs(refuse);
}
