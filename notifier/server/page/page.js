// What the daemon tells over its API → the page. It only reads. Nothing that anybody says becomes HTML.

const EVERY = 5000; // milliseconds from the end of one look at everything to the next
const PATIENCE = 10000; // milliseconds within which there is an answer
const SOON = 200; // milliseconds within which what was announced is shown
const ALL = 1000; // sources, endpoints
const MOST = 50; // uploads, events
const LAST = 20; // events in the story of an upload
const COLOURS = {
  ok: "good", completed: "good", delivered: "good",
  queued: "busy", processing: "busy", scheduled: "busy", waiting: "busy",
  partial: "warn", action_required: "warn", open: "warn", failing: "warn", cancelled: "warn", gone: "warn",
  failed: "bad", dead: "bad", paused: "bad", stopped: "bad",
};
const SETTLED = new Set(["completed", "partial", "failed", "cancelled", "gone"]);
const SILENT = "the daemon does not answer: waiting for it";
const at = (id) => document.getElementById(id);

async function reach(path) {
  // From the origin: the address of the page may hold a name and a token, which no request may.
  const asked = fetch(new URL(path, location.origin), { signal: AbortSignal.timeout(PATIENCE) });
  const response = await asked.catch(() => { throw new Error(SILENT); });
  if (response.ok) return response;
  const said = response.headers.get("content-type")?.startsWith("application/problem+json") ? await response.json() : {};
  const words = said.detail ?? `${response.status} ${response.statusText} at ${path.replace(/\?.*/, "")}`;
  throw Object.assign(new Error(words), { status: response.status });
}
const ask = async (path) => (await reach(path)).json();

// --- words

function ago(moment) {
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
const joined = (...words) => words.filter(Boolean).join("; ");
const next = (moment) => (Date.parse(moment) > Date.now() ? ago(moment) : "now");

function made(name, ...content) {
  const element = document.createElement(name);
  element.append(...content);
  return element;
}

function time(moment, words = ago) {
  const element = made("time", words(moment));
  element.dateTime = element.title = moment;
  return element;
}

function cell(content, { colour = "", long = false, number = false, title = "" } = {}) {
  const element = made("td", ...((content ?? "") === "" ? [] : [content]));
  element.className = [colour, long ? "long" : "", number ? "number" : ""].filter(Boolean).join(" ");
  if (title) element.title = title;
  return element;
}
const word = (text) => cell(text, { colour: COLOURS[text] ?? "" });
const number = (value) => cell(value === null ? "" : String(value), { number: true });
const when = (moment, words = ago) => cell(moment ? time(moment, words) : "");

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
  const drawn = made("span", image, words);
  drawn.className = "spark";
  return cell(drawn, { title: `of ${seconds.length}, at most ${most.toFixed(3)} s` });
}

// Rows by their keys. What is there and says the same stays as it is: it may have the focus, or be under a finger.
function fill(id, rows) {
  const table = at(id);
  const heads = [...table.closest("table").querySelectorAll("th")].map((one) => one.textContent);
  const focused = table.contains(document.activeElement) ? document.activeElement : null;
  if (!rows.length) {
    rows = [["", [cell("none", { colour: "empty" })]]];
    rows[0][1][0].colSpan = heads.length;
  }
  const known = new Map([...table.rows].map((one) => [one.dataset.key, one]));
  const wanted = rows.map(([key, cells]) => {
    cells.forEach((one, place) => { one.dataset.of = heads[place]; });
    return shown(known.get(String(key)), String(key), cells);
  });
  const staying = new Set(wanted);
  known.forEach((one) => staying.has(one) || one.remove());
  wanted.forEach((one, place) => table.rows[place] === one || table.insertBefore(one, table.rows[place] ?? null));
  if (focused?.isConnected) focused.focus({ preventScroll: true });
}

function shown(known, key, cells) {
  const row = known ?? made("tr", ...cells);
  row.dataset.key = key;
  cells.forEach((one, place) => row.cells[place].isEqualNode(one) || row.cells[place].replaceWith(one));
  return row;
}

