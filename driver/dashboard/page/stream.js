// The event stream: reopened after a loss with growing waits, closed while the page is hidden.
import { state, takeNew, takeWhole } from "./store.js";

const WAITS_S = [0.5, 1, 2, 4, 8, 15];
const SILENT_S = 8;
const UNSEEN_S = 5;

export class Stream {
  // `said(words, tone)` is called with the connection's state.
  constructor(said) {
    this.said = said;
    this.source = null;
    this.failures = 0;
    this.timer = 0;
    this.message_ms = 0;
    document.addEventListener("visibilitychange", () => this.seen(!document.hidden));
    setInterval(() => this.listen(), 1000);
    this.open();
  }

  open() {
    clearTimeout(this.timer);
    this.close();
    if (this.failures === 0) this.said("connecting", "");
    this.message_ms = Date.now();
    let is_whole = false;
    const source = new EventSource("/api/stream");
    source.addEventListener("state", (message) => { is_whole = true; this.live(); takeWhole(JSON.parse(message.data)); });
    source.addEventListener("delta", (message) => { this.message_ms = Date.now(); if (is_whole) takeNew(JSON.parse(message.data)); });
    source.onerror = () => this.lost();
    this.source = source;
  }

  close() {
    this.source?.close();
    this.source = null;
  }

  live() {
    this.failures = 0;
    this.message_ms = Date.now();
    this.said("live", "good");
  }

  // Reconnect after a wait that grows with each failure, with jitter.
  lost() {
    this.close();
    const wait_s = WAITS_S[Math.min(this.failures, WAITS_S.length - 1)] * (0.8 + Math.random() * 0.4);
    this.failures += 1;
    this.said(`no driver: asking again in ${Math.max(1, Math.round(wait_s))} s`, "bad");
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.again(), wait_s * 1e3);
  }

  // A request shows why the driver refuses; an EventSource does not.
  async again() {
    try {
      const answer = await fetch("/api/snapshot");
      if (answer.status === 403) {
        this.said((await answer.json()).error, "bad");
        return;
      }
    } catch { /* The driver does not answer yet: the stream retries. */ }
    if (!document.hidden) this.open();
  }

  // The driver sends four messages a second: silence for SILENT_S means that the connection is dead.
  listen() {
    const lives = state.lab.state !== "none";
    if (this.source && lives && this.failures === 0 && Date.now() - this.message_ms > SILENT_S * 1e3) this.lost();
  }

  seen(is_seen) {
    clearTimeout(this.timer);
    if (!is_seen) this.timer = setTimeout(() => { this.close(); this.said("asleep", ""); }, UNSEEN_S * 1e3);
    else if (!this.source) { this.failures = 0; this.open(); }
  }
}
