// A map of very many points, as scatter.py mounts it: scatter_points.js draws them, and gestures go back in the data's
// own units. Points are fetched as raw bytes from an address that names their content, so they come once.

const MODES = ["move", "box", "lasso"];
const STEADY = 4;  // CSS pixels that a finger or mouse may move in a tap

const mounted = new WeakMap(), arrived = new Map();

export default function ({ data, parentElement, setTriggerValue }) {
  if (!mounted.has(parentElement)) mounted.set(parentElement, new Scatter(parentElement));
  const scatter = mounted.get(parentElement);
  scatter.tell = gesture => setTriggerValue("gesture", gesture);
  scatter.show(data);
  return () => { scatter.close(); mounted.delete(parentElement); };
}

/** Bytes of an address, fetched once a page: charts that show the same, and one that is mounted anew, share them. */
function bytes(address) {
  const asked = arrived.get(address) ?? fetch(address).then(answer => {
    if (!answer.ok) throw new Error(`${address}: ${answer.status}`);
    return answer.arrayBuffer();
  });
  asked.catch(() => arrived.delete(address));
  arrived.delete(address);
  arrived.set(address, asked);  // the one that was asked for last comes last
  if (arrived.size > 12) arrived.delete(arrived.keys().next().value);
  return asked;
}

class Scatter {
  constructor(parent) {
    this.root = parent.querySelector(".scatter");
    const one = name => this.root.querySelector(name);
    [this.canvas, this.way, this.outline, this.ring] = ["canvas", ".way", ".outline", "circle"].map(one);
    [this.wait, this.tip, this.note, this.legend, this.hint] = [".wait", ".tip", ".note", ".legend", ".hint"].map(one);
    this.mode = "lasso";
    this.fingers = new Map();  // pointers that are down, and where
    this.turn = 0;
    this.painter = painterFor(this.canvas);
    this.listen();
  }

  listen() {
    const on = (type, act) => this.canvas.addEventListener(type, act.bind(this), { passive: false });
    on("pointerdown", this.down); on("pointermove", this.moved); on("pointerup", this.up);
    on("pointercancel", this.cancel); on("pointerleave", () => this.hover(-1));
    on("wheel", this.wheel); on("keydown", this.keyed);
    on("webglcontextlost", event => event.preventDefault());
    on("webglcontextrestored", () => { this.painter = painterFor(this.canvas); if (this.shown) this.load(); });
    this.root.querySelector(".tools").addEventListener("click", event => {
      const name = event.target.closest("button")?.name;
      if (MODES.includes(name)) this.choose(name);
      else if (name && this.shown) this.press(name);
    });
    this.resized = new ResizeObserver(() => this.draw());
    this.resized.observe(this.canvas);
  }

  close() {
    this.turn = -1;
    this.resized.disconnect();
    clearTimeout(this.settling);
    cancelAnimationFrame(this.frame);
    this.painter.close();
  }

  async show(data) {
    const turn = ++this.turn;
    this.data = data;
    this.say(data);
    const wanted = [data.points, data.values, data.picked].map(address => address && bytes(address));
    const found = await Promise.all(wanted).catch(error => { console.warn(error); });
    if (turn !== this.turn) return;
    if (!found) return this.state("failed", data.words.failed);
    const [points, values, picked] = found, before = this.shown;
    if (before?.points !== data.points) this.take(new Float32Array(points));
    if (before?.picked !== data.picked) this.trace = null;
    this.values = data.names ? new Uint8Array(values) : new Float32Array(values);
    this.picked = picked && unpacked(new Uint8Array(picked), this.values.length);
    this.shown = data;
    if (before && before.points === data.points && before.values === data.values) this.painter.pick(this.picked);
    else this.load();
    this.legend.hidden = !this.painter.showsPoints;
    this.legend.replaceChildren(...legendOf(data));
    this.draw();
  }

  /** Points that were not there before: the whole of them comes into view. */
  take(xy) {
    this.xy = xy;
    this.nearest = null;
    this.whole = this.view = this.viewOf(xy);
    [this.views, this.at] = [[this.whole], 0];
  }

  /** Its middle (x, y) and half of the shorter side, a little room around the points. */
  viewOf(xy) {
    const [left, right, low, high] = bounds(xy);
    return { x: (left + right) / 2, y: (low + high) / 2, half: .54 * Math.max(right - left, high - low, 1e-9) };
  }

  load() {
    const { shown, values } = this;
    this.painter.load(this.xy, shown.names ? values : levels(values, shown.low, shown.high), palette(shown));
    this.painter.pick(this.picked);
    this.draw();
  }

  // --- words

  say({ words, alt, height }) {
    for (const button of this.root.querySelectorAll("button")) {
      button.title = words[button.name];
      button.setAttribute("aria-label", words[button.name]);
      if (button.querySelector("span")) button.querySelector("span").textContent = words[button.name];
    }
    this.canvas.setAttribute("aria-label", alt);
    this.canvas.style.height = `${height}px`;
    if (!this.shown) this.state("drawing", words.drawing);
    this.note.hidden = this.painter.showsPoints;
    this.note.textContent = words.density;
    this.root.querySelector(".keys").textContent = words.keys;
    this.choose(this.mode);
  }

