// A grid of tiles in which workers are picked, by pointer or keys; of both views that have one.
import { keep, make, plain, set } from "./dom.js";
import { number, since } from "./format.js";
import { pick, pickAll, picked, pickNone } from "./picks.js";
import { state } from "./store.js";

export const SHAPES = { connected: "●", trying: "◐", down: "✕", unknown: "?" };
export const LETTERS = { connected: "C", trying: "T", down: "D", unknown: "U" };
export const WORDS = { connected: "connected", trying: "trying to connect", down: "down, or connected by one side only", unknown: "no event yet" };
const DENSE_FROM = 61;

export class Grid {
  // `about(tile)` is called for the tile under the pointer or focus, `opened(tile)` for Enter.
  constructor(place, about, opened) {
    this.place = place;
    this.at = null;
    this.hits = new Set();
    place.addEventListener("click", (event) => this.clicked(event));
    place.addEventListener("keydown", (event) => this.pressed(event));
    const look = (event) => { const child = event.target.closest(".tile"); if (child) about(state.tiles.get(child.dataset.worker)); };
    place.addEventListener("pointerover", look);
    place.addEventListener("focusin", (event) => { this.at = event.target.dataset?.key ?? this.at; look(event); });
    this.opened = opened;
  }

  draw() {
    const tiles = [...state.tiles.values()];
    const now = picked();
    this.place.classList.toggle("dense", tiles.length >= DENSE_FROM);
    if (!state.tiles.has(this.at)) this.at = tiles[0]?.name ?? null;
    keep(this.place, tiles, (tile) => tile.name, newTile, (element, tile) => this.fill(element, tile, now));
  }

  // Mark the targets of a preview.
  mark(names) {
    this.hits = new Set(names);
    [...this.place.children].forEach((child) => child.classList.toggle("hit", this.hits.has(child.dataset.worker)));
  }

  fill(element, tile, now) {
    const [name, shape, doing, under] = element.children;
    set(shape, `${SHAPES[tile.state]} ${LETTERS[tile.state]}`);
    set(name, number(tile.name));
    set(doing, what(tile));
    set(under, kinds(tile).join(", "));
    element.dataset.state = tile.state;
    element.classList.toggle("under", tile.faults.length > 0);
    element.classList.toggle("hit", this.hits.has(tile.name));
    element.tabIndex = tile.name === this.at ? 0 : -1;
    put(element, "aria-selected", String(now.has(number(tile.name))));
    put(element, "aria-label", plain(`${tile.name}, ${WORDS[tile.state]}${tile.faults.length ? `, under ${kinds(tile).join(", ")}` : ""}`));
  }

  clicked(event) {
    const child = event.target.closest(".tile");
    if (!child) return;
    child.focus();
    pick(number(child.dataset.worker), event.shiftKey);
  }

  pressed(event) {
    const children = [...this.place.children];
    const here = children.indexOf(event.target.closest(".tile"));
    if (here < 0 || event.altKey) return;
    if ((event.ctrlKey || event.metaKey) && event.key !== "a") return;
    const columns = children.findIndex((child) => child.offsetTop > children[0].offsetTop);
    const across = columns < 1 ? children.length : columns;
    const steps = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: across, ArrowUp: -across, Home: -here, End: children.length - 1 - here };
    const acts = { " ": () => pick(number(children[here].dataset.worker), event.shiftKey), a: pickAll, Escape: pickNone, Enter: () => this.opened(state.tiles.get(children[here].dataset.worker)) };
    if (event.key === "a" && !(event.ctrlKey || event.metaKey)) return;
    if (event.key in steps) {
      const there = children[here + steps[event.key]];
      if (!there) return;
      event.target.tabIndex = -1;
      there.tabIndex = 0;
      there.focus();
    } else if (acts[event.key]) acts[event.key]();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }
}

function newTile(tile) {
  const element = make("div", undefined, "tile", { role: "option", "data-worker": tile.name });
  element.append(make("b"), make("i"), make("span"), make("span", "", "why"));
  return element;
}

function put(element, name, value) { if (element.getAttribute(name) !== value) element.setAttribute(name, value); }

export function what(tile) {
  if (tile.state === "connected") return tile.doing || "idle";
  const lasts = since(tile.since_s, state.now_s);
  return tile.attempt ? `attempt ${tile.attempt} · ${lasts}` : lasts;
}

export function kinds(tile) {
  return [...new Set(tile.faults.map((id) => state.faults.find((one) => one.id === id)?.kind ?? id))];
}
