// How very many points come onto a canvas, and which of them is near. scatter.js, which follows, has people's side.

const SHAPES = {  // as SVG, in a square of 2 x 2 around 0; the shader's `edge` counts them in this order
  "circle": "M-.8 0a.8.8 0 1 0 1.6 0a.8.8 0 1 0-1.6 0z",
  "triangle-up": "M0-1L.87.5H-.87z",
  "square": "M-.72-.72H.72V.72H-.72z",
  "diamond": "M0-1L1 0 0 1-1 0z",
  "cross": "M-.28-.9H.28V-.28H.9V.28H.28V.9H-.28V.28H-.9V-.28H-.28z",
  "triangle-down": "M0 1L.87-.5H-.87z",
  "triangle-right": "M1 0L-.5.87V-.87z",
};
const MISSING = 255;  // the level of a point whose value is not known
const LONGEST = 60;  // milliseconds that a picture may take while it moves
const GREY = [150, 158, 168];

const VERTEX = `#version 300 es
in vec2 point;
in float level, picked;
uniform vec4 view;  // middle x, y; how much of the clip space a unit is
uniform float size, turn;  // pixels across; 0: all points, 1: those that are not picked, 2: those that are
uniform sampler2D palette;
flat out vec4 look;  // colour, and shape / 255
void main() {
  bool mine = turn == 0. || (picked > .5) == (turn == 2.);
  gl_Position = mine ? vec4((point - view.xy) * view.zw, 0, 1) : vec4(2, 2, 2, 1);
  gl_PointSize = size;
  look = texelFetch(palette, ivec2(level, 0), 0);
}`;
const FRAGMENT = `#version 300 es
precision highp float;
flat in vec4 look;
uniform float size, opacity, faded;
out vec4 ink;
float edge(vec2 p, int shape) {  // how far outside, in half sizes; below 0 inside
  if (shape == 5) { p.y = -p.y; shape = 1; }
  if (shape == 6) { p = p.yx; shape = 1; }
  vec2 a = abs(p);
  if (shape == 1) return max(-p.y, .866 * a.x + .5 * p.y) - .5;
  if (shape == 2) return max(a.x, a.y) - .72;
  if (shape == 3) return .7071 * (a.x + a.y - 1.);
  if (shape == 4) return min(max(a.x - .28, a.y - .9), max(a.y - .28, a.x - .9));
  return length(p) - .8;
}
void main() {
  vec2 p = 2. * gl_PointCoord - 1.;
  float cover = clamp(.5 - .5 * size * edge(vec2(p.x, -p.y), int(255. * look.a + .5)), 0., 1.);
  if (cover == 0.) discard;
  ink = vec4(mix(look.rgb, vec3(.8), .72 * faded), 1) * cover * opacity;
}`;

/** What a canvas can be painted with: points where there is WebGL2, else how dense they are. */
function painterFor(canvas) {
  const options = { antialias: false, depth: false, preserveDrawingBuffer: true };  // kept for print and PNG
  const gl = canvas.getContext("webgl2", options);
  return gl ? new Points(gl) : new Density(canvas.getContext("2d"));
}

class Points {
  showsPoints = true;

  constructor(gl) {
    this.gl = gl;
    const program = this.program = gl.createProgram();
    for (const [kind, source] of [[gl.VERTEX_SHADER, VERTEX], [gl.FRAGMENT_SHADER, FRAGMENT]]) {
      const shader = gl.createShader(kind);
      gl.shaderSource(shader, source);
      gl.compileShader(shader);
      gl.attachShader(program, shader);
    }
    gl.linkProgram(program);
    if (!gl.getProgramParameter(program, gl.LINK_STATUS) && !gl.isContextLost()) {
      throw new Error(gl.getProgramInfoLog(program));
    }
    gl.useProgram(program);
    gl.enable(gl.BLEND);
    gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
    gl.bindTexture(gl.TEXTURE_2D, gl.createTexture());
    for (const side of [gl.TEXTURE_MIN_FILTER, gl.TEXTURE_MAG_FILTER]) gl.texParameteri(gl.TEXTURE_2D, side, gl.NEAREST);
    this.buffers = {};
    this.paints = 0;
    this.fraction = 1;  // one of so many points is drawn while the picture moves
  }