  state(name, text = "") {
    this.root.dataset.state = name;
    this.wait.textContent = text;
  }

  choose(mode) {
    this.mode = this.canvas.dataset.mode = mode;
    for (const name of MODES) this.root.querySelector(`[name=${name}]`).setAttribute("aria-pressed", name === mode);
    this.hint.textContent = this.data.words[`hint_${mode}`];
  }

  // --- drawing

  draw() { this.frame ??= requestAnimationFrame(() => { this.frame = null; this.paint(); }); }

  /** CSS pixels: of the canvas, and of a unit. */
  get room() {
    const { clientWidth: width, clientHeight: height } = this.canvas;
    return { width, height, scale: Math.min(width, height) / 2 / this.view.half };
  }

  paint() {
    const { canvas, shown, view, whole } = this, dense = window.devicePixelRatio;
    if (!shown || !canvas.clientWidth) return;
    const sides = { width: Math.round(canvas.clientWidth * dense), height: Math.round(canvas.clientHeight * dense) };
    for (const side in sides) if (canvas[side] !== sides[side]) canvas[side] = sides[side];
    const closer = Math.min(5, Math.max(1, (whole.half / view.half) ** .4));  // where few are in view they may be larger
    const look = { size: shown.size * closer, opacity: Math.min(.9, shown.opacity * closer), dense };
    this.painter.paint({ ...view, ...this.room, ...look, inHaste: Boolean(this.draft || this.settling) });
    this.way.setAttribute("d", shown.way.map(ids => this.path(ids.map(i => this.point(i)))).join(""));
    const possible = { back: this.at > 0, forward: this.at < this.views.length - 1, whole: view !== whole,
      fit: Boolean(this.picked) };
    for (const name in possible) this.root.querySelector(`[name=${name}]`).disabled = !possible[name];
    this.trail(this.trace);
    this.state("ready");
  }

  /** What a lasso or box has gone round so far, or nothing. */
  trail(trace) {
    this.trace = trace;
    this.outline.setAttribute("d", trace ? this.path(trace) + "Z" : "");
  }

  path(places) { return places.map((at, i) => (i ? "L" : "M") + this.onScreen(at).map(v => v.toFixed(1))).join(""); }

  point(i) { return [this.xy[2 * i], this.xy[2 * i + 1]]; }

  onScreen([x, y]) {
    const { width, height, scale } = this.room;
    return [width / 2 + (x - this.view.x) * scale, height / 2 - (y - this.view.y) * scale];
  }

  inData([left, top]) {
    const { width, height, scale } = this.room;
    return [this.view.x + (left - width / 2) / scale, this.view.y - (top - height / 2) / scale];
  }

  // --- the view: moved, zoomed, back and forward

  pan(right, down) {
    const { scale } = this.room;
    this.view = { ...this.view, x: this.view.x - right / scale, y: this.view.y + down / scale };
    this.draw();
  }

  zoom(factor, at) {
    const [x, y] = this.inData(at), half = this.view.half / factor;
    if (half < this.whole.half * 1e-5 || half > this.whole.half * 4) return;
    this.view = { x: x + (this.view.x - x) / factor, y: y + (this.view.y - y) / factor, half };
    this.draw();
  }

  /** Where one has come to rest, so that one can come back to it. */
  keep() {
    clearTimeout(this.settling);
    this.settling = null;
    if (this.view !== this.views[this.at]) this.views = [...this.views.slice(0, ++this.at), this.view];
    this.draw();
  }

  keepSoon() {
    clearTimeout(this.settling);
    this.settling = setTimeout(() => this.keep(), 300);
  }

  press(name) {
    const middle = [this.canvas.clientWidth / 2, this.canvas.clientHeight / 2];
    if (name === "save") return this.save();
    if (name === "back" || name === "forward") this.view = this.views[this.at += name === "back" ? -1 : 1];
    if (name === "in" || name === "out") this.zoom(name === "in" ? 1.6 : 1 / 1.6, middle);
    if (name === "whole") this.view = this.whole;
    if (name === "fit") {
      const { x, y, half } = this.viewOf(this.xy.filter((_, i) => this.picked[i >> 1]));
      this.view = { x, y, half: Math.max(half, this.whole.half / 50) };
    }
    this.keep();
  }

  // --- gestures

  place(event) {
    const box = this.canvas.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  }

  /** Two fingers: what lies between them, and how far they are apart. */
  get pinch() {
    const [a, b] = [...this.fingers.values()];
    return { at: [(a[0] + b[0]) / 2, (a[1] + b[1]) / 2], apart: Math.hypot(a[0] - b[0], a[1] - b[1]) || 1 };
  }

