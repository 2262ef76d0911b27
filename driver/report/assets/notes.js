// The note beside pointer or keyboard: what a worker did at that second, why, and on which line it says so.
const tip = document.getElementById("tip");
const cursor = document.getElementById("lane-cursor");
const STATES = ["not running", "connected", "connected for one side only", "down"];
let kept = false;
let byKeys = false;
let spot = { row: 0, second: START };

function note(row, second) {
  const lane = lanes.all[lanes.rows[row]];
  if (!lane) return hideNote();
  spot = { row, second };
  lanes.mark(row);
  const near = (view.to - view.from) / 400;
  const outage = lane.notes.find((one) => second >= one.from_s - near && second <= (one.back_s ?? RUN.timeline.end_s) + near);
  const state = lane.states.find(([from, to]) => second >= from && second < to);
  const band = RUN.timeline.bands.filter((one) => second >= one.from_s && second <= one.to_s && one.lanes.includes(lanes.rows[row]));
  const rows = [["at", `${second.toFixed(3)} s`]];
  if (lane.busy.some(([from, to]) => second >= from && second <= to)) rows.push(["doing", "running a task"]);
  if (outage) rows.push(...outageRows(outage));
  band.forEach((one) => rows.push([one.proved ? "fault" : "fault, no proof", `${one.fault} (${one.kind}) ${one.receipt}`]));
  fill(lane.name, outage ? "cut off" : STATES[state ? state[2] : 0], rows, outage);
  return undefined;
}

function outageRows(outage) {
  const rows = [["lost", `${outage.from_s.toFixed(3)} s ${outage.kind} ${outage.detail}`.trim()]];
  if (outage.how === "restart") rows.push(["because", "its process ended"]);
  rows.push(["back", outage.back_s === null ? "never" : `${outage.back_s.toFixed(3)} s, ${outage.outcome}, after ${seconds(outage.back_s - outage.from_s)}`]);
  rows.push(["attempts", String(outage.attempts)]);
  rows.push(["spent on", RUN.phases.map((phase, index) => `${phase.name} ${seconds(outage.parts_s[index])}`).join(", ")]);
  return rows;
}

function fill(name, state, rows, outage) {
  const list = make("dl");
  rows.forEach(([label, text]) => list.append(make("dt", label), make("dd", text)));
  if (outage && outage.where) {
    const link = make("a", outage.where);
    const file = outage.where.split(":")[0];
    const folder = RUN.mounts ? `${encodeURIComponent(file.replace(/\.jsonl$/, ""))}/` : "";
    link.href = `journals/${folder}${encodeURIComponent(file)}`;
    const cell = make("dd");
    cell.append(link);
    list.append(make("dt", "log line"), cell);
  }
  tip.replaceChildren(make("b", `${name}: ${state}`), ...(outage ? [parts(outage)] : []), list);
  tip.hidden = false;
}

function parts(outage) {
  const bar = make("div", undefined, "parts");
  RUN.phases.forEach((phase, index) => {
    const part = make("i", undefined, `phase-${phase.key}`);
    part.style.flexGrow = String(outage.parts_s[index] || 0);
    bar.append(part);
  });
  return bar;
}

function moveNote(x, y) {
  const box = tip.getBoundingClientRect();
  const left = x + 16 + box.width > innerWidth ? Math.max(8, x - box.width - 16) : x + 16;
  tip.style.left = `${left}px`;
  tip.style.top = `${Math.max(8, Math.min(y + 14, innerHeight - box.height - 8))}px`;
}

function hideNote() {
  kept = byKeys = false;
  tip.hidden = cursor.hidden = true;
  tip.classList.remove("kept");
  lanes.mark(-1);
}

function keep(on) {
  kept = on;
  tip.classList.toggle("kept", on);
}

function setCursor(second) {
  cursor.hidden = second < view.from || second > view.to;
  cursor.style.left = `${((second - view.from) / (view.to - view.from)) * 100}%`;
}

// -- pointer: hover tells, a click keeps, a drag zooms, a double click shows all
const plotArea = lanes.svg.parentElement;
let dragFrom = null;
const selection = make("div", undefined, "lane-select");
plotArea.addEventListener("pointermove", (event) => {
  const second = lanes.secondAt(event.clientX);
  if (dragFrom !== null && Math.abs(event.clientX - dragFrom) > 4) {
    const box = plotArea.getBoundingClientRect();
    selection.style.left = `${Math.min(event.clientX, dragFrom) - box.left}px`;
    selection.style.width = `${Math.abs(event.clientX - dragFrom)}px`;
    plotArea.append(selection);
    return;
  }
  if (kept) return;
  note(lanes.rowAt(event.clientY), second);
  setCursor(second);
  moveNote(event.clientX, event.clientY);
});
plotArea.addEventListener("pointerdown", (event) => { if (event.button === 0 && event.pointerType !== "touch") dragFrom = event.clientX; });
addEventListener("pointerup", (event) => {
  const began = dragFrom;
  dragFrom = null;
  selection.remove();
  if (began !== null && Math.abs(event.clientX - began) > 4) view.show(lanes.secondAt(began), lanes.secondAt(event.clientX));
});
plotArea.addEventListener("click", (event) => {
  keep(false);
  const second = lanes.secondAt(event.clientX);
  note(lanes.rowAt(event.clientY), second);
  setCursor(second);
  moveNote(event.clientX, event.clientY);
  keep(!tip.hidden);
});
plotArea.addEventListener("pointerleave", () => { if (!kept) hideNote(); });
plotArea.addEventListener("dblclick", () => view.all());

// -- keyboard: the same by arrows
function stops(lane) {
  const own = lane.states.flatMap(([from, to]) => [from, to]).concat(lane.notes.map((one) => one.from_s + 0.001));
  return [...new Set(own)].filter((at) => at >= view.from && at <= view.to).sort((a, b) => a - b);
}
function walk(row, at) {
  note(row, at);
  setCursor(at);
  byKeys = true;
  const line = lanes.names.children[row];
  if (line) line.scrollIntoView({ block: "nearest" });
  follow();
}
function follow() {
  const point = lanes.pointOf(spot.row, spot.second);
  moveNote(point.x, point.y);
}
lanes.scroller.addEventListener("keydown", (event) => {
  const row = Math.max(0, lanes.current);
  const lane = lanes.all[lanes.rows[row]];
  const { second } = spot;
  if (!lane) return;
  const moves = {
    ArrowUp: () => walk(Math.max(0, lanes.current - 1), second),
    ArrowDown: () => walk(Math.min(lanes.rows.length - 1, lanes.current + 1), second),
    ArrowRight: () => walk(row, stops(lane).find((at) => at > second + 1e-6) ?? second),
    ArrowLeft: () => walk(row, stops(lane).filter((at) => at < second - 1e-6).pop() ?? second),
    Home: () => walk(0, view.from),
    End: () => walk(lanes.rows.length - 1, second),
    Enter: () => { keep(true); const link = tip.querySelector("a"); if (link) link.focus(); },
    Escape: hideNote,
  };
  if (!moves[event.key]) return;
  event.preventDefault();
  if (event.key !== "Enter") keep(false);
  moves[event.key]();
});
addEventListener("keydown", (event) => { if (event.key === "Escape" && kept) { hideNote(); lanes.scroller.focus(); } });
addEventListener("scroll", () => {
  if (tip.hidden) return;
  if (kept || byKeys) follow();
  else hideNote();
}, { passive: true, capture: true });
