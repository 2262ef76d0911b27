// The targets of a fault: one text, as on the command line. Clicks change it, and it marks the tiles.
import { number, written } from "./format.js";
import { state } from "./store.js";

const MOST = 5000;
const watchers = [];
let text = "";
let anchor = null;

export const targets = () => text;
export const onPicks = (watcher) => watchers.push(watcher);

export function setTargets(words) {
  text = words;
  watchers.forEach((watcher) => watcher());
}

// The workers that `3,7-9` or `all` name; a share or a random draw needs a preview.
export function picked() {
  if (text.trim() === "all") return new Set([...state.tiles.keys()].map(number));
  const parts = text.split(",").map((part) => /^\s*(?:worker-)?(\d+)(?:\s*-\s*(\d+))?\s*$/.exec(part));
  if (parts.includes(null)) return new Set();
  const spans = parts.map((part) => [Number(part[1]), Number(part[2] ?? part[1])]);
  return new Set(spans.flatMap(([from, to]) => Array.from({ length: Math.min(MOST, Math.max(0, to - from + 1)) }, (_, index) => from + index)));
}

// Add or remove a worker; with `is_range` add all from the last one to this.
export function pick(one, is_range) {
  const now = picked();
  if (is_range && anchor !== null) for (let each = Math.min(anchor, one); each <= Math.max(anchor, one); each += 1) now.add(each);
  else if (now.has(one)) now.delete(one);
  else now.add(one);
  anchor = one;
  setTargets(written(now));
}

export function pickAll() { setTargets("all"); }

export function pickNone() {
  anchor = null;
  setTargets("");
}
