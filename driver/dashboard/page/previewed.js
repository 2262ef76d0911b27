// A fault by hand: its preview, the injection of just what the preview shows, and healing.
import { ask, at, set } from "./dom.js";
import { clearRefusals, filled, refuse } from "./form.js";
import { state } from "./store.js";

export class PreviewedFault {
  // `targets()` is the text of the targets, and `isReady()` whether a preview can be made. `show(hit)` shows its answer, and returns who is hit, in
  // words; `forget()` removes that. `pause` is in milliseconds.
  constructor({ targets, isReady, show, forget = () => {}, pause }) {
    Object.assign(this, { targets, isReady, show, forgetMore: forget, pause });
    this.seed = null;
    this.asked = 0;
    this.timer = 0;
  }

  setUp() {
    at("form").addEventListener("input", () => this.changed());
    at("preview").onclick = () => this.preview();
    at("form").onsubmit = (event) => { event.preventDefault(); this.inject(); };
    document.querySelectorAll("[data-for]").forEach((button) => { button.onclick = () => { at("for").value = button.dataset.for; this.changed(); }; });
    document.querySelectorAll("[data-heal-all]").forEach((button) => { button.onclick = () => this.healAll(); });
  }

  // New targets need a new draw.
  drawAgain() {
    this.seed = null;
  }

  // Any change discards the preview; a new one is requested after the pause without a change.
  changed() {
    this.forget();
    clearTimeout(this.timer);
    this.timer = setTimeout(() => { if (filled().is_whole && this.isReady()) this.preview(); }, this.pause);
  }

  forget() {
    this.asked += 1;
    set(at("hits"), "");
    set(at("command"), "");
    this.forgetMore();
    clearRefusals();
  }

  form() {
    return { ...filled().asked, targets: this.targets(), seed: this.seed };
  }

  async preview() {
    clearTimeout(this.timer);
    this.forget();
    const mine = this.asked;
    try {
      const hit = await ask("/api/preview", this.form());
      if (mine !== this.asked) return false;
      this.seed = hit.seed;
      set(at("hits"), `would hit ${this.show(hit)}: ${hit.hits.length} of ${hit.hits.length + hit.spares}`);
      set(at("command"), hit.command);
      return true;
    } catch (error) {
      if (mine === this.asked) refuse(error);
      return false;
    }
  }

  // Inject what the preview shows: its seed fixes the draw of a share or of random targets.
  async inject() {
    if ((this.seed === null || !at("command").textContent) && !(await this.preview())) return;
    const hits = at("hits").textContent;
    at("inject").disabled = true;
    try {
      const started = await ask("/api/inject", this.form());
      set(at("command"), started.command);
      set(at("hits"), hits.replace("would hit", "✓ asked for; hits"));
    } catch (error) { refuse(error); }
    at("inject").disabled = false;
  }

  async healAll() {
    try { await ask("/api/heal", {}); } catch (error) { refuse(error); }
  }
}

export function drawReadOnly() {
  document.querySelectorAll("#inject, [data-heal-all]").forEach((button) => { button.hidden = state.read_only; });
  at("only-read").hidden = !state.read_only;
}
