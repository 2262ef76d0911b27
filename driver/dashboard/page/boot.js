// Loads the page, and reloads it when a file is missing: a browser aborts its requests when the machine's network
// interfaces change, and a lab that starts its containers changes dozens of them.
(() => {
  const MOST = 10;
  const KEY = "stormlab-loads";
  const loads = Number(sessionStorage.getItem(KEY) || 0);
  let is_lost = false;
  const again = () => {
    if (is_lost || loads >= MOST) return;
    is_lost = true;
    sessionStorage.setItem(KEY, loads + 1);
    setTimeout(() => location.reload(), 300 + 200 * loads);
  };
  addEventListener("error", (event) => { if (event.target !== window) again(); }, true);
  addEventListener("load", () => { import(`/page/${document.documentElement.dataset.app}`).then(() => { if (!is_lost) sessionStorage.removeItem(KEY); }, again); });
})();