  /** palette: 256 x (red, green, blue, shape) */
  load(xy, level, palette) {
    const { gl } = this;
    [this.n, this.paints] = [level.length, 0];
    this.fill("point", xy);
    this.fill("level", level);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, 256, 1, 0, gl.RGBA, gl.UNSIGNED_BYTE, palette);
  }

  pick(picked) {
    this.picked = picked;
    if (picked) this.fill("picked", picked);
    else this.gl.disableVertexAttribArray(this.gl.getAttribLocation(this.program, "picked"));
  }

  fill(name, values) {
    const { gl } = this;
    gl.bindBuffer(gl.ARRAY_BUFFER, this.buffers[name] ??= gl.createBuffer());
    gl.bufferData(gl.ARRAY_BUFFER, values, gl.STATIC_DRAW);
  }

  /** How the shader reads it; with a longer step it leaves points out. */
  read(name, n, kind, step) {
    const { gl } = this, place = gl.getAttribLocation(this.program, name);
    gl.bindBuffer(gl.ARRAY_BUFFER, this.buffers[name]);
    gl.enableVertexAttribArray(place);
    gl.vertexAttribPointer(place, n, kind, false, step, 0);
  }

  paint({ inHaste, ...look }) {
    const began = performance.now();
    this.draw(look, inHaste ? this.fraction : 1);
    if (this.paints++ > 1) return;
    // Reading a pixel back waits for the drawing: the first time until it is there, the second to know how long it takes.
    this.gl.readPixels(0, 0, 1, 1, this.gl.RGBA, this.gl.UNSIGNED_BYTE, new Uint8Array(4));
    this.fraction = Math.max(1, Math.min(30, Math.round((performance.now() - began) / LONGEST)));
  }

  draw({ x, y, width, height, scale, dense, size, opacity }, fraction) {
    const { gl, n } = this, uniform = name => gl.getUniformLocation(this.program, name);
    gl.viewport(0, 0, gl.drawingBufferWidth, gl.drawingBufferHeight);
    gl.clear(gl.COLOR_BUFFER_BIT);
    gl.uniform4f(uniform("view"), x, y, 2 * scale / width, 2 * scale / height);
    const draw = (turn, size, opacity, faded) => {
      const values = { turn, opacity, faded, size: size * dense };
      for (const name in values) gl.uniform1f(uniform(name), values[name]);
      gl.drawArrays(gl.POINTS, 0, Math.floor(n / fraction));
    };
    this.read("point", 2, gl.FLOAT, 8 * fraction);
    this.read("level", 1, gl.UNSIGNED_BYTE, fraction);
    if (this.picked) this.read("picked", 1, gl.UNSIGNED_BYTE, fraction);
    else return draw(0, size, opacity, 0);
    draw(1, size, opacity * .45, 1);
    draw(2, size * 1.2, Math.max(opacity, .8), 0);
  }

  close() { this.gl.getExtension("WEBGL_lose_context")?.loseContext(); }  // browsers allow a page about 16 of them
}

class Density {
  showsPoints = false;
  cell = 3;  // CSS pixels

  constructor(context) { this.context = context; }
  load(xy) { this.xy = xy; }
  pick(picked) { this.picked = picked; }
  close() {}

