// The lanes of links, in groups by pair: what is well in a large group is one row, until the group is opened.
import { at, keep, make, plain, set } from "./dom.js";
import { rate, seconds, since } from "./format.js";
import { state } from "./store.js";

const LARGE = 6;
const MOST_IN_TROUBLE = 12;
const TONES = { connected: "good", trying: "warn", lost: "bad", "one side": "bad" };
const SHAPES = { connected: "●", trying: "◐", lost: "✕", "one side": "◨", idle: "○", unused: "·", unknown: "?" };
const SVG = "http://www.w3.org/2000/svg";
const opened = new Set();
let chosen = null;
let toInject = () => {};

export function setUp(injectInto) {
  toInject = injectInto;
  at("find").oninput = draw;
  at("troubled").onchange = draw;
  at("lanes").addEventListener("click", (event) => act(event.target.closest("[data-key]")));
  at("lanes").addEventListener("keydown", (event) => {
    if (event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    act(event.target.closest("[data-key]"));
  });
}

function act(row) {
  if (!row) return;
  if (row.dataset.pair) opened.has(row.dataset.pair) ? opened.delete(row.dataset.pair) : opened.add(row.dataset.pair);
  else if (row.dataset.link) chosen = chosen === row.dataset.link ? null : row.dataset.link;
  draw();
}

const inTrouble = (link) => link.faults.length > 0 || !["connected", "idle", "unused"].includes(link.state);

// Links → rows: {key, link} for one, {key, pair, links} for a group, {key, left} for those that are not shown.
export function rowsOf(links, isOpen) {
  const groups = new Map();
  links.forEach((link) => groups.set(link.pair, [...(groups.get(link.pair) || []), link]));
  return [...groups].flatMap(([pair, members]) => {
    if (members.length <= 1) return members.map((link) => ({ key: link.name, link }));
    const is_whole = members.length <= LARGE || isOpen(pair);
    const shown = is_whole ? members : members.filter(inTrouble).slice(0, MOST_IN_TROUBLE);
    const left = is_whole ? 0 : members.filter(inTrouble).length - shown.length;
    return [
      { key: `pair ${pair}`, pair, links: members, is_large: members.length > LARGE, is_open: isOpen(pair) },
      ...shown.map((link) => ({ key: link.name, link, is_member: true })),
      ...(left ? [{ key: `rest ${pair}`, left }] : []),
    ];
  });
}

export function draw() {
  const wanted = at("find").value.trim().toLowerCase();
  const used = state.links.filter((link) => link.state !== "unused" || link.faults.length);
  const links = used.filter((link) => link.name.toLowerCase().includes(wanted) && (!at("troubled").checked || inTrouble(link)));
  at("no-links").hidden = links.length > 0;
  set(at("no-links"), used.length ? "No link fits." : "No link was dialled so far.");
  set(at("links-words"), words(state.links));
  drawAxis();
  keep(at("lanes"), rowsOf(links, (pair) => opened.has(pair)), (row) => row.key, newRow, fill);
  drawAbout();
}

function words(links) {
  const by = (name) => links.filter((link) => link.state === name).length;
  return Object.keys(SHAPES).filter(by).map((name) => `${by(name)} ${name}`).join(" · ");
}

function drawAxis() {
  const minutes = Math.round(state.window_s / 60);
  const labels = Array.from({ length: minutes + 1 }, (_, index) => minutes - index);
  keep(at("axis"), labels, String, (left) => make("i", left ? `−${left} min` : "now"), (label, left) => {
    label.style.left = `${((minutes - left) / minutes) * 100}%`;
    label.hidden = left % (minutes > 3 ? 2 : 1) !== minutes % 2 && left !== 0 && left !== minutes;
  });
}

function newRow(row) {
  if (row.left) return make("div", "", "link-row rest");
  const line = make("div", undefined, `link-row ${row.pair ? "pair" : "link"}${row.is_member ? " member" : ""}`, { role: "option", tabindex: "0" });
  const place = make("span");
  place.append(document.createElementNS(SVG, "svg"));
  line.append(make("span"), make("span", "", "says"), place, make("span"), make("span"), make("span"));
  return line;
}

function fill(line, row) {
  if (row.left) { set(line, `… and ${row.left} more in trouble`); return; }
  const [name, says, place, up, down, tries] = line.children;
  const links = row.links || [row.link];
  if (row.pair) line.dataset.pair = row.pair;
  else line.dataset.link = row.link.name;
  line.setAttribute("aria-selected", String(Boolean(row.link) && row.link.name === chosen));
  const fold = row.is_large ? `${row.is_open ? "▾" : "▸"} ` : "";
  set(name, row.pair ? `${fold}${row.pair} · ${links.length}` : row.link.name);
  name.title = plain(row.pair || row.link.name);
  const [text, tone] = row.pair ? ofGroup(links) : ofLink(row.link);
  set(says, text);
  says.className = `says ${tone}`;
  const sum = (key) => links.reduce((total, link) => (link[key] === null ? total : (total ?? 0) + link[key]), null);
  set(up, rate(sum("to_server_per_s")));
  set(down, rate(sum("to_client_per_s")));
  set(tries, links.reduce((total, link) => total + link.attempts, 0));
  drawLane(place.firstChild, links);
  line.setAttribute("aria-label", plain(`${row.pair || row.link.name}, ${text}`));
}

function ofLink(link) {
  const lasts = ["lost", "trying", "one side"].includes(link.state) && link.since_s !== null ? ` ${seconds(Math.round(link.since_s))}` : "";
  const many = link.open > 1 ? ` ×${link.open}` : "";
  return [`${SHAPES[link.state]} ${link.state}${many}${lasts}`, TONES[link.state] || ""];
}

function ofGroup(links) {
  const up = links.filter((link) => link.state === "connected").length;
  const bad = links.filter(inTrouble).length;
  return [`${up} of ${links.length} up`, bad ? "warn" : up ? "good" : ""];
}

// Many links over one another: where more of them are away, the colour is stronger.
function drawLane(svg, links) {
  const [from, wide] = [state.now_s - state.window_s, state.window_s];
  svg.setAttribute("viewBox", `0 0 ${wide} 10`);
  svg.setAttribute("preserveAspectRatio", "none");
  const box = ([begin, end]) => `M${(begin - from).toFixed(2)} 0H${(end - from).toFixed(2)}V10H${(begin - from).toFixed(2)}Z`;
  const weight = links.length === 1 ? 1 : Math.max(0.12, 1 / links.length);
  const paths = [];
  ["up", "split", "down"].forEach((kind) => {
    const each = links.map((link) => link[kind].map(box).join("")).filter(Boolean);
    if (links.length === 1 || kind === "up") paths.push([`s-${kind}`, each.join(""), 1]);
    else each.forEach((d) => paths.push([`s-${kind}`, d, weight]));
  });
  const bands = state.faults.filter((fault) => links.some((link) => hits(fault, link.name))).map((fault) => [Math.max(from, fault.since_s), fault.ended_s ?? state.now_s]).filter(([, end]) => end > from);
  paths.push(["s-band", bands.map(box).join(""), 1]);
  paths.push(["s-edge", bands.map(([begin, end]) => `M${(begin - from).toFixed(2)} 0V10M${(end - from).toFixed(2)} 0V10`).join(""), 1]);
  if (links.length === 1) paths.push(["s-dial", links[0].dials.map((t) => `M${(t - from).toFixed(2)} 0V3.5`).join(""), 1]);
  svg.replaceChildren(...paths.filter(([, d]) => d).map(([name, d, opacity]) => {
    const path = document.createElementNS(SVG, "path");
    path.setAttribute("class", name);
    path.setAttribute("d", d);
    if (opacity < 1) path.setAttribute("opacity", String(opacity));
    return path;
  }));
}

// Whether a fault is on a link, or on a container at one of its ends.
export function hits(fault, link) {
  const [client, server] = link.split("->");
  return fault.targets.some((target) => target === link || (!target.includes("->") && (target === client || target.split("[")[0] === server.split(":")[0])));
}

function drawAbout() {
  const link = state.links.find((one) => one.name === chosen);
  const place = at("about");
  if (!link) { place.replaceChildren(); return; }
  const head = make("div", undefined, "row");
  const button = make("button", "inject into it …", "", { type: "button" });
  button.onclick = () => toInject(link.name);
  button.hidden = state.read_only;
  head.append(make("h3", link.name), button);
  const text = link.outages.length ? "Its last outages:" : "It never lost its last connection.";
  const table = make("table");
  const rows = link.outages.map((one) => {
    const row = make("tr");
    const phases = [["waiting", one.waiting_in_s], ["failing", one.failing_in_s], ["connecting", one.connecting_in_s]].filter(([, length]) => length >= 0.0005).map(([name, length]) => `${seconds(length)} ${name}`);
    [`lost ${since(one.lost_s, state.now_s)} ago: ${one.kind}`, `noticed in ${seconds(one.detected_in_s)}`, `${one.attempts} attempts`, phases.join(", "), one.back_in_s === null ? "not back" : `back in ${seconds(one.back_in_s)}`].forEach((cell) => row.append(make("td", cell)));
    return row;
  });
  table.append(...rows);
  place.replaceChildren(head, make("p", text, "soft"), ...(rows.length ? [table] : []));
}
