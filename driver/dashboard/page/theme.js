// Light or dark as the reader's system wants it, before anything is painted.
document.documentElement.dataset.theme = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
