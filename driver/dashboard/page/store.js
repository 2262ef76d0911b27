// The state of the lab as the page knows it: whole at first, then kept by what the driver says is new.
export const state = {
  lab: { state: "none", project: "", hint: "" }, tiles: new Map(), figures: {}, queue: {}, faults: [], markers: [],
  doing: { scenario: null, jobs: [] }, series: { t: [] }, events: [], read_only: false,
};
const watchers = [];
const KEPT_EVENTS = 2000;

export const watch = (watcher) => watchers.push(watcher);

function tell(changed) { watchers.forEach((watcher) => watcher(changed)); }

// A whole state takes the place of all that was known.
function takeWhole(whole) {
  const changed = new Set(Object.keys(whole));
  for (const name of ["lab", "figures", "queue", "faults", "markers", "doing", "series", "read_only"]) if (name in whole) state[name] = whole[name];
  state.tiles = new Map(whole.tiles.map((tile) => [tile.name, tile]));
  const last = state.events.length && whole.events.length && whole.events[0].n > 1 ? whole.events[0].n : 0;
  state.events = [...state.events.filter((event) => event.n < last), ...whole.events];
  tell(changed);
}

function takeNew(delta) {
  const changed = new Set(Object.keys(delta));
  for (const name of ["lab", "figures", "queue", "faults", "markers", "doing"]) if (name in delta) state[name] = delta[name];
  (delta.tiles || []).forEach((tile) => state.tiles.set(tile.name, tile));
  if (delta.points) addPoints(delta.points);
  if (delta.events) {
    state.events.push(...delta.events);
    if (state.events.length > KEPT_EVENTS) state.events.splice(0, state.events.length - KEPT_EVENTS);
  }
  tell(changed);
}

function addPoints(points) {
  const { series } = state;
  points.t.forEach((t, index) => {
    const last = series.t.length - 1;
    const place = last >= 0 && series.t[last] === t ? last : last + 1;
    if (place > 0 && series.t[place - 1] > t) return;
    for (const [name, column] of Object.entries(points)) (series[name] ||= [])[place] = column[index];
  });
}

// The stream reconnects by itself; `said` hears whether it stands.
export function follow(said) {
  const stream = new EventSource("/api/stream");
  let whole = false;
  stream.onopen = () => said("live");
  stream.onerror = () => { whole = false; said("reconnecting"); };
  stream.addEventListener("state", (message) => { whole = true; said("live"); takeWhole(JSON.parse(message.data)); });
  stream.addEventListener("delta", (message) => { if (whole) takeNew(JSON.parse(message.data)); });
}
