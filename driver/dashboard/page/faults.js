// Faults that are on or over, with their receipts; and the jobs that the page has started.
import { ask, at, keep, make, set } from "./dom.js";
import { aimed, clock, seconds, since } from "./format.js";
import { state } from "./store.js";

const SHOWN = 40;

export function drawFaults() {
  const newest = [...state.faults].sort((a, b) => (a.ended_s !== null) - (b.ended_s !== null) || b.since_s - a.since_s).slice(0, SHOWN);
  const on = state.faults.filter((one) => one.ended_s === null).length;
  set(at("faults-words"), state.faults.length ? `${on} on, ${state.faults.length - on} over` : "");
  at("no-faults").hidden = newest.length > 0;
  keep(at("faults"), newest, (one) => one.id, newFault, fillFault);
}

// The number of faults that are on, and when the last of them ends; above every view.
export function drawFaultsOn() {
  const on = state.faults.filter((one) => one.ended_s === null);
  const place = at("faults-on");
  place.hidden = !on.length || state.lab.state === "gone";
  const ends = on.map((one) => one.until_s).filter((until_s) => until_s !== null && until_s !== undefined);
  const left = ends.length ? ` · ${Math.max(0, Math.round(Math.max(...ends) - state.now_s))} s left` : "";
  set(place, `⚡ ${on.length === 1 ? "fault" : `${on.length} faults`} on${left}`);
}

function newFault(one) {
  const box = make("div", undefined, "fault", { "data-fault": one.id });
  const head = make("div", undefined, "row");
  head.append(make("b", one.kind), make("small"));
  box.append(head, make("p", "", "soft"), make("p"));
  return box;
}

function fillFault(box, one) {
  const is_on = one.ended_s === null;
  box.className = `fault ${is_on ? "on" : "over"}`;
  set(box.firstChild.lastChild, is_on ? `on for ${since(one.since_s, state.now_s)}` : `${clock(one.since_s)} for ${seconds(one.ended_s - one.since_s)}`);
  set(box.children[1], `${aimed(one.targets, state.tiles.size)}${params(one)}${one.by_hand ? " · by hand" : ""}`);
  const receipt = box.children[2];
  receipt.className = one.receipt || "soft";
  set(receipt, one.receipt ? `${one.receipt === "proved" ? "✓ proved" : "✕ not proved"}: ${one.because}` : is_on || one.by_hand ? "" : "… its receipt is still to come");
}

function params(one) {
  const words = Object.entries(one.params).filter(([, value]) => value !== null).map(([name, value]) => `${name} ${typeof value === "object" ? JSON.stringify(value) : value}`);
  return words.length ? ` · ${words.join(", ")}` : "";
}

export function drawJobs(refused) {
  const { jobs } = state.doing;
  at("no-jobs").hidden = jobs.length > 0;
  keep(at("jobs"), [...jobs].reverse(), (job) => job.id, (job) => newJob(job, refused), fillJob);
}

function newJob(job, refused) {
  const box = make("div", undefined, "job", { "data-job": job.id });
  const head = make("div", undefined, "row");
  const end = make("button", job.command.includes(" inject ") ? "heal it" : "end it", "", { type: "button" });
  end.onclick = () => ask("/api/heal", { job: job.id }).catch(refused);
  head.append(make("code", job.command), end);
  box.append(head, make("small"));
  return box;
}

function fillJob(box, job) {
  const how = job.running ? "● running" : job.code === 0 ? "✓ done" : `✕ ended with ${job.code}`;
  box.dataset.how = job.running ? "running" : job.code === 0 ? "done" : "wrong";
  box.querySelector("button").hidden = !job.running || state.read_only;
  set(box.lastChild, [how, job.said].filter(Boolean).join(": "));
}
