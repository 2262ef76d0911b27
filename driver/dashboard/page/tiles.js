// The tiles of the view of now, and the line about the tile under the pointer or focus.
import { at, make, set } from "./dom.js";
import { Grid, kinds, LETTERS, SHAPES, what, WORDS } from "./grid.js";
import { bytes, cores, since } from "./format.js";
import { onPicks, picked, targets } from "./picks.js";
import { state } from "./store.js";

let grid = null;
let shown = null;

export function setUp(filterBy, toInject) {
  grid = new Grid(at("tiles"), (tile) => { shown = tile.name; showAbout(); }, (tile) => filterBy(tile.name));
  at("legend").replaceChildren(...Object.entries(SHAPES).map(([name, shape]) => {
    const key = make("span", undefined, "", { "data-state": name });
    key.append(make("i", `${shape} ${LETTERS[name]}`), ` ${WORDS[name]}`);
    return key;
  }), make("span", "dashed: under a fault"));
  at("to-inject").onclick = toInject;
  onPicks(draw);
}

export function draw() {
  grid.draw();
  const tiles = [...state.tiles.values()];
  const by = (name) => tiles.filter((tile) => tile.state === name).length;
  const parts = ["connected", "trying", "down", "unknown"].map((name) => [name, by(name)]).filter(([name, many]) => many || name === "connected");
  set(at("tiles-words"), tiles.length ? parts.map(([name, many]) => `${many} ${name}`).join(" · ") : "none yet");
  const many = picked().size;
  at("to-inject").hidden = !targets() || state.read_only;
  set(at("to-inject"), many ? `inject into the ${many} picked …` : `inject into ${targets()} …`);
  showAbout();
}

function showAbout() {
  const tile = state.tiles.get(shown);
  const parts = tile ? [
    tile.name, WORDS[tile.state], tile.state === "connected" ? `for ${since(tile.since_s, state.now_s)}` : "", what(tile),
    tile.faults.length ? `under ${kinds(tile).join(", ")}` : "", `${tile.tasks} tasks done`, `back ${tile.reconnections} times`,
    tile.memory_bytes === null ? "" : `${bytes(tile.memory_bytes)}, ${cores(tile.cpu)} of a core`,
  ] : ["Point at a tile to read more of it. Click picks, Shift-click picks a range, Enter filters the events."];
  set(at("about"), parts.filter(Boolean).join(" · "));
}
