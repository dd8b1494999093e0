// Before the first paint: a theme that was chosen here earlier. The content security policy allows no inline script.
try {
  const chosen = localStorage.getItem("breakwater-theme");
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
} catch {
  // Storage is off: the system's theme it is.
}
