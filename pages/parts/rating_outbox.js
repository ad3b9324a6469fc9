// What a person has said: kept on the tablet until the server has it, and sent. rating.js fills the outbox.

const LIMIT = 10_000;  // milliseconds that a request may take
const LONGEST = 30_000;  // … between two tries, where the server does not ask for more
const MOST = 20;  // answers in one request
const INDIGESTIBLE = [400, 413, 500];  // HTTP's words for a request that the server can make nothing of

/** A version 4 UUID. `crypto.randomUUID` is missing where a page comes over plain HTTP. */
function uuid() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = bytes[6] & 15 | 64;
  bytes[8] = bytes[8] & 63 | 128;
  const hex = Array.from(bytes, byte => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

/** One person's state in localStorage, or in memory where that is full or forbidden. */
class Shelf {
  constructor(name) {
    this.name = name;
    this.kept = true;
    this.state = { outbox: [], refused: 0, drafts: {}, at: null, page: 0, literacy: {}, introduced: false };
    this.change(() => {});
  }

  /** `act` changes the state. It is read anew before: a second tab of the same person writes here as well. */
  change(act) {
    try {
      if (this.kept) this.state = { ...this.state, ...JSON.parse(localStorage.getItem(this.name)) };
    } catch { /* forbidden, or not ours: the next line says what counts */ }
    act(this.state);
    try {
      localStorage.setItem(this.name, JSON.stringify(this.state));
      this.kept = true;
    } catch { this.kept = false; }
  }
}

/** Sends what is on the shelf, one request at a time, until the server says that it has it, or never will. */
class Outbox {
  constructor(shelf, { address, seat }, heard) {
    Object.assign(this, { shelf, address, seat, heard, failures: 0, most: MOST, closing: new AbortController() });
    const hurry = () => { if (!document.hidden) { this.failures = 0; this.send(); } };
    window.addEventListener("online", hurry, { signal: this.closing.signal });
    document.addEventListener("visibilitychange", hurry, { signal: this.closing.signal });
  }

  get waiting() { return this.shelf.state.outbox.length; }

  async send() {
    clearTimeout(this.retry);
    if (this.busy || !this.waiting || this.closing.signal.aborted) return;
    this.busy = true;
    const sent = this.shelf.state.outbox.slice(0, this.most);
    const { kept, refused, status, pause } = await this.post(sent);
    this.busy = false;
    const settled = new Set([...kept, ...refused.map(({ id }) => id)]);
    this.shelf.change(state => {
      state.outbox = state.outbox.filter(({ id }) => !settled.has(id));
      state.refused += refused.filter(({ why }) => why !== "ended").length;
    });
    this.failures = settled.size ? 0 : this.failures + 1;
    if (INDIGESTIBLE.includes(status)) this.part(sent);
    else if (!this.waiting) this.most = MOST;
    if (this.closing.signal.aborted) return;
    this.heard(refused);
    const wait = Math.max(settled.size ? 0 : Math.min(1000 * 2 ** this.failures, LONGEST), pause);
    if (this.waiting) this.retry = setTimeout(() => this.send(), wait);
  }

  /** One answer that the server cannot digest must hold back no other: one by one, and this one last. */
  part([first, ...others]) {
    this.most = 1;
    if (others.length) return;
    const isFirst = ({ id }) => id === first.id;
    this.shelf.change(state => {
      state.outbox = [...state.outbox.filter(one => !isFirst(one)), ...state.outbox.filter(isFirst)];
    });
  }

  /** What the server kept and refused: nothing at all where it is not there, or says something else. */
  async post(answers) {
    const slow = new AbortController(), limit = setTimeout(() => slow.abort(), LIMIT);
    const said = { kept: [], refused: [], status: 0, pause: 0 };  // the last: milliseconds until it wants to be asked
    try {
      const headers = { "Content-Type": "application/json" }, body = JSON.stringify({ seat: this.seat, answers });
      const ask = () => fetch(this.address, { method: "POST", headers, body, signal: slow.signal });
      let response = await ask();
      if (response.status === 401) {  // it no longer knows who this is: the page's own address tells it
        const page = await fetch(location.href, { signal: slow.signal });
        if (page.redirected) return location.reload(), said;  // it says why nobody gets in, or asks for the PIN again
        response = await ask();
      }
      said.status = response.status;
      said.pause = 1000 * (Number(response.headers.get("Retry-After")) || 0);
      const { kept, refused } = await response.json();
      return { ...said, kept: [...kept], refused: refused.filter(({ id }) => id) };
    } catch {
      return said;
    } finally { clearTimeout(limit); }
  }

  /** A request that is on its way may still arrive; there are no more tries. */
  close() {
    this.closing.abort();
    clearTimeout(this.retry);
  }
}

/** Seconds for which the page was there to be seen. */
class Clock {
  start(seconds) {
    this.before = seconds;
    this.since = document.hidden ? null : performance.now();
  }

  get seconds() { return this.before + (this.since === null ? 0 : (performance.now() - this.since) / 1000); }

  stop() { [this.before, this.since] = [this.seconds, null]; }

  go() { this.since ??= performance.now(); }
}