  down(event) {
    if (!this.shown || event.button) return;
    const at = this.place(event);
    this.canvas.setPointerCapture(event.pointerId);
    this.hover(-1);
    this.fingers.set(event.pointerId, at);
    this.trail(null);
    this.draft = this.fingers.size > 1 ? { mode: "pinch" } : { mode: this.mode, from: at };
  }

  moved(event) {
    if (!this.shown) return;
    const at = this.place(event), { fingers, draft } = this, last = fingers.get(event.pointerId);
    if (!last) {
      if (event.pointerType === "mouse") this.hover(this.near(at, 12), at);
      return;
    }
    const before = fingers.size > 1 && this.pinch;
    if (draft && !draft.moves && draft.from && Math.hypot(at[0] - draft.from[0], at[1] - draft.from[1]) < STEADY) return;
    if (draft?.mode === "lasso" && draft.moves && Math.hypot(at[0] - last[0], at[1] - last[1]) < STEADY) return;
    fingers.set(event.pointerId, at);
    if (!draft) return;
    if (draft.mode === "pinch" && fingers.size > 1) {
      const { at: middle, apart } = this.pinch;
      this.pan(middle[0] - before.at[0], middle[1] - before.at[1]);
      this.zoom(apart / before.apart, middle);
    } else if (draft.mode === "move") this.pan(at[0] - last[0], at[1] - last[1]);
    else if (draft.mode === "lasso") this.trail([...(this.trace ?? [this.inData(draft.from)]), this.inData(at)]);
    else if (draft.mode === "box") this.trail(this.box(draft.from, at));
    draft.moves = true;
  }

  box([left, top], [right, bottom]) {
    return [[left, top], [right, top], [right, bottom], [left, bottom]].map(corner => this.inData(corner));
  }

  up(event) {
    const at = this.place(event), { draft } = this;
    this.fingers.delete(event.pointerId);
    if (!draft || this.fingers.size) return;
    this.draft = null;
    if (!draft.moves && draft.from) {
      const id = this.near(at, event.pointerType === "mouse" ? 12 : 22);
      this.tell(id < 0 ? { kind: "none" } : { kind: "tap", id });
    } else if (this.trace) this.tell({ kind: draft.mode, points: this.trace });
    else this.keep();
  }

  cancel(event) {
    this.fingers.delete(event.pointerId);
    this.draft = null;
    this.trail(null);
    this.draw();
  }

  /** A wheel scrolls the page, unless the map has been touched before; fingers on a touchpad come with Ctrl. */
  wheel(event) {
    const hasFocus = this.canvas.getRootNode().activeElement === this.canvas;
    if (!this.shown || !(event.ctrlKey || event.metaKey || hasFocus)) return;
    event.preventDefault();
    const lines = event.deltaMode ? 30 : 1;
    this.zoom(Math.exp(-event.deltaY * lines * (event.ctrlKey ? .008 : .0015)), this.place(event));
    this.keepSoon();
  }

  keyed(event) {
    if (!this.shown || event.ctrlKey || event.metaKey || event.altKey) return;
    const ways = { ArrowLeft: [60, 0], ArrowRight: [-60, 0], ArrowUp: [0, 60], ArrowDown: [0, -60] };
    const buttons = { "+": "in", "=": "in", ";": "in", "-": "out", "0": "whole" };  // ;: + of a Japanese keyboard
    const { clientWidth: width, clientHeight: height } = this.canvas;
    if (ways[event.key]) { this.pan(...ways[event.key]); this.keepSoon(); }
    else if (buttons[event.key]) this.press(buttons[event.key]);
    else if (event.key === "Enter") this.tell({ kind: "box", points: this.box([0, 0], [width, height]) });
    else if (event.key === "Escape" && this.draft) { this.draft = null; this.trail(null); }
    else if (event.key === "Escape") { this.trail(null); this.tell({ kind: "none" }); }
    else return;
    event.preventDefault();
  }

  // --- one point

  near(at, within) {
    this.nearest ??= new Nearest(this.xy);
    return this.nearest.to(this.inData(at), within / this.room.scale);
  }

  hover(id) {
    this.ring.setAttribute("visibility", id < 0 ? "hidden" : "visible");
    this.tip.hidden = id < 0;
    if (id < 0) return;
    const [left, top] = this.onScreen(this.point(id)), { width } = this.room;
    this.ring.setAttribute("cx", left);
    this.ring.setAttribute("cy", top);
    const told = [this.shown.words.point.replace("{id}", (id + 1).toLocaleString())];
    if (this.painter.showsPoints) told.push(`${this.shown.title}: ${said(this.shown, this.values[id])}`);
    this.tip.textContent = told.join("\n");
    this.tip.style.cssText = `top: ${top + 14}px; ${left > width / 2 ? `right: ${width - left + 8}px` : `left: ${left + 8}px`}`;
  }

  save() {
    pictureOf(this.canvas, this.way.getAttribute("d"), this.painter.showsPoints ? this.shown : null).toBlob(blob => {
      const link = Object.assign(document.createElement("a"), { href: URL.createObjectURL(blob) });
      link.download = this.shown.words.file;
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 1000);
    });
  }
}
