// The event log: the newest first, filtered, and frozen while it is paused.
import { at, keep, make, set } from "./dom.js";
import { clock } from "./format.js";
import { state } from "./store.js";

const SHOWN = 200;
const TONES = {
  ...Object.fromEntries(["gave_up", "trouble", "fault_failed", "aborted"].map((name) => [name, "bad"])),
  ...Object.fromEntries(["lost", "worker_lost", "frame_refused", "fault_begun", "lease_expired", "attempt_lost"].map((name) => [name, "warn"])),
  ...Object.fromEntries(["connected", "healed", "fault_ended"].map((name) => [name, "good"])),
};
const MARKS = { bad: "▲", warn: "△", good: "✓" };
let paused_at = null;

export function setUp() {
  at("filter").oninput = () => drawEvents(true);
  at("pause").onclick = pause;
}

export function filterBy(words) {
  at("filter").value = words;
  drawEvents(true);
}

// Events whose text has every word, in any order.
export function fitting(events, words) {
  const wanted = words.trim().toLowerCase().split(/\s+/).filter(Boolean);
  const has = (text, word) => (/\d$/.test(word) ? new RegExp(`${word.replace(/[^a-z0-9]/g, "\\$&")}(?!\\d)`).test(text) : text.includes(word));
  return events.filter((event) => wanted.every((word) => has(`${event.by} ${event.event} ${event.text}`.toLowerCase(), word)));
}

export function drawEvents(is_asked = false) {
  if (paused_at !== null && !is_asked) {
    const newer = state.events.filter((event) => event.n > paused_at).length;
    set(at("pause"), newer ? `go on (${newer} new)` : "go on");
    return;
  }
  const shown = paused_at === null ? state.events : state.events.filter((event) => event.n <= paused_at);
  const fits = fitting(shown, at("filter").value);
  set(at("events-words"), fits.length === shown.length ? `${shown.length}` : `${fits.length} of ${shown.length}`);
  keep(at("events"), fits.slice(-SHOWN).reverse(), (event) => `${event.n} ${event.t}`, line);
}

function line(event) {
  const tone = TONES[event.event] || "";
  const item = make("li", undefined, tone);
  item.append(make("time", clock(event.t)), make("b", event.by), make("i", MARKS[tone] || "·"), make("span", event.text));
  return item;
}

export function pause() {
  paused_at = paused_at === null ? state.events[state.events.length - 1]?.n ?? 0 : null;
  at("pause").setAttribute("aria-pressed", String(paused_at !== null));
  set(at("pause"), paused_at === null ? "pause" : "go on");
  drawEvents(true);
}
