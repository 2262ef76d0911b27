// Hurting a lab by hand: whom, what, for how long; first what it would hit, then for real.
import { ask, at, make, some } from "./dom.js";
import { state } from "./store.js";
import { SHAPES, mark, number } from "./tiles.js";

let faults = [];
let seed = null;
let anchor = null;

export async function setUp() {
  const told = await ask("/api/faults");
  faults = told.faults;
  const layers = { link: "on links", handshake: "on handshakes", container: "on containers" };
  for (const [layer, words] of Object.entries(layers)) {
    const group = make("optgroup", undefined, "", { label: words });
    group.append(...faults.filter((one) => one.layer === layer).map((one) => make("option", one.name, "", { value: one.name })));
    at("fault").append(group);
  }
  at("groups").append(...told.groups.map((words) => {
    const button = make("button", words, "", { type: "button" });
    button.onclick = () => { setTargets(words); };
    return button;
  }));
  at("fault").value = "refuse";
  at("fault").onchange = showForm;
  at("targets").oninput = () => setTargets(at("targets").value);
  at("form").oninput = forget;
  at("preview").onclick = preview;
  at("form").onsubmit = (event) => { event.preventDefault(); inject(); };
  at("copy").onclick = () => navigator.clipboard.writeText(at("command").textContent);
  showForm();
}

const chosen = () => faults.find((one) => one.name === at("fault").value);

function showForm() {
  const one = chosen();
  at("sees").textContent = `${one.summary}. ${one.ends_see}`;
  at("for-row").hidden = !one.lasting;
  at("params").replaceChildren(...one.params.map(field));
  forget();
}

function field(param) {
  const label = make("label", `${param.name} `);
  const input = param.choices.length ? make("select") : make("input", undefined, "", { autocomplete: "off", placeholder: param.placeholder });
  if (param.choices.length) input.append(...["", ...param.choices].map((choice) => make("option", choice || "as it is by default", "", { value: choice })));
  input.id = `param-${param.name}`;
  input.required = param.required;
  label.append(input, make("small", param.about));
  const box = make("div");
  box.append(label, make("p", "", "wrong", { "data-field": param.name }));
  return box;
}

function form() {
  const one = chosen();
  const params = {};
  one.params.forEach((param) => { const { value } = at(`param-${param.name}`); if (value) params[param.name] = value; });
  return { fault: one.name, params, targets: at("targets").value.trim() || "all", for: one.lasting ? at("for").value.trim() : "", seed };
}

// Whatever changes, what was previewed no longer holds.
function forget() {
  seed = null;
  say("");
  mark([]);
  at("command").textContent = "";
  at("copy").hidden = true;
  document.querySelectorAll("#inject-view .wrong").forEach((place) => { place.textContent = ""; });
}

const say = (words) => { at("hits").textContent = words; };

function refused(error) {
  const places = [...document.querySelectorAll("#inject-view .wrong")];
  const place = places.find((one) => one.dataset.field === (error.field || "")) || places.find((one) => one.dataset.field === "");
  place.textContent = error.message;
}

async function preview() {
  forget();
  try {
    const told = await ask("/api/preview", form());
    seed = told.seed;
    mark(told.hits);
    say(`would hit ${some(told.hits, 12)}; spares ${told.spares}`);
    showCommand(told.command);
    return told;
  } catch (error) { refused(error); return null; }
}

// What is injected is what a preview shows: the draw of a share or of a random few is fixed by its seed.
async function inject() {
  const told = seed === null ? await preview() : { hits: null };
  if (told === null) return;
  try {
    const started = await ask("/api/inject", form());
    showCommand(started.command);
    say(`${at("hits").textContent.replace("would hit", "hits")}`);
  } catch (error) { refused(error); }
}

function showCommand(command) {
  at("command").textContent = command;
  at("copy").hidden = false;
}

export function drawJobs() {
  const { jobs } = state.doing;
  if (!jobs.length) return;
  at("jobs").replaceChildren(...[...jobs].reverse().map((job) => {
    const row = make("div", undefined, "fault");
    const how = job.running ? "running" : job.code === 0 ? "done" : `ended with ${job.code}`;
    const head = make("div", undefined, "row");
    head.append(make("code", job.command));
    if (job.running && !state.read_only) {
      const end = make("button", "end it", "", { type: "button" });
      end.onclick = () => ask("/api/heal", { job: job.id }).catch(refused);
      head.append(end);
    }
    row.append(head, make("small", [how, job.said].filter(Boolean).join(": ")));
    return row;
  }));
}

export function drawPicks() {
  const place = at("picks");
  const tiles = [...state.tiles.values()];
  place.classList.toggle("dense", tiles.length > 60);
  if (place.children.length !== tiles.length) place.replaceChildren(...tiles.map((tile) => pickable(tile)));
  const picked = pickedNumbers();
  tiles.forEach((tile, index) => {
    const button = place.children[index];
    button.dataset.state = tile.state;
    button.querySelector("i").textContent = SHAPES[tile.state];
    button.setAttribute("aria-selected", String(picked.has(Number(number(tile.name)))));
  });
}

function pickable(tile) {
  const button = make("button", undefined, "tile", { type: "button", role: "option", "data-worker": tile.name });
  button.append(make("i"), make("b", number(tile.name)));
  button.onclick = (event) => pick(Number(number(tile.name)), event.shiftKey);
  return button;
}

function pick(index, isRange) {
  const picked = pickedNumbers();
  if (isRange && anchor !== null) for (let one = Math.min(anchor, index); one <= Math.max(anchor, index); one += 1) picked.add(one);
  else if (picked.has(index)) picked.delete(index);
  else picked.add(index);
  anchor = index;
  setTargets(written([...picked].sort((a, b) => a - b)));
}

function setTargets(text) {
  at("targets").value = text;
  forget();
  drawPicks();
}

// The workers that `3,7-9` names; shares and draws name none until they are previewed.
function pickedNumbers() {
  const text = at("targets").value.trim();
  if (text === "all") return new Set([...state.tiles.keys()].map((name) => Number(number(name))));
  if (!/^[\d\s,-]+$/.test(text)) return new Set();
  return new Set(text.split(",").flatMap((part) => {
    const [from, to] = part.split("-").map(Number);
    if (!from) return [];
    return Array.from({ length: Math.max(1, Math.min(500, (to || from) - from + 1)) }, (_, index) => from + index);
  }));
}

// 3, 7, 8, 9 → `3,7-9`
function written(numbers) {
  const parts = [];
  numbers.forEach((one) => {
    const last = parts[parts.length - 1];
    if (last && last[1] === one - 1) last[1] = one;
    else parts.push([one, one]);
  });
  return parts.map(([from, to]) => (from === to ? `${from}` : `${from}-${to}`)).join(",");
}
