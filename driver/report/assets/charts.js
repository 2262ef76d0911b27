// The plots: uPlot draws them; their common parts.
const charts = {
  made: [],
  style(name) { return getComputedStyle(document.documentElement).getPropertyValue(name).trim(); },

  makeAll() {
    this.made.forEach((chart) => chart.destroy());
    this.made = [];
    document.querySelectorAll("[data-curve]").forEach((place) => this.curve(place, RUN.curves[place.dataset.curve]));
    document.querySelectorAll("[data-distribution]").forEach((place) => this.distribution(place, RUN.distributions[place.dataset.distribution]));
  },

  curve(place, plot) {
    const options = this.options(place, plot, 150);
    options.scales.x = { time: false, range: () => [view.from, view.to] };
    options.cursor = { sync: { key: "run" }, drag: { x: true, y: false, setScale: false } };
    options.hooks.setSelect = [(chart) => {
      if (chart.select.width < 4) return;
      const [from, to] = [chart.select.left, chart.select.left + chart.select.width].map((at) => chart.posToVal(at, "x"));
      chart.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
      view.show(from, to);
    }];
    options.hooks.drawClear = [(chart) => this.bands(chart)];
    const step = plot.log || plot.name === "memory" ? undefined : uPlot.paths.stepped({ align: 1 });
    options.series = [this.xSeries("at", (value) => `${value.toFixed(1)} s`), ...this.lines(plot, step, plot.unit)];
    const chart = new uPlot(options, [plot.x, ...plot.series.map((one) => one.y)], place);
    chart.over.addEventListener("dblclick", () => view.all());
    chart.onTime = true;
    this.made.push(chart);
  },

  distribution(place, plot) {
    const options = this.options(place, { ...plot, log: false }, 240);
    options.scales.x = { time: false, distr: 3 };
    options.scales.y = { range: [0, 1] };
    options.axes[0].values = (chart, splits) => splits.map((at) => (Math.abs(Math.log10(at) % 1) < 1e-6 ? seconds(at) : ""));
    options.axes[1].values = (chart, splits) => splits.map((share) => `${Math.round(share * 100)} %`);
    const stepped = uPlot.paths.stepped({ align: 1 });
    options.series = [this.xSeries("no larger than", seconds), ...this.lines(plot, stepped, "%", true)];
    const data = uPlot.join(plot.series.map((one) => [one.x, one.y]));
    // A distribution stays where it is until its next step: the share at any x is known, not only at its own steps.
    data.slice(1).forEach((ys) => {
      let last = 0;
      for (let at = 0; at < ys.length; at += 1) last = ys[at] = ys[at] ?? last;
    });
    this.made.push(new uPlot(options, data, place));
  },

  options(place, plot, height) {
    const ink = this.style("--soft");
    const grid = { stroke: this.style("--rule"), width: 1 };
    const label = innerWidth <= 640 ? 66 : 92;
    const compact = (value) => (value === 0 ? "0" : Math.abs(value) >= 1e-2 ? three(value) : value.toExponential(0));
    const values = (chart, splits) => splits.map((value) => (value === null ? "" : compact(value)));
    const axis = { stroke: ink, grid, ticks: grid, font: "12px system-ui, sans-serif" };
    return {
      width: place.clientWidth,
      height,
      scales: { y: plot.log ? { distr: 3 } : { range: (chart, low, high) => [Math.min(0, low), high > 0 ? high * 1.08 : 1] } },
      axes: [{ ...axis, size: 26, gap: 3 }, { ...axis, size: label, values }],
      legend: { live: true },
      hooks: {},
      padding: [6, plot.x.length ? 1 : 26, 0, 0],
    };
  },

  xSeries(label, value) { return { label, value: (chart, at) => (at === null ? "" : value(at)) }; },

  lines(plot, paths, unit, share = false) {
    return plot.series.map((one, index) => ({
      label: one.label,
      stroke: this.style(one.colour ? `--${one.colour}` : `--series-${(index % 5) + 1}`),
      width: 1.6,
      dash: index > 4 && !one.colour ? [4, 3] : undefined,
      paths,
      spanGaps: true,
      points: { show: false },
      value: (chart, at) => (at === null || at === undefined ? "" : share ? `${(at * 100).toFixed(1)} %` : `${unit === "s" ? seconds(at) : three(at)}`),
    }));
  },

  bands(chart) {
    const { ctx } = chart;
    const { left, top, width, height } = chart.bbox;
    ctx.save();
    RUN.timeline.bands.forEach((band) => {
      const [from, to] = [band.from_s, band.to_s].map((at) => chart.valToPos(at, "x", true));
      const [a, b] = [Math.max(left, from), Math.min(left + width, to)];
      if (b < left || a > left + width) return;
      ctx.fillStyle = this.style(band.proved ? "--band" : "--unproved");
      ctx.fillRect(a, top, Math.max(1, b - a), height);
    });
    ctx.restore();
  },

  resize(most = Infinity) {
    this.made.forEach((chart) => {
      const wide = Math.min(most, chart.root.parentElement.clientWidth);
      if (wide && wide !== chart.width) chart.setSize({ width: wide, height: chart.height });
    });
  },
};
view.watchers.push(() => charts.made.filter((chart) => chart.onTime).forEach((chart) => chart.setScale("x", { min: view.from, max: view.to })));
