// What the daemon tells over its API → the page. It only reads. Nothing that anybody says becomes HTML.

const EVERY = 5000; // milliseconds between two looks at sources and endpoints
const MOST = 50; // uploads, events
const COLOURS = {
  ok: "good", completed: "good", delivered: "good",
  queued: "busy", processing: "busy", scheduled: "busy", waiting: "busy",
  partial: "warn", action_required: "warn", open: "warn", failing: "warn", cancelled: "warn", gone: "warn",
  failed: "bad", dead: "bad", paused: "bad", stopped: "bad",
};
const at = (id) => document.getElementById(id);

async function ask(path) {
  // From the origin: the address of the page may hold a name and a token, which no request may.
  const response = await fetch(new URL(path, location.origin));
  if (!response.ok) throw new Error(`${path}: ${response.status}`);
  return response.json();
}

// --- words

function ago(moment) {
  if (!moment) return "";
  const off = (Date.now() - Date.parse(moment)) / 1000;
  const distance = Math.abs(off);
  for (const [unit, least, length] of [["d", 172800, 86400], ["h", 3600, 3600], ["min", 60, 60], ["s", 1, 1]]) {
    if (distance >= least) {
      const count = Math.floor(distance / length);
      return off > 0 ? `${count} ${unit} ago` : `in ${count} ${unit}`;
    }
  }
  return "now";
}

function cell(content, { colour = "", long = false, number = false, moment = "" } = {}) {
  const made = document.createElement("td");
  if (content instanceof Node) made.append(content);
  else made.textContent = content ?? "";
  made.className = [colour, long ? "long" : "", number ? "number" : ""].filter(Boolean).join(" ");
  if (moment) made.title = moment;
  return made;
}
const word = (text) => cell(text, { colour: COLOURS[text] ?? "" });
const number = (value) => cell(value === null ? "" : String(value), { number: true });
const when = (moment) => cell(ago(moment), { moment: moment ?? "" });

// How long the last attempts took: their course, and the median in words for who cannot see it.
function spark(seconds) {
  if (!seconds.length) return cell("");
  const median = [...seconds].sort((one, other) => one - other)[Math.floor(seconds.length / 2)];
  const words = median < 1 ? `${Math.round(median * 1000)} ms` : `${median.toFixed(1)} s`;
  const [width, height, most] = [96, 18, Math.max(...seconds, 0.001)];
  const points = seconds.map((one, place) => {
    const x = seconds.length === 1 ? width : (place * width) / (seconds.length - 1);
    return `${x.toFixed(1)},${(height - 1 - (one / most) * (height - 2)).toFixed(1)}`;
  });
  const image = at("spark").content.firstElementChild.cloneNode(true);
  image.firstElementChild.setAttribute("points", points.join(" "));
  const made = document.createElement("span");
  made.className = "spark";
  made.append(image, words);
  return cell(made, { moment: `of ${seconds.length}, at most ${most.toFixed(3)} s` });
}

function row(table, cells) {
  const made = document.createElement("tr");
  const heads = table.closest("table").querySelectorAll("th");
  cells.forEach((one, place) => { one.dataset.of = heads[place].textContent; });
  made.append(...cells);
  return made;
}

function fill(id, rows) {
  const table = at(id);
  const focused = table.contains(document.activeElement) ? document.activeElement.dataset.key : undefined;
  const made = rows.map((cells) => row(table, cells));
  if (!made.length) {
    const none = cell("none", { colour: "empty" });
    none.colSpan = table.closest("table").querySelectorAll("th").length;
    made.push(row(table, [none]));
  }
  table.replaceChildren(...made);
  if (focused !== undefined) table.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus();
}

// --- the tables

function whyOfSource(one) {
  const said = one.reason ? `${one.reason.text}, since ${ago(one.failing_since)}` : "";
  const rests = one.rests_until ? `rests; goes on ${ago(one.rests_until)}` : "";
  return [said, rests].filter(Boolean).join("; ");
}

function whyOfEndpoint(one) {
  if (!one.configured) return "the config names it no more";
  if (!one.reason) return "";
  const moment = one.state === "open" ? one.probe_at : one.quiet_until;
  return moment ? `${one.reason.text.replace(/,? (the next at|until) `.*`/, "")}; next ${ago(moment)}` : one.reason.text;
}

async function look() {
  const [sources, endpoints] = await Promise.all([ask("/v1/sources?limit=1000"), ask("/v1/endpoints?limit=1000")]);
  fill("sources", sources.items.map((one) => [
    cell(one.name), cell(one.provider), word(one.state), number(one.open), when(one.looked_at), when(one.next_at),
    number(one.requests_left === null ? one.requests_per_hour : `${one.requests_left} of ${one.requests_per_hour}`),
    cell(whyOfSource(one), { long: true }),
  ]));
  fill("endpoints", endpoints.items.map((one) => [
    cell(one.name), word(one.state), number(one.waiting), when(one.oldest_at), number(one.dead), number(one.in_flight),
    spark(one.lately), when(one.succeeded_at), cell(whyOfEndpoint(one), { long: true }),
  ]));
}

