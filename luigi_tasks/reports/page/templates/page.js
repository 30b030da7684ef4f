"use strict";
const report = JSON.parse(document.getElementById("report").textContent);
const views = {};
const byId = (id) => document.getElementById(id);

// --- numbers, as the page shows them without a script

const fixed = (value, digits) => value.toFixed(digits).replace(/^-(0(\.0+)?)$/, "$1");
const grouped = (value) => String(Math.trunc(value)).replace(/\B(?=(\d{3})+$)/g, ",");
const formats = {
  "": String, code: String, count: grouped,
  number: (v) => fixed(v, 3), number2: (v) => fixed(v, 2), number4: (v) => fixed(v, 4),
  signed: (v) => (Number(fixed(v, 3)) > 0 ? "+" : "") + fixed(v, 3),
  share: (v) => fixed(100 * v, 1) + " %",
};
const show = (value, style) => (value === null || value === undefined ? "–" : formats[style](value));

// --- charts

function placesIn(spec, found) {
  if (Array.isArray(spec)) spec.forEach((each) => placesIn(each, found));
  else if (spec && typeof spec === "object") {
    if (spec.data && spec.data.name) found.add(spec.data.name);
    Object.values(spec).forEach((each) => placesIn(each, found));
  }
  return found;
}

async function draw(id) {
  const spec = JSON.parse(JSON.stringify(report.charts[id].spec));
  spec.datasets = {};
  for (const place of placesIn(spec, new Set())) spec.datasets[place] = report.data[place];
  const place = byId(id);
  if (place.clientWidth < 480) {  // less room: fewer ticks
    spec.config = { axisX: { tickCount: 4 } };
  }
  const options = { mode: "vega-lite", renderer: "svg", actions: false, config: report.config };
  if (report.charts[id].scrolls) spec.width = Math.max(report.charts[id].scrolls, place.clientWidth);
  const made = await vegaEmbed(place, spec, options);
  views[id] = made.view;
}

function setParam(ids, name, value) {
  for (const id of ids) if (views[id]) views[id].signal(name, value).runAsync();
}

function fillTable(id, keep) {
  const { columns, rows } = report.charts[id];
  const body = byId(`${id}-table`).tBodies[0];
  body.replaceChildren(...report.data[rows].filter(keep).map((row) => {
    const line = document.createElement("tr");
    for (const [name, , style] of columns) {
      const cell = document.createElement("td");
      cell.className = style === "code" ? "code" : style ? "number" : "";
      cell.textContent = show(row[name], style);
      line.append(cell);
    }
    return line;
  }));
}

// --- features

function selectFeature(feature) {
  byId("feature").value = feature;
  setParam(["features", "bins", "history"], "feature", feature);
  for (const id of ["bins", "history"]) fillTable(id, (row) => row.feature === feature);
}

function bindFeatures() {
  const select = byId("feature");
  if (!select) return;
  select.addEventListener("change", () => selectFeature(select.value));
  if (views.features) views.features.addEventListener("click", (_, item) => {
    if (item && item.datum && item.datum.feature) selectFeature(item.datum.feature);
  });
  selectFeature(select.value);
}

// --- the threshold

function bindThreshold() {
  const slider = byId("threshold");
  if (!slider) return;
  const all = report.data["scores.thresholds"];
  const population = () => document.querySelector("input[name=population]:checked").value;
  const rows = () => all.filter((row) => row.population === population());
  const set = () => {
    const row = rows()[slider.value];
    if (!row) return;
    byId("threshold-value").textContent = show(row.threshold, "number2");
    slider.setAttribute("aria-valuetext", show(row.threshold, "number2"));
    for (const name of ["approved", "loans", "true_good", "false_alarm", "missed_default", "caught_default"])
      byId(name).textContent = show(row[name], "count");
    for (const name of ["approval_rate", "bad_rate", "bad_rate_low", "bad_rate_high", "precision", "recall"])
      byId(name).textContent = show(row[name], "share");
    setParam(["distribution", "rates"], "threshold", row.threshold);
  };
  slider.max = new Set(all.map((row) => row.threshold)).size - 1;
  const chosen = report.charts.rates.spec.params.find((each) => each.name === "threshold").value;
  slider.value = rows().findIndex((row) => row.threshold === chosen);
  slider.addEventListener("input", set);
  document.querySelectorAll("input[name=population]").forEach((radio) => radio.addEventListener("change", () => {
    setParam(["distribution", "rates"], "population", population());
    for (const id of ["distribution", "rates"]) fillTable(id, (row) => row.population === population());
    set();
  }));
  set();
}

// --- paper: charts are drawn again at the width that they have on A4

const PAGE = 684, COLUMN = 328, LOW = 190;
const tall = {};
window.addEventListener("beforeprint", () => {
  for (const id of Object.keys(views)) {
    const isWide = byId(id).closest(".chart").classList.contains("wide");
    const height = views[id].signal("height");
    if (isWide && height > LOW) views[id].signal("height", LOW);
    tall[id] = height;
    views[id].signal("width", isWide ? PAGE : COLUMN).run();
  }
});
window.addEventListener("afterprint", () => {
  for (const id of Object.keys(tall)) views[id].signal("height", tall[id]).run();
  window.dispatchEvent(new Event("resize"));
});

// --- links of a page that has moved to the folder of its day, one deeper than it was written

const day = location.pathname.match(/\/(as_of=[\d-]+)\/[^/]*$/);
if (day) {
  document.querySelectorAll('.links a[href^="../"]').forEach((link) => {
    link.setAttribute("href", `../${link.getAttribute("href")}${day[1]}/`);
  });
}

// --- begin

async function begin() {
  for (const id of Object.keys(report.charts)) {
    try {
      await draw(id);
    } catch (error) {
      byId(id).textContent = "This chart cannot be drawn here; its table is below.";
      console.error(id, error);
    }
  }
  bindFeatures();
  bindThreshold();
  document.documentElement.dataset.ready = "yes";
}
begin();