  paint({ x, y, width, height, scale }) {
    const { context, xy, picked, cell } = this, across = Math.ceil(width / cell), down = Math.ceil(height / cell);
    const all = new Uint32Array(across * down), some = new Uint32Array(across * down);
    const left = width / 2 - x * scale, top = height / 2 + y * scale;
    for (let i = 0; 2 * i < xy.length; i++) {
      const column = Math.floor((left + xy[2 * i] * scale) / cell), row = Math.floor((top - xy[2 * i + 1] * scale) / cell);
      if (column < 0 || row < 0 || column >= across || row >= down) continue;
      all[row * across + column] += 1;
      if (picked?.[i]) some[row * across + column] += 1;
    }
    const most = Math.log1p(all.reduce((a, b) => Math.max(a, b), 1)), image = context.createImageData(across, down);
    for (let i = 0; i < all.length; i++) {
      if (!all[i]) continue;
      const colour = some[i] ? [255, 75, 0] : picked ? GREY : [0, 90, 255];
      image.data.set([...colour, 60 + 195 * Math.log1p(all[i]) / most], 4 * i);
    }
    const small = new OffscreenCanvas(across, down);
    small.getContext("2d").putImageData(image, 0, 0);
    const dense = context.canvas.width / width;
    context.clearRect(0, 0, context.canvas.width, context.canvas.height);
    context.imageSmoothingEnabled = false;
    context.drawImage(small, 0, 0, across * cell * dense, down * cell * dense);
  }
}

/** 256 x (red, green, blue, shape): a colour and shape for each group, or an even scale through the colours. */
function palette({ names, colours, shapes }) {
  const stops = colours.map(colour => [1, 3, 5].map(at => parseInt(colour.slice(at, at + 2), 16)));
  const kinds = Object.keys(SHAPES), made = new Uint8Array(4 * 256);
  for (let level = 0; level < 256; level++) {
    const at = names ? Math.min(level, stops.length - 1) : Math.min(level / 254, 1) * (stops.length - 1);
    const low = stops[Math.floor(at)], high = stops[Math.ceil(at)], share = at % 1;
    const colour = !names && level === MISSING ? GREY : low.map((v, i) => Math.round(v + share * (high[i] - v)));
    made.set([...colour, names ? kinds.indexOf(shapes[at]) : 0], 4 * level);
  }
  return made;
}

/** Where each value lies between low and high: 0 ... 254, or MISSING. */
function levels(values, low, high) {
  const made = new Uint8Array(values.length), step = high > low ? 254 / (high - low) : 0;
  for (let i = 0; i < values.length; i++) made[i] = Number.isNaN(values[i]) ? MISSING : Math.round(step * (values[i] - low));
  return made;
}

/** A byte a point from a bit a point, lowest bit first. */
function unpacked(bits, n) {
  const made = new Uint8Array(n);
  for (let i = 0; i < n; i++) made[i] = bits[i >> 3] >> (i & 7) & 1;
  return made;
}

/** left, right, low, high */
function bounds(xy) {
  let [left, right, low, high] = [Infinity, -Infinity, Infinity, -Infinity];
  for (let i = 0; i < xy.length; i += 2) {
    if (xy[i] < left) left = xy[i];
    if (xy[i] > right) right = xy[i];
    if (xy[i + 1] < low) low = xy[i + 1];
    if (xy[i + 1] > high) high = xy[i + 1];
  }
  return [left, right, low, high];
}

/** Finds the nearest point: points sorted into the squares of a grid, about two to a square. */
class Nearest {
  constructor(xy) {
    const n = xy.length / 2, [left, right, low, high] = bounds(xy);
    Object.assign(this, { xy, left, low, side: Math.max(1, Math.ceil(Math.sqrt(n / 2))) });
    this.unit = Math.max(right - left, high - low, 1e-9) / this.side;
    const square = i => this.index(xy[2 * i + 1], low) * this.side + this.index(xy[2 * i], left);
    this.starts = new Uint32Array(this.side ** 2 + 1);
    for (let i = 0; i < n; i++) this.starts[square(i) + 1]++;
    for (let s = 0; s < this.side ** 2; s++) this.starts[s + 1] += this.starts[s];
    this.order = new Uint32Array(n);
    const next = this.starts.slice();
    for (let i = 0; i < n; i++) this.order[next[square(i)]++] = i;
  }

  index(value, from) { return Math.max(0, Math.min(this.side - 1, Math.floor((value - from) / this.unit))); }

