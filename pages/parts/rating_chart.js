// What a rater looks at: maps, curves and the long line. rating.js, at the end of the same module, shows them.

const SIDE = 1000;  // units across a map; how large it is on the screen is the style sheet's
const REACH = 40;  // CSS pixels by which a gloved finger may miss a point
const NEIGHBOURS = 5;
const MISSING = 255, HIGHEST = 254;  // levels of a curve
const ROW = 280;  // units from one channel to the next
const LETTERS = ["A", "B", "C"];
// viridis at every tenth: what other maps of this product are coloured with
const VIRIDIS = "#440154 #482475 #414487 #355f8d #2a788e #21918c #22a884 #44bf70 #7ad151 #bddf26 #fde725".split(" ");
const SVG_TAGS = new Set(["svg", "path", "circle", "text", "g"]);

/** An element: attributes (`onclick` and such listen; true and false are flags) and children. Strings are text only. */
function made(tag, attributes = {}, ...children) {
  const space = SVG_TAGS.has(tag) ? "http://www.w3.org/2000/svg" : "http://www.w3.org/1999/xhtml";
  const one = document.createElementNS(space, tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) one.addEventListener(name.slice(2), value);
    else if (value !== false) one.setAttribute(name, value === true ? "" : value);
  }
  one.append(...children);
  return one;
}

function bytes(base64) {
  const text = atob(base64), all = new Uint8Array(text.length);
  for (let i = 0; i < all.length; i++) all[i] = text.charCodeAt(i);
  return all;
}

const arrived = new WeakMap();

/** Waves or a line as the data has them, with their levels decoded: (windows ×) channels × samples. */
function levelsOf(drawn) {
  if (!arrived.has(drawn)) arrived.set(drawn, drawn.levels ?? bytes(drawn.data));  // an example has no base64
  return arrived.get(drawn);
}

/** `M… L…` through the levels, broken where one is missing. */
function trace(levels, top) {
  let path = "", pen = "M";
  for (let i = 0; i < levels.length; i++) {
    if (levels[i] === MISSING) pen = "M";
    else [path, pen] = [`${path}${pen}${i} ${top + HIGHEST - levels[i]}${pen === "M" ? "h0" : ""}`, "L"];
  }
  return path;
}

/** All channels of one window (or of the line: window 0), one below the other. */
function traces(drawn, row) {
  const { channels, samples } = drawn, levels = levelsOf(drawn);
  return Array.from({ length: channels }, (_, channel) => {
    const from = (row * channels + channel) * samples;
    return trace(levels.subarray(from, from + samples), channel * ROW);
  }).join("");
}

/** Where curves are drawn into: a channel below the other, stretched to whatever room there is. */
function frameFor({ channels, samples }, label, ...paths) {
  const high = (channels - 1) * ROW + HIGHEST, rules = Array.from({ length: channels - 1 }, (_, channel) =>
    made("path", { class: "rule", d: `M0 ${(channel + 1) * ROW - (ROW - HIGHEST) / 2}H${samples - 1}` }));
  const look = { class: "curves", viewBox: `-1 -12 ${samples + 1} ${high + 24}`, preserveAspectRatio: "none" };
  return made("svg", { ...look, role: "img", "aria-label": label }, ...rules, ...paths);
}

/** Curves of windows over one another. `looks`: pairs of a class and the rows drawn so, the last on top. */
function curves(waves, label, looks) {
  const paths = looks.flatMap(([look, rows]) => rows.map(row => made("path", { class: look, d: traces(waves, row) })));
  return frameFor(waves, label, ...paths);
}

/** A map: points, marked groups of them, and a ring around the one that was picked. */
class PointMap {
  /** `data`: {n, xy, colour} as it came; `marks`: {groups: lists of rows, hidden: a row without a point}. */
  constructor(data, label, marks, onpick) {
    const { groups = [], hidden = -1 } = marks;
    const places = data.places ?? new Uint16Array(bytes(data.xy).buffer);
    this.at = Array.from({ length: data.n }, (_, i) =>
      [places[2 * i] / 65535 * SIDE, (1 - places[2 * i + 1] / 65535) * SIDE]);  // y comes pointing up
    this.rows = [...this.at.keys()].filter(row => row !== hidden);
    this.ring = made("g", { class: "ring", visibility: "hidden" }, ...[24, 20].map(r => made("circle", { r })));
    const over = made("svg", { class: "over", viewBox: `0 0 ${SIDE} ${SIDE}` }, ...this.hulls(groups), this.ring);
    const look = onpick ? { role: "application", tabindex: 0 } : { role: "img" };
    this.element = made("div", { class: "map", "aria-label": label, ...look }, this.painted(data.colour), over);
    this.onpick = onpick;
    if (onpick) this.listen();
  }

