"use strict";
const RUN = JSON.parse(document.getElementById("run-data").textContent);

// Times for people, in the unit of their size.
function seconds(value) {
  if (value === null || value === undefined) return "never";
  if (value === 0) return "0 s";
  const size = Math.abs(value);
  if (size < 1e-3) return `${three(value * 1e6)} µs`;
  if (size < 1) return `${three(value * 1e3)} ms`;
  if (size < 600) return `${three(value)} s`;
  return `${three(value / 60)} min`;
}

function three(value) {
  const size = Math.abs(value);
  if (size >= 100) return Math.round(value).toLocaleString("en");
  return String(Number(value.toPrecision(3)));
}

// Round steps for an axis: about `count` of them between two seconds.
function ticks(from, to, count) {
  const rough = (to - from) / Math.max(1, count);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((one) => one >= rough) || rough;
  const found = [];
  for (let at = Math.ceil(from / step) * step; at <= to + step / 1e6; at += step) found.push(at);
  return { found, digits: Math.max(0, -Math.floor(Math.log10(step))) };
}

// What others wrote, without characters that are not to be seen: control, direction, private.
function plain(text) { return text.replace(/\p{C}/gu, "\ufffd"); }

// One element, its text as text: nothing that comes from a run is ever parsed as markup.
function make(tag, text, className) {
  const element = document.createElement(tag);
  if (text !== undefined) element.textContent = plain(text);
  if (className) element.className = className;
  return element;
}

// The span of time that timeline and curves show together. Before the run's zero the lab came up: that is shown when asked for.
const START = Math.max(0, RUN.timeline.begin_s);
const view = {
  from: START,
  to: RUN.timeline.end_s,
  watchers: [],
  show(from, to) {
    const [low, high] = [RUN.timeline.begin_s, RUN.timeline.end_s];
    const least = Math.min(0.02, high - low);
    let [a, b] = [Math.max(low, Math.min(from, to)), Math.min(high, Math.max(from, to))];
    if (b - a < least) [a, b] = [Math.max(low, a - least), Math.min(high, a + least)];
    [this.from, this.to] = [a, b];
    this.watchers.forEach((watcher) => watcher());
  },
  all() { this.show(START, RUN.timeline.end_s); },
  get whole() { return this.from === START && this.to === RUN.timeline.end_s; },
};
