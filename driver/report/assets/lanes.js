// The lanes: one drawing of a few paths, however many workers there are. Its x is seconds, so that zooming moves the viewBox alone.
const lanes = {
  all: RUN.timeline.lanes,
  rows: [],
  height: 16,
  current: -1,
  svg: document.getElementById("lane-svg"),
  names: document.getElementById("lane-names"),
  scroller: document.getElementById("lane-scroll"),

  choose(text, worstFirst) {
    const wanted = matcher(text);
    this.rows = this.all.map((lane, index) => index).filter((index) => wanted(this.all[index].name));
    if (worstFirst) this.rows.sort((a, b) => this.all[b].trouble - this.all[a].trouble || a - b);
    this.current = -1;
    document.getElementById("no-lanes").hidden = this.rows.length > 0;
    this.fit(Infinity);
  },

  // All lanes together are no taller than `most` pixels: a sheet of paper holds them all.
  fit(most) {
    const usual = this.rows.length > 120 ? 11 : this.rows.length > 40 ? 14 : 20;
    this.height = Math.max(2, Math.min(usual, Math.floor(most / Math.max(1, this.rows.length))));
    this.names.classList.toggle("too-small", this.height < 7);
    this.drawNames();
    this.draw();
  },

  drawNames() {
    this.names.replaceChildren(...this.rows.map((index) => {
      const row = make("div", this.all[index].name);
      row.style.height = row.style.lineHeight = `${this.height}px`;
      row.style.fontSize = `${Math.min(12, this.height - 1)}px`;
      row.title = plain(this.all[index].name);
      return row;
    }));
  },

  draw() {
    const tall = this.rows.length * this.height;
    this.svg.style.height = `${tall}px`;
    this.place();
    const paths = { track: [], up: [], down: [], split: [], busy: [], tries: [] };
    const kinds = ["", "up", "split", "down"];
    const pad = this.height > 12 ? 2 : 1;
    const [begin, end] = [RUN.timeline.begin_s, RUN.timeline.end_s];
    this.rows.forEach((index, row) => {
      const lane = this.all[index];
      const [top, bottom] = [row * this.height + pad, (row + 1) * this.height - pad];
      const box = (from, to, low = top, high = bottom) => `M${from} ${low}H${to}V${high}H${from}Z`;
      paths.track.push(box(begin, end));
      lane.states.forEach(([from, to, state]) => paths[kinds[state]].push(box(from, to)));
      lane.busy.forEach(([from, to]) => paths.busy.push(box(from, to, bottom - 2.5, bottom - 0.5)));
      lane.attempts.forEach((at) => paths.tries.push(`M${at} ${top}V${(top + bottom) / 2}`));
    });
    this.svg.replaceChildren();
    this.path("l-track", paths.track);
    this.path("l-up", paths.up);
    this.path("l-split", paths.split);
    this.path("l-down", paths.down);
    this.path("l-busy", paths.busy);
    this.drawBands();
    this.path("l-try", paths.tries);
  },

  drawBands() {
    const place = new Map(this.rows.map((index, row) => [index, row]));
    const [proved, unproved, edges] = [[], [], []];
    RUN.timeline.bands.forEach((band) => {
      band.lanes.filter((index) => place.has(index)).forEach((index) => {
        const [top, bottom] = [place.get(index) * this.height, (place.get(index) + 1) * this.height];
        (band.proved ? proved : unproved).push(`M${band.from_s} ${top}H${band.to_s}V${bottom}H${band.from_s}Z`);
        edges.push(`M${band.from_s} ${top}V${bottom}M${band.to_s} ${top}V${bottom}`);
      });
    });
    this.path("l-band", proved);
    this.path("l-unproved", unproved);
    this.path("l-edge", edges);
  },

  path(className, pieces) {
    const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
    path.setAttribute("class", className);
    path.setAttribute("d", pieces.join(""));
    this.svg.append(path);
  },

  // What depends on the span of time alone: the viewBox, the axis and the faults' names.
  place() {
    const wide = view.to - view.from;
    this.svg.setAttribute("viewBox", `${view.from} 0 ${wide} ${Math.max(1, this.rows.length * this.height)}`);
    const percent = (at) => `${((at - view.from) / wide) * 100}%`;
    const axis = document.getElementById("axis");
    const { found, digits } = ticks(view.from, view.to, Math.max(2, axis.clientWidth / 90));
    axis.replaceChildren(...found.map((at) => {
      const label = make("span", at.toFixed(digits));
      label.style.left = percent(at);
      if (at - view.from < wide / 60) label.className = "first";
      return label;
    }));
    const shown = RUN.timeline.bands.filter((band) => band.to_s >= view.from && band.from_s <= view.to);
    const row = document.getElementById("bands");
    row.replaceChildren(...shown.map((band, index) => {
      const label = make("button", band.fault, band.proved ? "" : "unproved");
      label.type = "button";
      const [from, to] = [Math.max(view.from, band.from_s), Math.min(view.to, band.to_s)];
      label.style.left = percent(from);
      // The name may reach beyond its fault, as far as the next one.
      const room = ((shown[index + 1]?.from_s ?? view.to) - from) * (row.clientWidth / wide) - 2;
      const own = (to - from) * (row.clientWidth / wide);
      label.style.width = `${Math.max(5, own, Math.min(room, 8 + band.fault.length * 6.6))}px`;
      label.style.setProperty("--own", `${Math.max(3, own)}px`);
      label.dataset.band = RUN.timeline.bands.indexOf(band);
      return label;
    }));
    document.getElementById("zoom-out").hidden = view.whole;
  },

  mark(row) {
    this.current = row;
    [...this.names.children].forEach((name, index) => name.classList.toggle("on", index === row));
  },

  secondAt(clientX) {
    const box = this.svg.getBoundingClientRect();
    return view.from + ((clientX - box.left) / box.width) * (view.to - view.from);
  },

  rowAt(clientY) {
    return Math.floor((clientY - this.svg.getBoundingClientRect().top) / this.height);
  },

  pointOf(row, second) {
    const box = this.svg.getBoundingClientRect();
    return {
      x: box.left + ((second - view.from) / (view.to - view.from)) * box.width,
      y: box.top + (row + 0.5) * this.height,
    };
  },
};
view.watchers.push(() => lanes.place());

// `web` finds names that hold it; `3`, `5-9` and `2,7` find workers by number.
function matcher(text) {
  const asked = text.trim().toLowerCase();
  if (!asked) return () => true;
  if (!/^[\d\s,-]+$/.test(asked)) return (name) => name.toLowerCase().includes(asked);
  const ranges = asked.split(",").map((part) => part.trim().split("-").map((end) => parseInt(end, 10)));
  return (name) => {
    const number = parseInt((name.match(/(\d+)$/) || [])[1], 10);
    return ranges.some(([low, high]) => number >= low && number <= (Number.isNaN(high) || high === undefined ? low : high));
  };
}
