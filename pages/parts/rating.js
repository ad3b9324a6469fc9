// The rater's screen: one question at a time. Before it, in the same module: rating_chart.js draws, rating_outbox.js
// keeps and sends, rating_screens.js has the questions. What somebody chooses is on the shelf at once, so that a reload
// goes on where it was.

const TWICE = 350;  // milliseconds in which a second tap on "Next" or "Back" is the same tap

const mounted = new WeakMap();

export default function ({ data, parentElement, setTriggerValue }) {
  const name = `rating-${data.study}-${data.seat}`, before = mounted.get(parentElement);
  if (before && before.name !== name) before.close();
  const rater = before?.name === name ? before : new Rater(parentElement.querySelector(".rating"), name, data);
  mounted.set(parentElement, rater);
  const turn = rater.turn = (rater.turn ?? 0) + 1;
  rater.done = () => setTriggerValue("done", true);
  rater.take(data);
  return () => {  // Streamlit also cleans up after a call that was overtaken by the next
    if (rater.turn !== turn) return;
    rater.close();
    mounted.delete(parentElement);
  };
}

function fill(text, facts) { return text.replace(/\{(\w+)\}/g, (_, name) => facts[name]); }

/** Choices of an item so far. Not chosen yet: undefined; "I can't tell": null. `queued`: UUID of the last answer. */
function blank() {
  return { id: uuid(), step: 0, times: [], previs: {}, reasons: [], comment: "", changed: false, queued: null };
}

function isAnswered(step, { score, choice, confidence, previs }) {
  if (step.kind === "rating" || step.kind === "check") return score !== undefined;
  if (step.kind === "previs") return step.items.every(({ id }) => previs[step.scale]?.[id] !== undefined);
  return choice === null || choice !== undefined && (step.kind === "pair" || confidence !== undefined);
}

/** `cannot_tell` is about the rating, and about the quiz or pair where nothing is rated. */
function answerOf(item, draft) {
  const { score, choice, previs, reasons, comment, seconds, task_seconds } = draft;
  const rates = item.steps.some(({ kind }) => kind === "rating" || kind === "check");
  return {
    item: item.id, score, choice, reasons, comment: comment.trim(), seconds, task_seconds,
    cannot_tell: (rates ? score : choice) === null,
    confidence: choice === null ? undefined : draft.confidence,
    previs: Object.keys(previs).length ? previs : undefined,
  };
}

class Rater {
  constructor(root, name, data) {
    Object.assign(this, { root, name, data, clock: new Clock(), shelf: new Shelf(name), at: null });
    this.introducing = data.introduce && !this.shelf.state.introduced;
    this.closing = new AbortController();
    this.outbox = new Outbox(this.shelf, data, refused => this.heard(refused));
    const one = name => root.querySelector(name);
    [this.heading, this.place, this.bar, this.stage] = ["h1", ".place", ".bar i", ".stage"].map(one);
    [this.pause, this.back, this.next] = [".pause", ".back", ".next"].map(one);
    [this.status, this.keys] = [".status", ".keys"].map(one);
    this.listen();
  }

  listen() {
    const on = (target, type, act) => target.addEventListener(type, act, { signal: this.closing.signal });
    const once = act => () => { if (performance.now() - this.since > TWICE) act(); };
    on(this.root.querySelector("form"), "submit", event => event.preventDefault());
    on(this.next, "click", once(() => this.screen.next.act()));
    on(this.back, "click", once(() => this.screen.back()));
    on(this.pause, "click", () => { this.paused = true; this.render(); });
    on(document, "keydown", event => this.keyed(event));
    on(window, "pagehide", () => this.keepTime());
    this.stayTouchable();
    on(document, "visibilitychange", () => {
      if (document.hidden) { this.clock.stop(); this.keepTime(); } else this.clock.go();
    });
  }

  /** Without a network Streamlit opens a dialog, which rate.py hides, and makes all else inert. People go on here. */
  stayTouchable() {
    const above = [];
    for (let one = this.root; one; one = one.parentElement ?? one.getRootNode().host) above.push(one);
    const free = () => above.filter(one => one.inert).forEach(one => { one.inert = false; });
    const watch = new MutationObserver(free);
    above.forEach(one => watch.observe(one, { attributeFilter: ["inert"] }));
    this.closing.signal.addEventListener("abort", () => watch.disconnect());
    free();
  }

