// The state of the lab: first a whole state, then updated by deltas.
export const state = {
  now_s: 0, lab: { state: "none", project: "", hint: "" }, tiles: new Map(), figures: {}, queue: {}, faults: [], markers: [],
  doing: { scenario: null, jobs: [] }, series: { t: [] }, events: [], read_only: false,
  links: [], containers: [], window_s: 300,
};
const WHOLE = ["now_s", "lab", "figures", "queue", "faults", "markers", "doing", "series", "read_only", "links", "containers", "window_s"];
const PARTS = ["now_s", "lab", "figures", "queue", "faults", "markers", "doing"];
const KEPT_EVENTS = 2000;
const watchers = [];

export const watch = (watcher) => watchers.push(watcher);

function notify(changed) { watchers.forEach((watcher) => watcher(changed)); }

// Replace the state; older events of the same lab stay.
export function takeWhole(whole) {
  WHOLE.forEach((name) => { if (name in whole) state[name] = whole[name]; });
  state.tiles = new Map((whole.tiles || []).map((tile) => [tile.name, tile]));
  const first = whole.events[0];
  const is_known = first && state.events.some((event) => event.n === first.n && event.t === first.t);
  state.events = [...(is_known ? state.events.filter((event) => event.n < first.n) : []), ...whole.events].slice(-KEPT_EVENTS);
  notify([...Object.keys(whole), "faults", "markers"]);
}

// Apply a delta.
export function takeNew(delta) {
  PARTS.forEach((name) => { if (name in delta) state[name] = delta[name]; });
  (delta.tiles || []).forEach((tile) => state.tiles.set(tile.name, tile));
  if (delta.points) addPoints(delta.points);
  if (delta.events) {
    state.events.push(...delta.events);
    if (state.events.length > KEPT_EVENTS) state.events.splice(0, state.events.length - KEPT_EVENTS);
  }
  notify(Object.keys(delta));
}

// Add points in order of time; a point of the same time is replaced.
function addPoints(points) {
  const { series } = state;
  points.t.forEach((t, index) => {
    const last = series.t.length - 1;
    const place = last >= 0 && series.t[last] === t ? last : last + 1;
    if (place > 0 && series.t[place - 1] > t) return;
    for (const [name, column] of Object.entries(points)) (series[name] ||= [])[place] = column[index];
  });
}
