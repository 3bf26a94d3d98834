"use strict";
(() => {
  const form = document.getElementById("question");
  const answer = document.getElementById("answer");
  const working = document.getElementById("working");
  const why = document.getElementById("why");
  const tab = Array.from(crypto.getRandomValues(new Uint32Array(3)), (n) => n.toString(36)).join("");
  const hue = (name) => getComputedStyle(document.body).getPropertyValue(name).trim();

  // figures: plotly is fetched once, when the first is drawn
  let plotly = null;
  const library = () => (plotly ??= new Promise((done, fail) => {
    const script = document.createElement("script");
    script.src = document.body.dataset.plotly;
    script.onload = () => done(window.Plotly);
    script.onerror = fail;
    document.head.appendChild(script);
  }));
  const draw = async (data) => {
    const plot = document.getElementById(data.dataset.for);
    if (!plot) return;
    const Plotly = await library();
    const figure = JSON.parse(data.textContent);
    const sankey = figure.data.length && figure.data[0].type === "sankey";
    figure.layout.font = { ...figure.layout.font, color: hue(sankey ? "--ink" : "--muted") };
    figure.layout.hoverlabel = { bgcolor: hue("--paper"), font: { color: hue("--ink"), size: 13 } };
    figure.layout.autosize = true;
    if (sankey && plot.clientWidth < 640) {
      const node = figure.data[0].node;
      figure.layout.font.size = 9.5;
      node.label = node.label.map((label) => label.replace(" · ", "<br>"));
      node.pad = 22;
    }
    if (!document.contains(plot)) return;
    Plotly.purge(plot);
    await Plotly.newPlot(plot, figure.data, figure.layout, { responsive: true, displayModeBar: false });
    plot.on("plotly_click", (event) => {
      const told = event.points?.[0]?.customdata;
      const link = Array.isArray(told) ? told[0] : told;
      if (plot.closest("[data-picks]") && typeof link === "string") pick(plot.closest("[data-picks]").dataset.picks, link);
    });
  };
  // each once, and what is folded away when it is opened
  const drawIn = async (root, again = false) => {
    for (const data of root.querySelectorAll(".plot-data")) {
      if ((data.dataset.done && !again) || data.closest("details:not([open])")) continue;
      data.dataset.done = "yes";
      await draw(data);
    }
  };
  const drawAll = async (root) => { // a whole answer, which is counted
    await drawIn(root);
    document.documentElement.dataset.drawn = String(Number(document.documentElement.dataset.drawn || 0) + 1);
  };
  const repaint = () => drawIn(document, true);
  document.addEventListener("toggle", (event) => {
    if (event.target.open && event.target.querySelector(".plot-data")) drawIn(event.target);
  }, true);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", repaint);
  matchMedia("print").addEventListener("change", repaint);

  // the form: a slider writes into the text beside it, every change asks again
  let waiting = 0;
  const ask = (delay) => {
    clearTimeout(waiting);
    waiting = setTimeout(() => htmx.trigger(form, "changed"), delay);
  };
  const pick = (key, value) => {
    const field = form?.elements.namedItem(key);
    if (!field || field.value === value) return;
    field.value = value;
    ask(0);
  };
  const stops = (range) => range.dataset.stops.split("|");
  form?.addEventListener("input", (event) => {
    const field = event.target;
    if (field.type === "range") {
      const text = stops(field)[Number(field.value)];
      const beside = field.parentElement.querySelector("input[type=text]");
      beside.value = text;
      field.setAttribute("aria-valuetext", text);
      ask(90);
    }
  });
  form?.addEventListener("change", (event) => {
    const field = event.target;
    if (field.name === "start") {
      const kept = new URLSearchParams({ start: field.value }); // and what is pinned
      for (const one of form.elements) if (one.type === "hidden" && one.name.startsWith("show.")) kept.append(one.name, one.value);
      location.assign(`${form.getAttribute("action")}?${kept}`);
      return;
    }
    if (field.type === "range") return;
    const range = field.parentElement.querySelector("input[type=range]");
    if (range) {
      const at = stops(range).indexOf(field.value.trim());
      if (at >= 0) range.value = String(at);
      range.setAttribute("aria-valuetext", field.value || "left to the default");
    }
    ask(0);
  });
  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-setting]") && !form?.contains(event.target)) ask(0);
  });

  const say = (words) => { if (working) working.textContent = words; };
  const clear = () => {
    document.querySelectorAll("#question .error").forEach((line) => { line.textContent = ""; });
    document.querySelectorAll("#question [aria-invalid]").forEach((field) => field.removeAttribute("aria-invalid"));
    const problem = document.getElementById("problem");
    if (problem) { problem.hidden = true; problem.textContent = ""; }
  };
  const links = () => {
    const query = location.search.replace(/^\?/, "");
    document.querySelectorAll("[data-link]").forEach((link) => {
      link.setAttribute("href", `${link.dataset.link}?${query}`);
    });
    document.querySelectorAll("[data-action]").forEach((sends) => sends.setAttribute("action", `${sends.dataset.action}${query}`));
  };

  document.addEventListener("htmx:configRequest", (event) => { event.detail.headers["X-Tab"] = tab; });
  document.addEventListener("htmx:beforeRequest", (event) => {
    if (event.detail.target === answer) {
      answer.setAttribute("aria-busy", "true");
      say("Computing …");
    }
  });
  document.addEventListener("htmx:afterRequest", (event) => {
    if (event.detail.target !== answer) return;
    const status = event.detail.xhr.status;
    if (status === 204 || status === 0) return; // a newer question is on its way
    answer.removeAttribute("aria-busy");
    if (status === 200) say("The answer is up to date.");
    else if (status === 422) say("The old answer is kept.");
    else say(event.detail.xhr.responseText.slice(0, 200) || "The server gave no answer.");
  });
  document.addEventListener("htmx:beforeSwap", (event) => {
    if (event.detail.target === answer && event.detail.xhr.status === 200) clear();
  });
  document.addEventListener("htmx:oobAfterSwap", () => {
    document.querySelectorAll("#question .error").forEach((line) => {
      if (!line.textContent.trim()) return;
      const holder = line.closest(".field");
      holder.querySelectorAll("input[type=text], select").forEach((field) => field.setAttribute("aria-invalid", "true"));
      const folded = holder.closest("details");
      if (folded) folded.open = true;
    });
    const problem = document.getElementById("problem");
    if (problem && problem.textContent.trim()) problem.hidden = false;
  });
  let settled = null; // the event comes once for each element that was put in
  document.addEventListener("htmx:afterSettle", (event) => {
    const { target, xhr } = event.detail;
    if (!xhr || xhr.status !== 200) return;
    if (!document.contains(target)) { // swapped as a whole: what took its place is drawn
      if (answer?.contains(event.target)) drawIn(event.target);
      return;
    }
    if (xhr === settled) return;
    settled = xhr;
    if (target === answer) drawAll(answer);
    else if (answer?.contains(target)) drawIn(target);
  });
  document.addEventListener("htmx:replacedInHistory", links);
  document.addEventListener("htmx:sendError", () => say("The server cannot be reached."));

  // why: a dialog over the page; what it was opened from may be replaced meanwhile, when intervals come
  let asked;
  const again = () => {
    const lost = document.activeElement === document.body || why?.contains(document.activeElement);
    if (asked && !why?.open && lost) document.querySelector(`[data-explain="${CSS.escape(asked)}"]`)?.focus({ preventScroll: true });
  };
  document.addEventListener("pointerdown", () => (asked = undefined), true);
  why?.addEventListener("close", again);
  for (const come of ["htmx:afterSettle", "htmx:oobAfterSwap", "htmx:afterSwap"]) document.addEventListener(come, () => setTimeout(again));
  document.addEventListener("click", async (event) => {
    const link = event.target.closest("[data-explain], a[href^='/explain/']:not([data-page])");
    if (link && why && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
      event.preventDefault();
      asked = link.dataset.explain;
      const body = document.getElementById("why-body");
      body.innerHTML = "<h2 id='h-why'>Why this number</h2><p>Looking it up …</p>";
      if (!why.open) why.showModal();
      await htmx.ajax("GET", `/answer/explain/${link.dataset.explain ?? link.pathname.slice("/explain/".length)}${location.search}`, { target: body, swap: "innerHTML" });
      const close = document.createElement("button");
      close.type = "button";
      close.className = "close";
      close.textContent = "Close";
      close.addEventListener("click", () => why.close());
      body.prepend(close);
      why.scrollTop = 0;
      close.focus();
    } else if (event.target === why) why.close();
  });

  // a file that the server would not take is not sent: the page and its answer stay
  document.addEventListener("submit", (event) => {
    const field = event.target.querySelector("input[type=file][data-most]");
    const [file, most] = [field?.files[0], Number(field?.dataset.most)];
    if (!file || file.size <= most) return;
    event.preventDefault();
    const told = (n) => n.toLocaleString("en-US");
    field.setAttribute("aria-invalid", "true");
    document.getElementById(field.getAttribute("aria-describedby")).textContent =
      `${field.id.slice(2)}: the file is too large; given '${told(file.size)} bytes'; allowed: at most ${told(most)} bytes`;
  });

  const asks = document.getElementById("asks");
  if (asks && matchMedia("(max-width: 940px)").matches && !asks.querySelector(".error:not(:empty)")) asks.open = false;
  if (answer && !answer.hasAttribute("hx-get")) drawAll(answer);
  document.documentElement.dataset.ready = "yes";
})();