// That there is more than is shown, and what shows it.
function more(id, words, command) {
  const line = at(`more-${id}`);
  line.hidden = !words;
  line.replaceChildren(words, made("code", command));
}

// --- the tables

function whyOfSource(one) {
  const said = one.reason ? `${one.reason.text}, since ${ago(one.failing_since)}` : "";
  const waits = one.may_go_at ? `its budget lets the next request go ${next(one.may_go_at)}` : "";
  const rests = one.rests_until ? `rests; goes on ${next(one.rests_until)}` : waits;
  return joined(said, rests);
}

function whyOfEndpoint(one) {
  return joined(one.reason?.text, one.reason && one.next_at && `next ${next(one.next_at)}`);
}

function budgetOf(one) {
  const unit = { 1: "s", 60: "m", 3600: "h", 86400: "d" }[one.requests_window] ?? `${one.requests_window} s`;
  const said = one.provider_left === null ? "" : `, ${one.provider_left} left there`;
  return `${one.requests_limit}/${unit}${said}`;
}

function showSources(page) {
  fill("sources", page.items.map((one) => [one.name, [
    cell(one.name), cell(one.provider), word(one.state), number(one.open), when(one.looked_at), when(one.next_at, next),
    number(one.requests_used), cell(budgetOf(one)),
    cell(whyOfSource(one), { long: true }),
  ]]));
}

function showEndpoints(page) {
  fill("endpoints", page.items.map((one) => [one.name, [
    cell(one.name), word(one.state), number(one.waiting), when(one.oldest_at), number(one.dead), number(one.in_flight),
    spark(one.lately), when(one.succeeded_at), cell(whyOfEndpoint(one), { long: true }),
  ]]));
  more("endpoints", page.next === null ? "" : `${ALL} are shown; there are more: `, "notifier endpoints");
}

// The id of an upload, which opens its story.
function opens({ id }, whose) {
  const button = made("button", id);
  button.addEventListener("click", () => tell(whose()));
  return cell(button, { long: true });
}

// What an event is about: an upload, or else what is named.
function opensAbout(event, { source, upload }, named) {
  return upload === null ? cell(named, { long: true }) : opens({ id: upload }, () => ({ event, source, id: upload, title: null }));
}

function whyOfDelivery({ outcome, note, held }) {
  return joined(outcome === "delivered" ? "" : note || outcome, held?.text);
}

// What waits or is dead. Only looks tell of it: what is delivered at once would come and go unseen.
function showDeliveries(waiting, dead) {
  const all = [...waiting.items, ...dead.items].sort((one, other) => other.id - one.id);
  const some = all.slice(0, MOST);
  fill("deliveries", some.map((one) => [one.id, [
    when(one.created_at), cell(one.type), opensAbout(one.event, one, one.about ?? one.source), cell(one.endpoint), word(one.phase),
    number(one.attempts), when(one.next_at, next), cell(whyOfDelivery(one), { long: true }),
  ]]));
  const areMore = all.length > MOST || waiting.next !== null || dead.next !== null;
  const words = `${some.length} are shown, the newest first; there are more: `;
  more("deliveries", areMore ? words : "", "notifier deliveries --limit 1000");
}

let uploads = new Map(); // by media id
let isMore = { open: false, atAll: false };

function showUploads() {
  const isOpen = (one) => !SETTLED.has(one.status);
  const all = [...uploads.values()].sort((one, other) => isOpen(other) - isOpen(one) || other.media_id - one.media_id);
  uploads = new Map(all.slice(0, MOST).map((one) => [one.media_id, one]));
  isMore.open ||= all.filter(isOpen).length > MOST;
  isMore.atAll ||= all.length > MOST;
  fill("uploads", [...uploads.values()].map((one) => [one.media_id, [
    opens(one, () => uploads.get(one.media_id) ?? one), cell(one.source), cell(one.title, { long: true }),
    word(one.status ?? "not seen yet"), when(one.changed_at), when(one.next_look_at, next),
  ]]));
  if (isMore.open) {
    more("uploads", `${uploads.size} are shown, and more have not settled: `, "notifier uploads --open --limit 1000");
  } else {
    const words = `${uploads.size} are shown, what has not settled first; there are more: `;
    more("uploads", isMore.atAll ? words : "", "notifier uploads --limit 1000");
  }
}

