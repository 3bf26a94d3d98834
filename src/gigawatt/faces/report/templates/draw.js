"use strict";
(async () => {
  const plots = [...document.querySelectorAll("[data-figure]")];
  const fail = (words) => plots.forEach((plot) => {
    plot.style.minHeight = "0";
    plot.textContent = words;
  });
  if (typeof DecompressionStream === "undefined") {
    return fail("This browser is too old to draw the figure; the tables hold the same numbers.");
  }
  const figures = JSON.parse(document.getElementById("figures").textContent);
  const packed = Uint8Array.from(atob(document.getElementById("plotly").textContent), (c) => c.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  const script = document.createElement("script");
  script.textContent = await new Response(stream).text();
  document.head.appendChild(script);
  const hue = (name) => getComputedStyle(document.body).getPropertyValue(name).trim();
  const ink = (plot) => hue(plot.dataset.figure === "sankey" ? "--ink" : "--muted"); // labels on coloured bands
  const hover = () => ({ bgcolor: hue("--paper"), font: { color: hue("--ink"), size: 13 } });
  const draw = (plot) => {
    const figure = JSON.parse(figures[plot.dataset.figure]);
    figure.layout.font.color = ink(plot);
    figure.layout.hoverlabel = hover();
    figure.layout.autosize = true;
    if (figure.data[0].type === "sankey" && plot.clientWidth < 640) {
      const node = figure.data[0].node;
      figure.layout.font.size = 9.5;
      node.label = node.label.map((label) => label.replace(" · ", "<br>"));
      node.pad = 22;
    }
    return Plotly.newPlot(plot, figure.data, figure.layout, { responsive: true, displayModeBar: false });
  };
  for (const plot of plots) await draw(plot);
  const repaint = () => plots.forEach((plot) => {
    Plotly.purge(plot); // a plot that is only changed moves to its new place, and paper would catch it midway
    draw(plot);
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", repaint);
  matchMedia("print").addEventListener("change", repaint);
  document.documentElement.dataset.drawn = "yes";
})();