  close() {
    this.keepTime();
    this.stopPlaying?.();
    this.closing.abort();
    this.outbox.close();
  }

  /** Data, for the first time or again: what is on the screen stays, unless it was answered on another device. */
  take(data) {
    const before = this.data;
    this.data = data;
    this.answered = new Set(data.answered);
    if (!this.screen) {
      this.go(this.isMine(this.shelf.state.at) ? this.shelf.state.at : this.todo);
      this.outbox.send();
    } else if (!this.isMine(this.at)) this.go(this.todo);
    else if (before.language !== data.language) this.render();
  }

  // --- where we are

  get words() { return this.data.words; }

  get item() { return this.data.items.find(({ id }) => id === this.at); }

  get draft() { return this.shelf.state.drafts[this.at]; }

  get todo() {
    return this.data.items.map(({ id }) => id)
      .find(id => !this.answered.has(id) && !this.shelf.state.drafts[id]?.queued);
  }

  /** Whether an item can be gone on with here: begun here, or answered nowhere. */
  isMine(id) {
    const draft = this.shelf.state.drafts[id];
    const isBegun = draft && (draft.queued || draft.changed || draft.step > 0);
    return this.data.items.some(one => one.id === id) && (isBegun || !this.answered.has(id));
  }

  /** To an item, or to the end where there is none. */
  go(id, step) {
    this.keepTime();
    this.at = id ?? null;
    this.shelf.change(state => {
      state.at = this.at;
      if (!id) return;
      state.drafts[id] ??= blank();
      state.drafts[id].step = step ?? state.drafts[id].step;
    });
    this.step = this.draft?.step;
    this.render();
  }

  forward() {
    if (this.step < this.item.steps.length - 1) return this.go(this.at, this.step + 1);
    this.hand();
    this.go(this.todo);
  }

  /** The item before this one that was answered on this device. */
  get earlier() {
    const before = this.data.items.slice(0, this.data.items.findIndex(({ id }) => id === this.at));
    return before.reverse().find(({ id }) => this.shelf.state.drafts[id]?.queued);
  }

  backward() {
    if (this.step > 0) return this.go(this.at, this.step - 1);
    const { earlier } = this;
    if (this.draft.queued) this.hand();
    this.go(earlier.id, earlier.steps.length - 1);
  }

  // --- what is said

  set(values) {
    this.shelf.change(state => Object.assign(state.drafts[this.at], values, { changed: true }));
    this.refresh();
  }

  answer(choice) {
    const time = this.item.steps[this.step].kind === "pair" ? "seconds" : "task_seconds";
    this.set({ choice, [time]: this.seconds });
  }

  get seconds() { return Math.round(this.clock.seconds * 100) / 100; }

  /** Into the outbox, where it is whole and new. What was said before keeps its UUID, and is named as corrected. */
  hand() {
    const { draft, item } = this;
    if (!draft.changed || !item.steps.every(step => isAnswered(step, draft))) return;
    const id = draft.queued ? uuid() : draft.id, corrects = draft.queued ?? undefined;
    this.shelf.change(state => {
      state.outbox.push({ id, ...answerOf(item, draft), language: this.data.language, corrects });
      Object.assign(state.drafts[item.id], { queued: id, changed: false });
    });
    this.outbox.send();
  }

  handLiteracy() {
    this.shelf.change(state => {
      const said = Object.entries(state.literacy).map(([id, option]) => [id, option ?? "cannot_tell"]);
      state.outbox.push({ id: uuid(), literacy: Object.fromEntries(said), language: this.data.language });
      state.page += 1;
    });
    this.outbox.send();
    this.render();
  }

  heard(refused) {
    this.ended ||= refused.some(({ why }) => why === "ended");
    if (this.ended || !this.at) this.render();
    else this.refresh();
  }

  keepTime() {
    if (!this.timed) return;
    const { at, step } = this.timed, { seconds } = this.clock;
    this.shelf.change(state => { state.drafts[at].times[step] = seconds; });
  }

  // --- the screen

