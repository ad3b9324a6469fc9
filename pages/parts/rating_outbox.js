// What a person has said: kept on the tablet until the server has it, and sent. rating.js fills the outbox.

const LIMIT = 10_000;  // milliseconds that a request may take
const LONGEST = 30_000;  // … between two tries

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

/** Sends what is on the shelf, one request at a time, until the server says that it has it. */
class Outbox {
  constructor(shelf, { address, seat }, heard) {
    Object.assign(this, { shelf, address, seat, heard, failures: 0, closing: new AbortController() });
    const hurry = () => { if (!document.hidden) { this.failures = 0; this.send(); } };
    window.addEventListener("online", hurry, { signal: this.closing.signal });
    document.addEventListener("visibilitychange", hurry, { signal: this.closing.signal });
  }

  get waiting() { return this.shelf.state.outbox.length; }

  async send() {
    clearTimeout(this.retry);
    if (this.busy || !this.waiting || this.closing.signal.aborted) return;
    this.busy = true;
    const { kept, refused } = await this.post([...this.shelf.state.outbox]);
    this.busy = false;
    const settled = new Set([...kept, ...refused.map(({ id }) => id)]);
    this.shelf.change(state => {
      state.outbox = state.outbox.filter(({ id }) => !settled.has(id));
      state.refused += refused.filter(({ why }) => why !== "ended").length;
    });
    this.failures = settled.size ? 0 : this.failures + 1;
    if (this.closing.signal.aborted) return;
    this.heard(refused);
    const wait = settled.size ? 0 : Math.min(1000 * 2 ** this.failures, LONGEST);
    if (this.waiting) this.retry = setTimeout(() => this.send(), wait);
  }

  /** What the server kept and refused; nothing at all where it is not there, or says something else. */
  async post(answers) {
    const slow = new AbortController(), limit = setTimeout(() => slow.abort(), LIMIT);
    try {
      const headers = { "Content-Type": "application/json" }, body = JSON.stringify({ seat: this.seat, answers });
      const response = await fetch(this.address, { method: "POST", headers, body, signal: slow.signal });
      const { kept, refused } = await response.json();
      return { kept: [...kept], refused: [...refused] };
    } catch {
      return { kept: [], refused: [] };
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