  /** The nearest that is closer than `within`, or -1. */
  to([x, y], within) {
    const { xy, side, starts, order } = this;
    let found = -1, closest = within ** 2;
    for (let row = this.index(y - within, this.low); row <= this.index(y + within, this.low); row++) {
      const first = starts[row * side + this.index(x - within, this.left)];
      const end = starts[row * side + this.index(x + within, this.left) + 1];
      for (let k = first; k < end; k++) {
        const i = order[k], distance = (xy[2 * i] - x) ** 2 + (xy[2 * i + 1] - y) ** 2;
        if (distance < closest) [found, closest] = [i, distance];
      }
    }
    return found;
  }
}

/** The value of a point, in words. */
function said({ names, words, since }, value) {
  if (names) return names[value];
  if (Number.isNaN(value)) return words.missing;
  if (since === null) return String(Number(value.toPrecision(4)));
  return new Date(since + 1000 * value).toISOString().slice(0, 19).replaceAll("-", "/").replace("T", " ");
}

/** Elements: the title, then each group with its colour and shape, or the scale between its ends. */
function legendOf({ title, names, colours, shapes, ends, gaps, words }) {
  const element = (tag, ...inside) => {
    const made = document.createElement(tag);
    made.append(...inside);
    return made;
  };
  const group = (name, shape, colour) => {
    const item = element("span", name);
    item.insertAdjacentHTML("afterbegin", `<svg viewBox="-1 -1 2 2"><path d="${SHAPES[shape]}"/></svg>`);
    item.firstChild.style.fill = colour;
    return item;
  };
  if (names) return [element("b", title), ...names.map((name, i) => group(name, shapes[i], colours[i]))];
  const ramp = element("i");
  ramp.style.background = `linear-gradient(90deg, ${colours.join()})`;
  const unknown = gaps ? [group(words.missing, "circle", `rgb(${GREY.join()})`)] : [];
  return [element("b", title), element("span", ends[0], ramp, ends[1]), ...unknown];
}

/** A picture to take along: the canvas and the way on white, with the legend below. */
function pictureOf(canvas, way, shown) {
  const dense = window.devicePixelRatio, { clientWidth: width, clientHeight: height } = canvas;
  const picture = document.createElement("canvas"), pen = picture.getContext("2d");
  const font = `14px ${getComputedStyle(canvas).fontFamily}`;
  picture.width = canvas.width;
  picture.height = canvas.height + (shown ? Math.round(dense * (legendOn(pen, shown, { width, top: 0, font }) + 14)) : 0);
  pen.fillStyle = "#ffffff";
  pen.fillRect(0, 0, picture.width, picture.height);
  pen.drawImage(canvas, 0, 0);
  pen.scale(dense, dense);
  pen.strokeStyle = "#84919e";
  pen.stroke(new Path2D(way));
  if (shown) legendOn(pen, shown, { width, top: height, font });
  return picture;
}

/** Returns how far down it ends. */
function legendOn(pen, { title, names, colours, shapes, ends }, { width, top, font }) {
  let x = 12, y = top + 26;
  pen.font = font;
  const put = (text, room, mark) => {
    const long = room + pen.measureText(text).width;
    if (x + long > width - 12) [x, y] = [12, y + 24];
    mark?.();
    pen.fillStyle = "#1a1d21";
    pen.fillText(text, x + room, y);
    x += long + 18;
  };
  put(title, 0);
  names?.forEach((name, i) => put(name, 20, () => {
    const shape = new Path2D();
    shape.addPath(new Path2D(SHAPES[shapes[i]]), new DOMMatrix([7, 0, 0, 7, x + 7, y - 5]));
    pen.fillStyle = colours[i];
    pen.fill(shape);
  }));
  if (names) return y;
  put(ends[0], 0);
  put(ends[1], 168, () => {
    const ramp = pen.createLinearGradient(x, 0, x + 160, 0);
    colours.forEach((colour, i) => ramp.addColorStop(i / (colours.length - 1), colour));
    pen.fillStyle = ramp;
    pen.fillRect(x, y - 11, 160, 12);
  });
  return y;
}