  painted(colour) {
    const canvas = made("canvas", { width: SIDE, height: SIDE }), brush = canvas.getContext("2d");
    const ranks = colour && bytes(colour), radius = Math.min(12, Math.max(6, 12 * (this.at.length / 300) ** -.3));
    brush.globalAlpha = .85;
    brush.strokeStyle = "#1a1d2160";
    for (const row of this.rows) {
      brush.fillStyle = ranks ? VIRIDIS[Math.round(ranks[row] / 25.5)] : VIRIDIS[3];
      brush.beginPath();
      brush.arc(...this.at[row], radius, 0, 2 * Math.PI);
      brush.fill();
      brush.stroke();
    }
    return canvas;
  }

  hulls(groups) {
    const middles = groups.map(rows => middle(rows.map(row => this.at[row]))), all = middle(middles);
    return groups.map((rows, i) => {
      const around = hull(rows.flatMap(row => circle(this.at[row], 26)));
      const away = Math.atan2(middles[i][1] - all[1] || -1e-9, middles[i][0] - all[0]);
      const along = ([x, y]) => x * Math.cos(away) + y * Math.sin(away);
      const [x, y] = around.reduce((best, one) => along(one) > along(best) ? one : best);
      const inside = value => Math.min(SIDE - 38, Math.max(38, value));
      const [left, top] = [inside(x + 34 * Math.cos(away)), inside(y + 34 * Math.sin(away))];
      return made("g", { class: `group group${i}` }, made("path", { d: `M${around.join("L")}Z` }),
        made("circle", { cx: left, cy: top, r: 34 }), made("text", { x: left, y: top }, LETTERS[i]));
    });
  }

  pick(row) {
    this.show(row);
    this.onpick(row);
  }

  listen() {
    this.element.addEventListener("click", event => {
      const box = this.element.getBoundingClientRect(), scale = SIDE / box.width;
      const row = this.nearest([(event.clientX - box.left) * scale, (event.clientY - box.top) * scale], REACH * scale);
      if (row !== undefined) this.pick(row);
    });
    this.element.addEventListener("keydown", event => {
      const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
      if (!way) return;
      event.preventDefault();
      const row = this.picked === undefined ? this.nearest([SIDE / 2, SIDE / 2], SIDE) : this.towards(way);
      if (row !== undefined) this.pick(row);
    });
  }

  show(row) {
    this.picked = row;
    const [x, y] = this.at[row];
    this.ring.setAttribute("transform", `translate(${x} ${y})`);
    this.ring.setAttribute("visibility", "visible");
  }

  distance(row, [x, y]) { return Math.hypot(this.at[row][0] - x, this.at[row][1] - y); }

  nearest(place, within) {
    const far = row => this.distance(row, place);
    const best = this.rows.reduce((best, row) => far(row) < far(best) ? row : best, this.rows[0]);
    return far(best) <= within ? best : undefined;
  }

  /** Rows of the points that lie nearest to a point on the picture, itself not among them. */
  neighbours(row, k = NEIGHBOURS) {
    const others = this.rows.filter(other => other !== row).map(other => [this.distance(other, this.at[row]), other]);
    return others.sort((a, b) => a[0] - b[0]).slice(0, k).map(([, other]) => other);
  }

  /** The next point for an arrow key: near, and not much aside. */
  towards([right, down]) {
    const [x, y] = this.at[this.picked];
    const cost = row => {
      const [dx, dy] = [this.at[row][0] - x, this.at[row][1] - y], ahead = dx * right + dy * down;
      return ahead > 0 ? ahead + 3 * Math.abs(dx * down - dy * right) : Infinity;
    };
    const best = this.rows.reduce((best, row) => cost(row) < cost(best) ? row : best, this.picked);
    return best === this.picked ? undefined : best;
  }
}