function moved({ timestamp, data: { source, sequence, upload } }) {
  const known = uploads.get(upload.media_id);
  if (known && known.sequence >= sequence) return;
  const news = { source, sequence, changed_at: timestamp, next_look_at: null };
  uploads.set(upload.media_id, { ...known, ...upload, ...news });
}

let events = new Map(); // by position
let areMore = false;

function showEvents() {
  const all = [...events.values()].sort((one, other) => other.position - one.position);
  events = new Map(all.slice(0, MOST).map((one) => [one.position, one]));
  fill("events", [...events.values()].map((one) => [one.position, [
    when(one.timestamp), cell(one.type, { colour: COLOURS[one.type.replace(/^[a-z]+\./, "")] ?? "" }), cell(one.source),
    opensAbout(one.id, one, one.endpoint),
  ]]));
  areMore ||= all.length > MOST;
  more("events", areMore ? `${events.size} are shown, the newest first; there are more: ` : "", "notifier events --limit 1000");
}

function announced({ position, event }) {
  const { id, timestamp, type, data: { source = null, endpoint = null, upload } } = event;
  events.set(position, { id, position, timestamp, type, source, endpoint, upload: upload?.id ?? null });
  if (upload) moved(event);
}

// --- the story of one upload

let told = null; // whose it is
let gone = null; // whose there is none any more

async function tell(one) {
  told = one;
  head(one);
  at("course").replaceChildren(entry(["one moment"]));
  more("course", "", "");
  at("story").showModal();
  await tellOn();
}

async function tellOn() {
  const one = told;
  const course = await story(one).catch((error) => {
    if (error.status === 404) gone = one; // or it would be asked for again and again
    return [entry([error.message], [], "bad")];
  });
  const marked = getSelection();
  const isMarked = !marked.isCollapsed && at("course").contains(marked.anchorNode); // somebody is about to copy it
  if (told === one && !isMarked) at("course").replaceChildren(...course);
}

function head(one) {
  at("story-of").replaceChildren(made("bdi", one.title || one.id), one.event ? "" : `: ${one.status ?? "not seen yet"}`);
  at("story-at").replaceChildren(made("bdi", one.id), ` at ${one.source}`);
}

async function story(one) {
  const named = one.event ? (await ask(`/v1/events/${one.event}`)).body.data.upload : one;
  const kind = named.kind ? `?kind=${encodeURIComponent(named.kind)}` : "";
  const upload = await ask(`/v1/uploads/${encodeURIComponent(one.source)}/${encodeURIComponent(one.id)}${kind}`);
  const some = upload.events.slice(0, LAST);
  const course = await Promise.all(some.map((event) => ask(`/v1/events/${event.id}`)));
  if (told !== one) return [];
  head(upload);
  const left = upload.events.length > LAST ? "there are more: " : "the others are kept no more.";
  const words = `The last ${some.length} of ${upload.sequence} events; ${left}`;
  const command = upload.events.length > LAST ? "notifier upload SOURCE ID" : "";
  more("course", upload.sequence > some.length ? words : "", command);
  const began = [upload.followed_at, entry([time(upload.followed_at), " followed"])];
  const then = course.map((event) => [
    event.timestamp, entry([time(event.timestamp), ` ${event.type}`], event.deliveries.map(brought)),
  ]);
  // Whoever is followed again was followed before, too.
  return [began, ...then.reverse()].sort(([one], [other]) => Date.parse(one) - Date.parse(other)).map(([, line]) => line);
}

function entry(content, below = [], colour = "") {
  const line = made("span", ...content);
  line.className = colour;
  return made("li", line, ...(below.length ? [made("ul", ...below)] : []));
}

