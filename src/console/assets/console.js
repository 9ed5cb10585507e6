// The console's pages work without this; with it they follow what happens, tell ages, and listen to a few keys. It keeps no state of its own: at every bell it reads the page again and puts in what has changed.

const serverSkewMs = Number(document.body.dataset.now) - Date.now();
/** The server's last word on each part of the page, so that what this script changed is not taken for a difference. */
const lastWords = new Map(liveParts(document).map((part) => [part.dataset.live, part.innerHTML]));

const REREAD_PAUSE_MS = 400;
let rereading = null;
let isReading = false;
let isAsked = false;

decorate(document);
setInterval(() => tellAges(document), 10_000);
listen();
watchEvery();
document.addEventListener('keydown', onKey);
document.addEventListener('click', closeMenus);
document.addEventListener('submit', onSubmit);

function liveParts(root) {
  return [...root.querySelectorAll('[data-live]')];
}

/** What the server sends is plain; this adds what only a script can. */
function decorate(root) {
  tellAges(root);
  for (const time of root.querySelectorAll('time:not([data-age])')) showLocal(time);
  // charts.js, on pages that have pictures.
  root.dispatchEvent(new CustomEvent('decorate', { bubbles: true }));
}

// Times

function showLocal(time) {
  const at = new Date(time.dateTime);
  if (Number.isNaN(at.getTime())) return;
  const isToday = at.toDateString() === new Date(Date.now() + serverSkewMs).toDateString();
  const day = isToday ? {} : { year: 'numeric', month: 'short', day: 'numeric' };
  time.title = `${time.dateTime} (UTC)`;
  time.textContent = at.toLocaleString(undefined, { ...day, hour: '2-digit', minute: '2-digit', second: '2-digit' });
}

function tellAges(root) {
  for (const time of root.querySelectorAll('time[data-age]')) {
    const at = Date.parse(time.dateTime);
    if (Number.isNaN(at)) continue;
    time.title = new Date(at).toLocaleString();
    time.textContent = ageWords((Date.now() + serverSkewMs - at) / 1000);
  }
}

function ageWords(seconds) {
  if (seconds < 10) return 'just now';
  if (seconds < 60) return `${Math.floor(seconds)} s ago`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3_600)} h ago`;
  return `${Math.floor(seconds / 86_400)} d ago`;
}

// Live

function listen() {
  const address = document.body.dataset.stream;
  if (!address) return;
  const stream = new EventSource(address);
  let wasAway = false;
  stream.addEventListener('ready', () => {
    showLive(true);
    // What happened while nobody listened is not repeated: the page is read again.
    if (wasAway) askToRead();
    wasAway = false;
  });
  stream.addEventListener('error', () => {
    wasAway = true;
    showLive(false);
  });
  stream.addEventListener('incident', (event) => {
    announce(JSON.parse(event.data));
    askToRead();
  });
  for (const name of ['detector', 'reset']) stream.addEventListener(name, askToRead);
  addEventListener('pagehide', () => stream.close());
}

function showLive(isOn) {
  const live = document.getElementById('live');
  live.hidden = false;
  live.classList.toggle('away', !isOn);
  document.getElementById('live-text').textContent = isOn ? 'live' : 'reconnecting…';
}

/** Only what is new or worse is read out: a growing attack would talk without end. */
function announce({ type, incident }) {
  if (type !== 'opened' && type !== 'severity_raised') return;
  const words = type === 'opened' ? 'New incident' : 'Severity raised';
  document.getElementById('announcer').textContent =
    `${words}: ${incident.id}, ${incident.severity}, ${incident.title} on ${incident.entity.label}`;
}

/** How often may change with each reading: more while something is under way. */
function watchEvery() {
  const seconds = Number(document.body.dataset.every);
  if (!(seconds > 0)) return;
  setTimeout(() => {
    askToRead();
    watchEvery();
  }, seconds * 1000);
}

/** At most one reading at a time, and a pause between: a burst of events is one reading. */
function askToRead() {
  isAsked = true;
  if (rereading !== null || isReading) return;
  rereading = setTimeout(readAgain, REREAD_PAUSE_MS);
}

async function readAgain() {
  rereading = null;
  isReading = true;
  isAsked = false;
  try {
    // What was done just now stands in the address; it is not said again.
    const path = document.body.dataset.path ?? location.pathname + location.search;
    const answer = await fetch(path, { headers: { accept: 'text/html' } });
    if (answer.ok && !answer.redirected) putIn(new DOMParser().parseFromString(await answer.text(), 'text/html'));
  } catch {
    // The stream says that the server is away; the next bell reads again.
  } finally {
    isReading = false;
    if (isAsked) askToRead();
  }
}

function putIn(fresh) {
  const { every } = fresh.body.dataset;
  if (every !== undefined) document.body.dataset.every = every;
  const parts = new Map(liveParts(fresh).map((part) => [part.dataset.live, part]));
  for (const part of liveParts(document)) {
    const next = parts.get(part.dataset.live);
    if (next === undefined || next.innerHTML === lastWords.get(part.dataset.live) || isInUse(part)) continue;
    lastWords.set(part.dataset.live, next.innerHTML);
    replace(part, next);
  }
}

/** Nobody's half-written note is taken away: the part waits until its form is left. */
function isInUse(part) {
  if (part.querySelector('details.menu[open]') !== null) return true;
  return part.contains(document.activeElement) && document.activeElement.matches('input, textarea, select');
}

function replace(part, next) {
  const before = new Set([...part.querySelectorAll('[data-key]')].map((each) => each.dataset.key));
  const focused = part.contains(document.activeElement) ? pathOf(document.activeElement) : null;
  const unfolded = [...part.querySelectorAll('details')].map((each) => each.open);
  part.replaceChildren(...document.adoptNode(next).childNodes);
  if (before.size > 0)
    for (const each of part.querySelectorAll('[data-key]'))
      if (!before.has(each.dataset.key)) each.classList.add('is-new');
  [...part.querySelectorAll('details')].forEach((each, index) => {
    if (unfolded[index] !== undefined) each.open = unfolded[index];
  });
  decorate(part);
  if (focused !== null) document.querySelector(focused)?.focus({ preventScroll: true });
}

/** A link is found again by where it leads, a button by its form. */
function pathOf(element) {
  const link = element.getAttribute('href');
  if (link !== null) return `[href="${CSS.escape(link)}"]`;
  const action = element.form?.getAttribute('action');
  return action ? `form[action="${CSS.escape(action)}"] button` : null;
}

// Keys and clicks

function onKey(event) {
  if (event.key === 'Escape') {
    const open = document.querySelector('details.menu[open]');
    if (open === null) return;
    open.open = false;
    open.querySelector('summary').focus();
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches('input, textarea, select')) return;
  if (event.key === 'j') move(1);
  if (event.key === 'k') move(-1);
}

function move(step) {
  const links = [...document.querySelectorAll('.headline')];
  const at = links.indexOf(document.activeElement);
  links[Math.min(links.length - 1, Math.max(0, at + step))]?.focus();
}

function closeMenus(event) {
  for (const menu of document.querySelectorAll('details.menu[open]'))
    if (!menu.contains(event.target)) menu.open = false;
}

/** A second press of the same button is not sent. */
function onSubmit(event) {
  const button = event.submitter;
  if (button === null || event.target.method !== 'post') return;
  setTimeout(() => button.setAttribute('disabled', ''), 0);
}
