// The page: theme, filter, tables, and the first drawing.
const root = document.documentElement;
const dark = matchMedia("(prefers-color-scheme: dark)");
function theme(name) {
  root.dataset.theme = name;
  charts.makeAll();
}
dark.addEventListener("change", () => theme(dark.matches ? "dark" : "light"));
document.getElementById("theme").addEventListener("click", () => theme(root.dataset.theme === "dark" ? "light" : "dark"));

const filter = document.getElementById("filter");
const troubled = document.getElementById("troubled");
const choose = () => { hideNote(); lanes.choose(filter.value, troubled.checked); };
filter.addEventListener("input", choose);
troubled.addEventListener("change", choose);
document.getElementById("zoom-out").addEventListener("click", () => view.all());

function zoomTo(from, to) {
  const margin = Math.max(1, (to - from) / 2);
  view.show(from - margin, to + margin);
}
document.querySelectorAll("button.zoom").forEach((button) => button.addEventListener("click", () => {
  zoomTo(Number(button.dataset.from), Number(button.dataset.to));
  document.getElementById("timeline").scrollIntoView();
}));
document.getElementById("bands").addEventListener("click", (event) => {
  const band = RUN.timeline.bands[event.target.dataset.band];
  if (band) zoomTo(band.from_s, band.to_s);
});

// A click on a column's head sorts by it: numbers as numbers, names with their numbers in order.
const collator = new Intl.Collator("en", { numeric: true });
function sortable(table) {
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => {
    const button = make("button", head.textContent);
    button.type = "button";
    head.replaceChildren(button);
    button.addEventListener("click", () => {
      const up = head.getAttribute("aria-sort") !== "ascending";
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", up ? "ascending" : "descending");
      const key = (row) => row.cells[column].dataset.value ?? row.cells[column].textContent.trim();
      const body = table.tBodies[0];
      body.append(...[...body.rows].sort((a, b) => (up ? 1 : -1) * collate(key(a), key(b))));
    });
  });
}
function collate(a, b) {
  const [x, y] = [Number(a), Number(b)];
  return Number.isNaN(x) || Number.isNaN(y) ? collator.compare(a, b) : x - y;
}
document.querySelectorAll("table.sortable").forEach(sortable);

let waiting = 0;
new ResizeObserver(() => {
  cancelAnimationFrame(waiting);
  waiting = requestAnimationFrame(() => { charts.resize(); lanes.place(); });
}).observe(document.querySelector("main"));
// A4 upright within its margins, less the timeline's heading.
const PAPER = { wide: 690, tall: 820 };
let before = "";
addEventListener("beforeprint", () => {
  lanes.fit(PAPER.tall);
  before = root.dataset.theme;
  document.querySelectorAll("details").forEach((one) => { one.open = true; });
  if (before === "dark") theme("light");
  charts.resize(PAPER.wide);
});
addEventListener("afterprint", () => {
  charts.resize();
  lanes.fit(Infinity);
  if (before === "dark") theme("dark");
});

lanes.choose("", false);
theme(dark.matches ? "dark" : "light");
root.dataset.ready = "yes";