// What became of a delivery, and each of its attempts that is kept.
function brought(delivery) {
  const { endpoint, phase, settled_at: settled, held, next_at: due } = delivery;
  const since = settled ? [" ", time(settled)] : [held ? `, ${held.text}` : "", ...(due ? [", next ", time(due, next)] : [])];
  const attempts = delivery.attempts === 1 ? ", 1 attempt" : `, ${delivery.attempts} attempts`;
  const tries = delivery.tries.map((one) => {
    const came = `: ${one.status ?? one.outcome} after ${one.duration.toFixed(3)} s`;
    return entry([time(one.started_at), one.note ? `${came}: ${one.note}` : came]);
  });
  return entry([`${endpoint}: ${phase}`, ...since, attempts], tries, COLOURS[phase] ?? "");
}

// --- from now on

const wrong = { look: "", stream: "connecting" };

function say(about, words) {
  if (wrong[about] === words) return; // else it is read aloud again
  wrong[about] = words;
  const worst = wrong.look || wrong.stream;
  at("live").textContent = worst || "live";
  at("live").className = worst ? "off" : "on";
}

let late = null; // while a look goes on: what was announced since it began, for it may not have seen that

async function look() {
  late = [];
  const [sources, endpoints, waiting, dead, open, newest, last] = await Promise.all([
    ask(`/v1/sources?limit=${ALL}`), ask(`/v1/endpoints?limit=${ALL}`),
    ask(`/v1/deliveries?limit=${MOST}&phase=waiting`), ask(`/v1/deliveries?limit=${MOST}&phase=dead`),
    ask(`/v1/uploads?limit=${MOST}&open=true`), ask(`/v1/uploads?limit=${MOST}`), ask(`/v1/events?limit=${MOST}`),
  ]);
  uploads = new Map([...newest.items, ...open.items].map((one) => [one.media_id, one]));
  isMore = { open: open.next !== null, atAll: newest.next !== null };
  events = new Map(last.items.map((one) => [one.position, one]));
  areMore = last.next !== null;
  position = Math.max(position, ...events.keys());
  late.forEach(announced);
  late = null;
  showSources(sources);
  showEndpoints(endpoints);
  showDeliveries(waiting, dead);
  showUploads();
  showEvents();
  if (at("story").open && told !== gone) await tellOn();
}

let stream = null;
let position = 0; // of the newest event that is known
let showing = null;

function heard(message) {
  const news = { position: Number(message.lastEventId), event: JSON.parse(message.data) };
  position = Math.max(position, news.position);
  late?.push(news);
  announced(news);
  showing ??= setTimeout(() => {
    showing = null;
    showUploads();
    showEvents();
  }, SOON);
}

async function follow() {
  const types = await ask("/openapi.json").then((one) => Object.keys(one.webhooks));
  stream = new EventSource(new URL(`/v1/stream?after=${position}`, location.origin));
  stream.addEventListener("open", () => say("stream", ""));
  stream.addEventListener("error", lost);
  types.forEach((type) => stream.addEventListener(type, heard));
}

// What breaks off the browser takes up again. What is refused it gives up for good, and tells nobody why.
async function lost() {
  if (stream.readyState !== EventSource.CLOSED) {
    say("stream", SILENT);
    return;
  }
  stream = null;
  const why = await reach(`/v1/stream?after=${position}`).then((response) => response.body.cancel(), (error) => error.message);
  if (stream === null && why) say("stream", `${why}; looked at every ${EVERY / 1000} s until then`);
}

let wake = () => {};
document.addEventListener("visibilitychange", () => wake());
const pause = () => new Promise((resolve) => {
  wake = resolve;
  setTimeout(resolve, EVERY);
});

for (;;) {
  try {
    if (!document.hidden) {
      await look();
      if (stream === null) await follow();
      say("look", "");
    }
  } catch (error) {
    late = null;
    say("look", error.message);
  }
  await pause();
}
