// Faults by hand on a foreign system: the fault, its targets by name, its duration; a preview, then the injection.
import { ask, at, make, set } from "./dom.js";
import * as faults from "./faults.js";
import { chosen, fillCatalogue, refuse, showForm } from "./form.js";
import { some } from "./format.js";
import { drawReadOnly, PreviewedFault } from "./previewed.js";

const LAYERS = {
  link: "Link: what passes between a client and a server",
  handshake: "Handshake: how a new connection begins",
  container: "Process: a container, and what runs in it",
};
const ABOUT = { links: "like api->db, *->db, api[2]->db, 30% of api->db; empty: every link", containers: "like db, api[2], random 2 of api" };
let offered = { links: [], containers: [] };
const fault = new PreviewedFault({
  targets: () => at("targets").value.trim(),
  isReady: () => at("targets").value.trim() || layer() === "links",
  show: (hit) => some(hit.hits),
  pause: 400,
});

export async function setUp() {
  fault.setUp();
  at("fault").onchange = () => { showForm(); offer(); fault.changed(); };
  at("targets").oninput = () => fault.drawAgain();
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
  fault.drawAgain();
  fault.changed();
  at("fault").focus();
}

const layer = () => (chosen().layer === "container" ? "containers" : "links");

function offer() {
  at("offered").replaceChildren(...offered[layer()].map((name) => make("option", undefined, "", { value: name })));
  set(at("targets-about"), ABOUT[layer()]);
}

export function draw() {
  drawReadOnly();
  faults.drawJobs(refuse);
}
