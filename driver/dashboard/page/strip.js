// A scenario's timeline as a strip: faults as bars, in rows, and a line at the present.
import { keep, make, plain } from "./dom.js";
import { seconds } from "./format.js";

// Steps → bars that do not overlap: [{step, from, to, row}] in shares of the length, and the number of rows.
export function laidOut(steps, length_s) {
  const ends = [];
  const bars = [...steps].sort((a, b) => a.at_s - b.at_s).map((step) => {
    const to_s = step.at_s + (step.for_s ?? 0);
    const free = ends.findIndex((end_s) => end_s <= step.at_s);
    const row = free < 0 ? ends.length : free;
    ends[row] = Math.max(to_s, step.at_s + length_s * 0.06);
    return { step, from: step.at_s / length_s, to: Math.min(1, to_s / length_s), row };
  });
  return { bars, rows: ends.length };
}

export function drawStrip(place, steps, length_s, now_s) {
  place.hidden = !steps.length || !(length_s > 0);
  if (place.hidden) return;
  const { bars, rows } = laidOut(steps, length_s);
  place.style.height = `${rows * 22 + 4}px`;
  const line = { key: "now" };
  keep(place, now_s === null ? bars : [...bars, line], (one) => one.key ?? one.step.id, () => make("div"), (element, one) => {
    if (one === line) {
      element.className = "strip-now";
      element.style.left = `${Math.min(100, (now_s / length_s) * 100)}%`;
      return;
    }
    element.className = `bar ${one.step.state.replace(" ", "-")}`;
    element.style.left = `${one.from * 100}%`;
    element.style.width = `${Math.max(0.6, (one.to - one.from) * 100)}%`;
    element.style.top = `${one.row * 22 + 2}px`;
    element.textContent = plain(one.step.fault);
    element.title = plain(`${one.step.id}: ${one.step.fault} at ${seconds(one.step.at_s)}`);
  });
}