const uploads = new Map(); // by source, kind and id; the newest first

function keyOf(upload) {
  return JSON.stringify([upload.source, upload.kind ?? "", upload.id]);
}

function showUploads() {
  fill("uploads", [...uploads.values()].slice(0, MOST).map((one) => {
    const open = document.createElement("button");
    open.textContent = one.id;
    open.dataset.key = keyOf(one);
    open.addEventListener("click", () => tell(one));
    return [
      cell(open, { long: true }), cell(one.source), cell(one.title, { long: true }), word(one.status ?? "not seen yet"),
      when(one.changed_at), when(one.next_look_at),
    ];
  }));
}

function moved(event) {
  const told = event.data.upload;
  const key = keyOf({ ...told, source: event.data.source });
  const known = uploads.get(key) ?? { next_look_at: null };
  uploads.delete(key);
  const rest = [...uploads];
  uploads.clear();
  uploads.set(key, { ...known, ...told, source: event.data.source, changed_at: event.timestamp });
  rest.slice(0, MOST - 1).forEach(([name, one]) => uploads.set(name, one));
  showUploads();
}

const events = [];

function showEvents() {
  fill("events", events.map((one) => [
    when(one.timestamp), word(one.type), cell(one.source), cell(one.upload ?? one.endpoint, { long: true }),
    number(one.sequence),
  ]));
  at("events").querySelectorAll("td:nth-child(2)").forEach((one) => {
    one.className = COLOURS[one.textContent.replace(/^[a-z]+\./, "")] ?? "";
  });
}

function announced(event) {
  const { source = null, endpoint = null, sequence = null, upload } = event.data;
  events.unshift({ timestamp: event.timestamp, type: event.type, source, endpoint, sequence, upload: upload?.id ?? null });
  events.length = Math.min(events.length, MOST);
  showEvents();
  if (upload) moved(event);
}

// --- the story of one upload

async function tell(one) {
  const kind = one.kind ? `?kind=${encodeURIComponent(one.kind)}` : "";
  const upload = await ask(`/v1/uploads/${encodeURIComponent(one.source)}/${encodeURIComponent(one.id)}${kind}`);
  at("story-of").textContent = `${upload.title ?? upload.id}: ${upload.status ?? "not seen yet"}`;
  const course = at("course");
  course.replaceChildren(entry(`${upload.followed_at}  followed`));
  at("story").showModal();
  const stories = await Promise.all(upload.events.slice(0, 20).reverse().map((event) => ask(`/v1/events/${event.id}`)));
  for (const event of stories) {
    course.append(entry(`${event.timestamp}  ${event.type}`, event.deliveries.map(brought)));
  }
}

function entry(words, below = [], colour = "") {
  const made = document.createElement("li");
  const told = document.createElement("span");
  told.textContent = words;
  told.className = colour;
  made.append(told);
  if (below.length) made.append(document.createElement("ul"));
  below.forEach((one) => made.lastElementChild.append(one));
  return made;
}

// What became of a delivery, and each of its attempts that is kept.
function brought(delivery) {
  const since = delivery.settled_at ? ` ${delivery.settled_at}` : "";
  const attempts = delivery.attempts === 1 ? "1 attempt" : `${delivery.attempts} attempts`;
  const tries = delivery.tries.map((one) => {
    const came = `${one.started_at}  ${one.status ?? one.outcome} after ${one.duration.toFixed(3)} s`;
    return entry(one.note ? `${came}: ${one.note}` : came);
  });
  return entry(`${delivery.endpoint}: ${delivery.phase}${since}, ${attempts}`, tries, COLOURS[delivery.phase] ?? "");
}

// --- from now on

function live(words, state) {
  at("live").textContent = words;
  at("live").className = state;
}

async function begin() {
  const [first, followed] = await Promise.all([ask(`/v1/events?limit=${MOST}`), ask(`/v1/uploads?limit=${MOST}`)]);
  events.push(...first.items);
  followed.items.forEach((one) => uploads.set(keyOf(one), one));
  showEvents();
  showUploads();
  await look();
  const after = first.items.length ? first.items[0].position : 0;
  const stream = new EventSource(new URL(`/v1/stream?after=${after}`, location.origin));
  stream.addEventListener("open", () => live("live", "on"));
  stream.addEventListener("error", () => live("the daemon has gone away: waiting for it", "off"));
  const types = await ask("/openapi.json").then((one) => Object.keys(one.webhooks));
  types.forEach((type) => stream.addEventListener(type, (message) => announced(JSON.parse(message.data))));
  setInterval(() => {
    if (document.hidden) return;
    look().catch((error) => live(error.message, "off"));
    showUploads();
    showEvents();
  }, EVERY);
}

begin().catch((error) => live(error.message, "off"));