  render() {
    this.keepTime();
    this.stopPlaying?.();
    Object.assign(this, { groups: [], refreshers: [], timed: null, stopPlaying: null });
    const { place = "", share = 0, ...screen } = this.screen = this.screenNow();
    this.root.lang = this.data.language;
    this.heading.textContent = screen.title;
    this.place.textContent = place;
    this.bar.style.width = `${100 * share}%`;
    this.stage.dataset.look = screen.look;
    this.stage.replaceChildren(...screen.body);
    this.back.textContent = this.words.back;
    this.pause.textContent = this.words.pause;
    this.keys.textContent = this.words.keys;
    this.next.textContent = screen.next?.label ?? "";
    this.next.hidden = !screen.next;
    this.back.hidden = !screen.back;
    this.pause.hidden = !place;
    this.refresh();
    this.heading.focus();
    this.since = performance.now();
  }

  screenNow() {
    if (this.ended) return lastScreen(this.words.ended_title, this.words.ended_text);
    if (this.paused) return pauseScreen(this);
    if (this.introducing) return introduction(this);
    return this.at ? this.stepScreen() : this.endScreen();
  }

  stepScreen() {
    const { items } = this.data, { steps } = this.item, place = items.indexOf(this.item), step = steps[this.step];
    this.timed = { at: this.at, step: this.step };
    this.clock.start(this.draft.times[this.step] ?? 0);
    return {
      look: step.kind,
      ...STEPS[step.kind](this, step),
      place: `${place + 1} / ${items.length}`,
      share: (place + this.step / steps.length) / items.length,
      next: { label: this.words.next, act: () => this.forward() },
      back: (this.step > 0 || this.earlier) && (() => this.backward()),
      ready: () => isAnswered(step, this.draft),
    };
  }

  endScreen() {
    const { sending_title, sending_text, thanks_title, thanks_text } = this.words, n = this.outbox.waiting;
    if (n) return lastScreen(sending_title, fill(sending_text, { n }));
    if (!this.finished) {
      this.finished = true;
      this.shelf.change(({ drafts }) => {  // the next person at this tablet need not find what was said
        for (const id in drafts) drafts[id] = { ...blank(), queued: drafts[id].queued };
      });
      this.done();
    }
    return lastScreen(thanks_title, thanks_text);
  }

  refresh() {
    for (const act of this.refreshers) act();
    this.next.disabled = this.screen.ready ? !this.screen.ready() : false;
    this.status.textContent = this.statusText;
  }

  /** Whether all that was said is safe, in sentences. */
  get statusText() {
    const { words, outbox, shelf } = this, { refused, drafts } = shelf.state, n = outbox.waiting;
    const hasSpoken = this.answered.size || Object.values(drafts).some(({ queued }) => queued);
    const said = [];
    if (this.ended) return "";  // what comes too late is not saved
    if (!shelf.kept) said.push(words.unkept);
    if (n) said.push(outbox.failures ? fill(words.waiting, { n }) : words.saving);
    else if (hasSpoken && !refused) said.push(words.saved);
    if (refused) said.push(fill(words.refused, { n: refused }));
    return said.join(" ");
  }

  // --- what there is to press

