// The rater's screens: a question of each kind, the introduction, the break and the end. rating.js turns the pages.

const STEPS = {
  rating(rater, { map }) {
    const { picture, panel } = rater.explorer(map), title = rater.words.rating_title;
    return { title, body: [picture, panel, rater.reasons(), rater.scores(title)] };
  },

  check(rater, { asks }) {
    const title = fill(rater.words.check_title, { n: asks });
    return { title, body: [made("p", {}, rater.words.check_text), rater.scores(title)] };
  },

  previs(rater, { map, scale, items }) {
    const { words } = rater, { picture, panel } = rater.explorer(map);
    const ends = made("p", { class: "ends" }, made("span", {}, words.previs_low), made("span", {}, words.previs_high));
    const rows = items.map(({ id, text }) => rater.ask({
      title: text,
      look: "agreement",
      options: [
        ...[1, 2, 3, 4, 5, 6, 7].map(value => ({ value, shown: [made("b", {}, value)] })),
        { value: null, shown: [words.previs_unknown] },
      ],
      get: () => rater.draft.previs[scale]?.[id],
      set: value => {
        const { previs } = rater.draft;
        rater.set({ previs: { ...previs, [scale]: { ...previs[scale], [id]: value } } });
      },
    }));
    return { title: words.previs_title, body: [picture, panel, made("div", { class: "items" }, ends, ...rows)] };
  },

  intruder(rater, { waves: name, options }) {
    const { words } = rater, waves = rater.data.waves[name];
    const cards = options.map((row, value) =>
      ({ value, shown: [made("b", {}, value + 1), curves(waves, words.curve, [["thick", [row]]])] }));
    const hint = made("p", { class: "hint" }, words.intruder_hint), title = words.intruder_title;
    return { title, body: [hint, rater.choices(title, cards, "cards"), rater.confidence()] };
  },

  odd(rater, { map, line, example }) {
    const { words, data } = rater, drawn = line ? data.lines[line] : data.maps[map], waves = data.waves[drawn.waves];
    const hint = made("p", { class: "hint" }, words.odd_hint);
    const chosen = made("figure", {}, made("figcaption", {}, words.chosen), hint);
    const show = row => chosen.lastChild.replaceWith(curves(waves, words.chosen, [["thick", [row]]]));
    const pick = row => { show(row); rater.answer(row); };
    const place = line ? new LongLine(drawn, words.line, pick) : new PointMap(drawn, words.map, {}, pick);
    if (rater.draft.choice != null) { place.show(rater.draft.choice); show(rater.draft.choice); }
    const panel = made("div", { class: "panel" }, rater.figure(words.example, waves, [["thick", [example]]]), chosen);
    const title = line ? words.odd_line_title : words.odd_title;
    const more = made("div", { class: "more" }, rater.choices(title, []), rater.confidence());
    if (line) return { title, look: "line", body: [place.element, panel, more] };
    return { title, body: [rater.picture(place, drawn), panel, more] };
  },

  same(rater, { map, waves, groups }) {
    const { words } = rater, title = words.same_title, answers = ["same", "different"];
    const options = answers.map(value => ({ value, shown: [words[value]] }));
    const more = made("div", { class: "more" }, rater.choices(title, options), rater.confidence());
    if (!map) return { title, look: "plain", body: [rater.groupFigures(rater.data.waves[waves], groups), more] };
    const { picture, panel } = rater.explorer(map, { groups });
    return { title, body: [picture, panel, more] };
  },

  joins(rater, { map, waves: name, hidden, groups }) {
    const { words } = rater, title = words.joins_title;
    const options = groups.map((_, value) => ({ value, shown: [rater.letter(value)] }));
    const more = made("div", { class: "more" }, rater.choices(title, options), rater.confidence());
    const seen = map ? rater.explorer(map, { groups, hidden }) : { waves: rater.data.waves[name] };
    const fresh = rater.figure(words.new, seen.waves, [["thick", [hidden]]]);
    if (!map) return { title, look: "plain", body: [fresh, rater.groupFigures(seen.waves, groups), more] };
    return { title, body: [seen.picture, made("div", { class: "panel" }, fresh, seen.panel), more] };
  },

  pair(rater, { maps }) {
    const { words } = rater, title = words.pair_title;
    const [left, right] = maps.map((name, i) => rater.explorer(name, {}, i ? words.right_map : words.left_map));
    const options = ["left", "right"].map((side, value) => ({ value, shown: [words[side]] }));
    const panels = made("div", { class: "panels" }, left.panel, right.panel);
    return { title, body: [left.picture, panels, right.picture, rater.choices(title, options)] };
  },
};

// --- before, between and after

function lastScreen(title, text) { return { title, look: "words", body: [made("p", {}, text)] }; }

function pauseScreen(rater) {
  const { words } = rater, body = [words.pause_text, words.pause_link].map(text => made("p", {}, text));
  const act = () => { rater.paused = false; rater.render(); };
  return { title: words.pause_title, look: "words", body: [...body, made("p", { class: "link" }, words.address)],
    next: { label: words.go_on, act } };
}

