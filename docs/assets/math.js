// Typesets what pymdownx.arithmatex marked: \( … \) in a line, \[ … \] on its own.
document.querySelectorAll(".arithmatex").forEach((element) => {
  const written = element.textContent.trim();
  katex.render(written.slice(2, -2), element, {
    displayMode: written.startsWith("\\["),
    throwOnError: false,
    strict: "ignore",
  });
});
