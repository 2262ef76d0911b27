// A tile a worker: its state as a shape, a letter and a colour; what it does, and what it suffers.
import { at, bytes, make, plain, seconds } from "./dom.js";
import { state } from "./store.js";

export const SHAPES = { connected: "● C", trying: "◐ T", down: "✕ D", unknown: "? U" };
const WORDS = { connected: "connected", trying: "trying to connect", down: "down, or only one side believes in it", unknown: "not heard of yet" };
const DENSE_FROM = 61;

export const number = (name) => name.replace(/^worker-/, "");

export function drawTiles() {
  const place = at("tiles");
  const tiles = [...state.tiles.values()];
  place.classList.toggle("dense", tiles.length >= DENSE_FROM);
  while (place.children.length > tiles.length) place.lastChild.remove();
  while (place.children.length < tiles.length) place.append(newTile());
  tiles.forEach((tile, index) => fill(place.children[index], tile));
  const by = (name) => tiles.filter((tile) => tile.state === name).length;
  at("tiles-words").textContent = tiles.length ? `${by("connected")} of ${tiles.length} connected` : "";
}

export function legend() {
  at("legend").replaceChildren(...Object.entries(SHAPES).map(([name, shape]) => make("span", `${shape} ${WORDS[name]}`)), make("span", "dashed: under a fault"));
}

// What a preview would hit, marked on the tiles.
export function mark(names) {
  const hit = new Set(names);
  document.querySelectorAll("[data-worker]").forEach((tile) => tile.classList.toggle("hit", hit.has(tile.dataset.worker)));
}

function newTile() {
  const tile = make("div", undefined, "tile", { role: "option" });
  tile.append(make("i"), make("b"), make("span"), make("span", "", "under"));
  return tile;
}

function fill(element, tile) {
  const [shape, name, doing, under] = element.children;
  set(shape, SHAPES[tile.state]);
  set(name, number(tile.name));
  set(doing, what(tile));
  set(under, tile.faults.map(kindOf).join(", "));
  element.dataset.worker = tile.name;
  element.dataset.state = tile.state;
  element.classList.toggle("under", tile.faults.length > 0);
  element.title = plain(`${tile.name}: ${WORDS[tile.state]}\n${tile.tasks} tasks done, back ${tile.reconnections} times, ${bytes(tile.memory_bytes)}\n${what(tile)}`);
}

function what(tile) {
  if (tile.state === "connected") return tile.doing || "idle";
  const since = tile.since_s ? seconds(Math.max(0, Math.round(Date.now() / 1e3 - tile.since_s))) : "";
  return tile.attempt ? `attempt ${tile.attempt}, ${since}` : since;
}

function kindOf(id) {
  const fault = state.faults.find((one) => one.id === id);
  return fault ? fault.kind : id;
}

function set(element, text) {
  const shown = plain(text);
  if (element.textContent !== shown) element.textContent = shown;
}