/** The pages up to the questions, the questions, and what is right about them: `state.page` says where we are. */
function introduction(rater) {
  const { words, data, shelf } = rater, { page } = shelf.state, { literacy } = data;
  const turn = by => () => { shelf.change(state => { state.page += by; }); rater.render(); };
  const n = page - PAGES.length, count = PAGES.length + literacy.length + 1, isLast = n === literacy.length;
  const next = { label: words.next, act: n === literacy.length - 1 ? () => rater.handLiteracy() : turn(1) };
  const begin = { label: words.begin, act: () => {
    shelf.change(state => { state.introduced = true; });
    rater.introducing = false;
    rater.render();
  } };
  const screen = n < 0 ? PAGES[page](rater) : isLast ? explanation(rater) : literacyQuestion(rater, n);
  return { ...screen, place: `${page + 1} / ${count}`, share: page / count, next: isLast ? begin : next,
    back: page > 0 && !isLast && turn(-1) };
}

const CLEAR = [[.25, .7, .1], [.74, .74, .1], [.58, .24, .1]], CLOUD = [[.5, .5, .26]];
const IN_A_ROW = [[.12, .5, .04], [.56, .5, .04], [.83, .5, .04]];

/** Rows of a point and of those around it, in an example. */
function spot(map, place) {
  const bare = new PointMap(map, "", {}), row = bare.nearest(place, Infinity);
  return [row, ...bare.neighbours(row)];
}

const PAGES = [
  function point(rater) {
    const { words } = rater, { map, waves, each } = example(CLEAR);
    const rows = [3, each + 3, 2 * each + 3, 5, each + 8, 2 * each + 5], curve = made("figure");
    const show = row => {
      curve.replaceChildren(curves(waves, words.curve, [["thick", [row]]]));
      chart.show(row);
      if (rows.includes(row)) line.show(row);
      else line.mark.hidden = true;
    };
    const pick = row => { rater.stopPlaying?.(); show(row); };
    const line = new LongLine(joined(waves, rows), words.line, pick), chart = new PointMap(map, words.map, {}, pick);
    const [text, hint, free] = [words.point_text, words.point_try, words.point_free].map(one => made("p", {}, one));
    play(rater, rows, show);
    const panel = made("div", { class: "panel" }, text, line.element, hint, curve, free);
    return { title: words.point_title, look: "point", body: [rater.picture(chart, map), panel] };
  },

  function clear(rater) {
    const { words } = rater, places = [[250, 300], [740, 260], [580, 760]], near = [[330, 480], [640, 330], [600, 660]];
    const side = ({ map, waves }, text, spots) => {
      const groups = spots.map(place => spot(map, place)), chart = new PointMap(map, text, { groups });
      return made("div", {}, made("p", {}, text), chart.element, rater.groupFigures(waves, groups));
    };
    const sides = [side(example(CLEAR), words.clear, places), side(example(CLOUD, true), words.unclear, near)];
    return { title: words.clear_title, look: "clear", body: sides };
  },

  function distance(rater) {
    const { words } = rater, { map, waves } = example(CLEAR);
    const { panel, picture, chart } = rater.explored(map, waves, {}, words.map);
    const list = (look, title, texts) => [made("h2", {}, title),
      made("ul", { class: look }, ...texts.map(text => made("li", {}, text)))];
    const lists = [...list("yes", words.tells, words.tells_list), ...list("no", words.tells_not, words.tells_not_list)];
    chart.pick(3);
    const more = made("div", { class: "more" }, ...lists);
    return { title: words.distance_title, look: "distance", body: [picture, panel, more] };
  },

  function answering({ words }) {
    const list = made("ol", {}, ...words.answer_list.map(text => made("li", {}, text)));
    return { title: words.answer_title, look: "words", body: [list] };
  },
];

/** Lets stretches pass by one after the other, until somebody takes over. */
function play(rater, rows, show) {
  let turn = 0;
  show(rows[0]);
  if (matchMedia("(prefers-reduced-motion: reduce)").matches) return;
  const clock = setInterval(() => show(rows[++turn % rows.length]), 1800);
  rater.stopPlaying = () => clearInterval(clock);
}

const PICTURES = {  // of the questions, by their ids: a map, and what is marked on it
  near() {
    const { map } = example(CLEAR), [row, , , beside] = spot(map, [250, 300]);
    return [map, [[row], [beside]]];
  },
  gap() {
    const { map, each } = example(IN_A_ROW);
    return [map, [0, 1, 2].map(group => Array.from({ length: each }, (_, i) => group * each + i))];
  },
  side() {
    const { map } = example(CLEAR);
    return [map, [spot(map, [5 * SIDE, 300]).slice(0, 1)]];
  },
};

function literacyQuestion(rater, n) {
  const { words, data, shelf } = rater, { id, question, options } = data.literacy[n];
  const [map, groups] = PICTURES[id](), chart = new PointMap(map, question, { groups });
  const box = rater.ask({
    title: question,
    look: "options",
    options: [...options.map(({ id, text }) => ({ value: id, shown: [text] })), rater.unsure],
    get: () => shelf.state.literacy[id],
    set: value => {
      shelf.change(state => { state.literacy[id] = value; });
      rater.refresh();
    },
  });
  return { title: fill(words.literacy_title, { n: n + 1, all: data.literacy.length }), look: "literacy",
    body: [rater.picture(chart, map), box], ready: () => shelf.state.literacy[id] !== undefined };
}

function explanation({ words, data }) {
  const parts = data.literacy.flatMap(({ id, question }) =>
    [made("dt", {}, question), made("dd", {}, words.explain[id])]);
  return { title: words.explain_title, look: "words", body: [made("dl", {}, ...parts)] };
}
