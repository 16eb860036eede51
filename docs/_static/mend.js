// Names and roles that the theme's and Sphinx's own markup lacks, for readers of screens.
document.addEventListener("DOMContentLoaded", () => {
  for (const s of document.querySelectorAll("summary"))
    if (!s.textContent.trim()) s.setAttribute("aria-label", "Pages below " + (s.closest("li")?.querySelector("a")?.textContent.trim() ?? "this one"));
  for (const part of document.querySelectorAll("dt.sig dl, dt.sig dl > dd")) part.setAttribute("role", "presentation");
});