/** A whole series as a line; a tap picks the nearest window's centre. */
class LongLine {
  constructor(line, label, onpick) {
    const centres = line.centres ?? new Uint16Array(bytes(line.at).buffer);
    this.windows = line.ids.map((row, i) => ({ row, share: centres[i] / 65535 })).sort((a, b) => a.share - b.share);
    this.mark = made("i", { hidden: true });
    const picture = frameFor(line, label, made("path", { class: "thin", d: traces(line, 0) }));
    picture.setAttribute("aria-hidden", true);
    const look = { class: "line", role: "application", tabindex: 0, "aria-label": label };
    this.element = made("div", look, picture, this.mark);
    const pick = ({ row }) => { this.show(row); onpick(row); };
    this.element.addEventListener("click", event => {
      const box = this.element.getBoundingClientRect(), share = (event.clientX - box.left) / box.width;
      const far = one => Math.abs(one.share - share);
      pick(this.windows.reduce((best, one) => far(one) < far(best) ? one : best));
    });
    this.element.addEventListener("keydown", event => {
      const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (!step) return;
      event.preventDefault();
      const at = this.windows.findIndex(({ row }) => row === this.picked);
      pick(this.windows[Math.min(this.windows.length - 1, Math.max(0, at + step))]);
    });
  }

  show(row) {
    this.picked = row;
    this.mark.hidden = false;
    this.mark.style.left = `${100 * this.windows.find(one => one.row === row).share}%`;
  }
}

// --- a little geometry

function middle(places) {
  return [0, 1].map(axis => places.reduce((sum, place) => sum + place[axis], 0) / places.length);
}

function circle([x, y], radius) {
  const turns = Array.from({ length: 16 }, (_, i) => i * Math.PI / 8);
  return turns.map(turn => [x + radius * Math.cos(turn), y + radius * Math.sin(turn)]);
}

/** Corners of the convex hull in order (Andrew 1979, monotone chain). */
function hull(places) {
  const half = sorted => {
    const chain = [];
    for (const [x, y] of sorted) {
      while (chain.length > 1) {
        const [[ax, ay], [bx, by]] = chain.slice(-2);
        if ((bx - ax) * (y - ay) - (by - ay) * (x - ax) > 0) break;
        chain.pop();
      }
      chain.push([x, y]);
    }
    return chain.slice(0, -1);
  };
  const sorted = [...places].sort((a, b) => a[0] - b[0] || a[1] - b[1]);
  return [...half(sorted), ...half(sorted.reverse())];
}

// --- examples for the introduction, the same for everybody

/** Numbers in 0 … 1 from a seed: a linear congruential generator with the constants of "Numerical Recipes". */
function seeded(seed) {
  let state = seed;
  return () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32;
}

const SHAPES = [
  t => Math.sin(2 * Math.PI * t),
  t => Math.tanh(14 * (t - .5)),
  t => Math.exp(-(((t - .5) / .16) ** 2)) * Math.sin(16 * Math.PI * t),
];

/** Points around places (x, y and spread, of a map 1 wide) and their curves: one shape a place, or mixed. */
function example(places, isMixed, seed = 7) {
  const chance = seeded(seed), around = () => chance() + chance() + chance() - 1.5;
  const each = Math.ceil(78 / places.length), n = each * places.length, samples = 64;
  const levels = new Uint8Array(n * samples), dots = new Uint16Array(2 * n);
  for (let row = 0; row < n; row++) {
    const place = Math.floor(row / each), [x, y, spread] = places[place];
    const shape = isMixed ? Math.floor(3 * chance()) : place;
    dots.set([x, y].map(middle => 65535 * Math.min(.97, Math.max(.03, middle + spread * around()))), 2 * row);
    const [high, shift] = [80 + 15 * around(), .04 * around()];
    for (let i = 0; i < samples; i++) {
      levels[row * samples + i] = 127 + high * SHAPES[shape](i / samples + shift) + 7 * around();
    }
  }
  return { map: { n, places: dots, colour: null }, waves: { n, channels: 1, samples, levels }, each };
}

/** The waveform of which these windows are the stretches, one after the other. */
function joined({ samples, levels }, rows) {
  const line = new Uint8Array(rows.length * samples);
  rows.forEach((row, i) => line.set(levels.subarray(row * samples, (row + 1) * samples), i * samples));
  const centres = rows.map((_, i) => 65535 * (i + .5) / rows.length);
  return { channels: 1, samples: line.length, levels: line, ids: rows, centres };
}