  keyed(event) {
    const target = event.composedPath()[0], isA = kinds => target.matches?.(kinds);
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.repeat) return;
    if (isA("textarea, select, input:not([type=radio], [type=checkbox])")) return;
    if (event.key === "Enter" && !isA("button, a, summary")) {
      event.preventDefault();
      if (!this.next.hidden) this.next.click();
    } else if (/^\d$/.test(event.key)) this.digit(Number(event.key));
  }

  /** A digit answers the question that has the focus, else the first that is open. */
  digit(n) {
    const open = this.groups.filter(({ box }) => !box.closest(".not-yet")), { activeElement } = this.root.getRootNode();
    const group = open.find(({ box }) => box.contains(activeElement)) ?? open.find(({ get }) => get() === undefined);
    (group ?? open[0])?.choose(n);
  }

  /** A question with one answer. `options`: {value, shown: what stands on it}; a value of null is "I can't tell". */
  ask({ title, look, options, get, set }) {
    const name = `question${this.groups.length}`, known = options.filter(({ value }) => value !== null);
    const inputs = options.map(({ value }) => made("input", { type: "radio", name, onchange: () => set(value) }));
    const labels = options.map(({ value, shown }, i) =>
      made("label", { class: value === null ? "unsure" : "" }, inputs[i], made("span", { class: "face" }, ...shown)));
    const box = made("fieldset", { class: look }, made("legend", {}, title), ...labels);
    const choose = digit => {
      const option = digit ? known[digit - 1] : options.find(({ value }) => value === null);
      if (option) set(option.value);
    };
    this.groups.push({ box, get, choose });
    this.refreshers.push(() => inputs.forEach((input, i) => { input.checked = get() === options[i].value; }));
    return box;
  }

  get unsure() { return { value: null, shown: [this.words.cannot_tell] }; }

  scores(title) {
    const anchors = Object.entries(this.words.anchors).map(([code, text]) =>
      ({ value: Number(code), shown: [made("b", {}, code), text] }));
    const set = score => this.set({ score, seconds: this.seconds });
    return this.ask({ title, look: "scores", options: [...anchors, this.unsure], get: () => this.draft.score, set });
  }

  choices(title, options, look = "choices") {
    const all = { title, look, options: [...options, this.unsure] };
    return this.ask({ ...all, get: () => this.draft.choice, set: choice => this.answer(choice) });
  }

  confidence() {
    const { confidence, confidence_title: title } = this.words;
    const options = Object.entries(confidence).map(([code, text]) => ({ value: Number(code), shown: [text] }));
    const get = () => this.draft.confidence, set = value => this.set({ confidence: value });
    return this.later(this.ask({ title, look: "confidence", options, get, set }), ({ choice }) => choice != null);
  }

  /** Leaves room for a part, and shows it once something holds. */
  later(part, holds) {
    this.refreshers.push(() => part.classList.toggle("not-yet", !holds(this.draft)));
    return part;
  }

  reasons() {
    const { words } = this, chips = Object.entries(words.reasons).map(([code, text]) => {
      const chip = made("input", { type: "checkbox", onchange: () => {
        const others = this.draft.reasons.filter(one => one !== code);
        this.set({ reasons: chip.checked ? [...others, code] : others });
      } });
      chip.checked = this.draft.reasons.includes(code);
      return made("label", {}, chip, made("span", { class: "face" }, text));
    });
    const field = made("textarea", { rows: 1, maxlength: 500, "aria-label": words.comment_label,
      placeholder: words.comment_label, hidden: !this.draft.comment });
    field.value = this.draft.comment;
    field.addEventListener("input", () => this.set({ comment: field.value }));
    const open = made("button", { type: "button", class: "quiet", hidden: Boolean(this.draft.comment), onclick: () => {
      [field.hidden, open.hidden] = [false, true];
      field.focus();
    } }, words.comment_add);
    const box = made("fieldset", { class: "reasons" }, made("legend", {}, words.reasons_title), ...chips, open, field);
    return this.later(box, ({ score }) => score !== undefined);
  }

  /** Curves under a line that says what they are. */
  figure(caption, waves, looks) {
    return made("figure", {}, made("figcaption", {}, caption), curves(waves, caption, looks));
  }

  /** A map, and beside it the curve of a tapped point over those of its neighbours. */
  explorer(name, marks = {}, label = this.words.map) {
    const map = this.data.maps[name], waves = this.data.waves[map.waves];
    return { ...this.explored(map, waves, marks, label), waves };
  }

  explored(map, waves, marks, label) {
    const panel = made("div", { class: "panel", "aria-live": "polite" }, made("p", { class: "hint" }, this.words.tap));
    const chart = new PointMap(map, label, marks, row => panel.replaceChildren(
      this.figure(this.words.picked, waves, [["thin", chart.neighbours(row)], ["thick", [row]]])));
    return { chart, panel, picture: this.picture(chart, map) };
  }

  picture(chart, { colour }) {
    const key = [this.words.earlier, made("i"), this.words.later];
    return made("figure", { class: "picture" }, chart.element, made("figcaption", {}, ...colour ? key : []));
  }

  letter(i) { return fill(this.words.group, { letter: LETTERS[i] }); }

  groupFigures(waves, groups) {
    const figures = groups.map((rows, i) => this.figure(this.letter(i), waves, [[`thin group${i}`, rows]]));
    return made("div", { class: "figures" }, ...figures);
  }
}
