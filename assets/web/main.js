// Puts the page together.

const MOST_VALUES = 20; // more of them would hide the city

class Page {
  constructor(block) {
    this.block = block;
    this.header = block.header;
    this.city = { groups: {} };
    this.scene = new THREE.Scene();
    this.table = new Table(block);
    this.words = new Words(this.header.words, this.header.language);
    this.moment = 0;
    this.chosen = -1;
    this.colouring = null;
    this.style = this.header.theme || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
    this.hidden = new Set(this.header.hidden);
  }

  get look() {
    return this.header.looks[this.style];
  }

  async start() {
    const canvas = byId("view");
    this.renderer = new THREE.WebGLRenderer({ canvas, antialias: true, powerPreference: "high-performance" });
    startShared(this.header);
    const most = this.renderer.capabilities.maxTextureSize;
    const maps = await lightMaps(this.block, most);
    makePaints(this.city, this.header, this.block);
    addTable(this.city, this.block, maps);
    await addFaces(this.city, this.block, most);
    addGround(this.city, this.block, maps);
    addTrees(this.city, this.block);
    await addOverlays(this.city, this.block);
    await addDrapes(this.city, this.block);
    this.centres = houseCentres(this.city);
    this.floods = [];
    this.marks = [];
    for (const [i, track] of this.header.time.tracks.entries()) {
      const name = "track " + i;
      if (track.water) this.floods.push(new Flood(this.city, this.block, track, name, maps));
      if (track.lines) this.floods.push(new Bands(this.city, this.block, track, name));
      if (track.markers) this.marks.push(Object.assign(new Marks(track, this.words, byId("labels"), (m, k, e) => this.clicked(e) && this.tellMark(m, k)), { name }));
    }
    for (const group of Object.values(this.city.groups)) this.scene.add(group);
    this.labels = new Labels(this.header, byId("labels"));
    this.eye = new Eye(canvas, this.header, () => this.draw());
    this.listen(canvas);
    this.applyHidden();
    this.restyle();
    this.reword();
    this.toMoment(this.header.time.times.length ? this.header.startMoment : 0);
    this.resize();
    this.render();
    byId("wait").hidden = true;
    document.body.dataset.ready = String(Math.round(performance.now()));
  }

  listen(canvas) {
    addEventListener("resize", () => this.resize());
    canvas.addEventListener("pointerup", (e) => {
      if (this.eye.moved < 6 && e.button === 0) this.pick(e.clientX, e.clientY);
    });
    canvas.addEventListener("dblclick", (e) => {
      const found = pickAt(this.city, this.eye, e.clientX, e.clientY, innerWidth, innerHeight);
      if (found) this.eye.goTo(found.place, 20);
    });
    byId("menu").addEventListener("click", () => this.openPanel(byId("panel").hidden));
    byId("home").addEventListener("click", () => this.eye.home());
    byId("fly").addEventListener("click", () => {
      this.eye.fly(!this.eye.flying);
      byId("fly").setAttribute("aria-pressed", String(this.eye.flying));
    });
    byId("theme").addEventListener("click", () => {
      this.style = this.style === "dark" ? "light" : "dark";
      this.restyle();
    });
    byId("close").addEventListener("click", () => this.choose(-1));
    byId("search").addEventListener("input", () => this.search());
    byId("colour").addEventListener("change", () => {
      this.colouring = this.table.colourings[Number(byId("colour").value)] ?? null;
      this.restyle();
    });
    byId("moment").addEventListener("input", () => this.toMoment(Number(byId("moment").value)));
    byId("play").addEventListener("click", () => this.play());
    addEventListener("keydown", (e) => {
      if (e.code === "Escape") this.choose(-1);
      if (e.code === "Home" && !e.target.matches("input")) this.eye.home();
    });
    this.fillLanguages();
  }

  fillLanguages() {
    const select = byId("language");
    for (const [code, words] of Object.entries(this.header.words)) {
      const option = node("option", words.name);
      option.value = code;
      select.append(option);
    }
    select.value = this.words.language;
    select.addEventListener("change", () => {
      this.words.language = select.value;
      this.reword();
    });
  }

  openPanel(open) {
    byId("panel").hidden = !open;
    byId("menu").setAttribute("aria-expanded", String(open));
  }

  restyle() {
    const text = this.look.text, root = document.documentElement.style;
    root.setProperty("--ink", text.colour.join(" "));
    root.setProperty("--paper", text.halo.join(" "));
    root.setProperty("--muted", text.muted.join(" "));
    root.setProperty("--accent", text.accent.join(" "));
    root.setProperty("--water", text.water.join(" "));
    root.colorScheme = this.style;
    dress(this.city, this.look);
    this.recolour();
    for (const flood of this.floods) flood.show(this.moment, this.look);
    this.showLegend();
    this.draw();
  }

  recolour() {
    const by = this.colouring, given = this.coloursNow();
    const colour = (i) => given.get(i) ?? (by ? by.colours[by.classes[i]] : null);
    repaint(this.city, this.look, colour, this.chosen);
    this.draw();
  }

  // Colours that a layer gives to single buildings at this moment.
  coloursNow() {
    const found = new Map();
    this.rows ||= new Map(this.table.ids.map((id, i) => [id, i]));
    this.header.time.tracks.forEach((track, k) => {
      if (!track.buildings || this.hidden.has("track " + k)) return;
      const now = track.buildings[Math.min(Math.round(this.moment), track.buildings.length - 1)];
      for (const [id, rgb] of Object.entries(now)) if (this.rows.has(id)) found.set(this.rows.get(id), rgb);
    });
    return found;
  }

  reword() {
    const words = this.words, of = (key) => words.of(key);
    document.documentElement.lang = words.language;
    byId("title").firstElementChild.textContent = this.header.title;
    const buttons = { menu: ["☰", "menu"], home: ["⌂", "home"], fly: ["✈", "fly"], theme: ["◐", "theme"], close: ["×", "close"] };
    for (const [id, [sign, key]] of Object.entries(buttons)) {
      byId(id).textContent = sign;
      byId(id).title = of(key);
      byId(id).setAttribute("aria-label", of(key));
    }
    for (const [id, key] of [["language", "language"], ["moment", "time"], ["search", "search"], ["view", "view"]]) byId(id).setAttribute("aria-label", of(key));
    byId("search").placeholder = of("search");
    for (const item of document.querySelectorAll("[data-word]")) item.textContent = of(item.dataset.word);
    byId("help").textContent = of("help");
    byId("sources").textContent = this.header.attribution.join(" · ");
    this.fillColours();
    this.fillLayers();
    this.showLegend();
    this.tellTime();
    for (const marks of this.marks) if (marks.now) marks.show(this.moment);
    if (this.chosen >= 0) this.tellBuilding();
    this.draw();
  }

  fillColours() {
    const select = byId("colour");
    select.replaceChildren(node("option", this.words.of("plain")));
    select.firstChild.value = "-1";
    this.table.colourings.forEach((c, i) => {
      const option = node("option", this.words.told(c.label));
      option.value = String(i);
      select.append(option);
    });
    select.value = String(this.table.colourings.indexOf(this.colouring));
  }

  layerNames() {
    const there = ["buildings", "context", "bridges", "ground", "water", "trees", "edges"].filter((name) => this.city.groups[name]);
    const rows = there.map((name) => [name, this.words.of("layer " + name)]);
    if (this.labels.items.length) rows.push(["labels", this.words.of("layer labels")]);
    this.header.overlays.forEach((o, i) => rows.push(["overlay " + i, o.name]));
    this.header.time.tracks.forEach((t, i) => rows.push(["track " + i, t.name]));
    return rows;
  }

  fillLayers() {
    const rows = this.layerNames().map(([name, text]) => {
      const row = node("label"), box = document.createElement("input");
      box.type = "checkbox";
      box.checked = !this.hidden.has(name);
      box.dataset.layer = name;
      box.addEventListener("change", () => {
        box.checked ? this.hidden.delete(name) : this.hidden.add(name);
        this.applyHidden();
        this.recolour();
        this.showLegend();
      });
      row.append(box, node("span", text));
      return row;
    });
    byId("layers").replaceChildren(byId("layers").firstElementChild, ...rows);
  }

  applyHidden() {
    for (const [name, group] of Object.entries(this.city.groups)) group.visible = !this.hidden.has(name);
    if (this.city.groups.edges) this.city.groups.edges.visible &&= this.city.groups.buildings?.visible ?? true;
    for (const marks of this.marks) marks.visible = !this.hidden.has(marks.name);
    this.labels.visible = !this.hidden.has("labels");
    drape(this.city, this.header, (name) => !this.hidden.has(name), this.moment);
    this.draw();
  }

  showLegend() {
    const nodes = this.colouring ? legendNodes(this.colouring.legend, this.words, this.words.told(this.colouring.legend.title)) : [];
    this.header.time.tracks.forEach((track, i) => {
      if (!this.hidden.has("track " + i)) for (const legend of track.legends) nodes.push(...legendNodes(legend, this.words));
    });
    byId("legend").classList.toggle("beside", nodes.length > 0); // a phone has no room for both
    for (const legend of this.colouring ? [] : this.look.legends)
      for (const row of legendNodes(legend, this.words)) {
        row.classList.add("map");
        nodes.push(row);
      }
    byId("legend").replaceChildren(...nodes);
    byId("legend").hidden = !nodes.length;
    byId("legend").classList.toggle("long", nodes.length > 20);
    if (!this.eye.hasMoved) this.eye.home();
  }

  search() {
    const rows = this.table.search(byId("search").value, 30).map(([i, text]) => {
      const row = node("li"), button = node("button", text);
      button.type = "button";
      button.addEventListener("click", () => {
        this.choose(i);
        this.goToHouse(i);
      });
      row.append(button);
      return row;
    });
    byId("found").replaceChildren(...(rows.length || !byId("search").value.trim() ? rows : [node("li", this.words.of("nothing"))]));
  }

  goToHouse(i) {
    const { low, high } = this.centres, a = new THREE.Vector3(...low.subarray(3 * i, 3 * i + 3)), b = new THREE.Vector3(...high.subarray(3 * i, 3 * i + 3));
    if (!Number.isFinite(a.x)) return;
    this.eye.goTo(a.clone().add(b).multiplyScalar(0.5), Math.max(b.x - a.x, b.y - a.y, b.z - a.z));
  }

  pick(x, y) {
    const found = pickAt(this.city, this.eye, x, y, innerWidth, innerHeight);
    this.choose(found ? found.owner : -1);
  }

  choose(i) {
    this.chosen = i;
    document.body.dataset.picked = i < 0 ? "" : this.table.ids[i];
    byId("card").hidden = i < 0;
    if (i >= 0) this.tellBuilding();
    this.recolour();
  }

  tellBuilding() {
    const name = this.table.columns.find((c) => ["name", "name_ko", "name_en"].includes(c.name) && this.table.isKnown(c, this.chosen) && c.texts?.[c.values[this.chosen]]);
    const id = this.table.ids[this.chosen];
    byId("card").querySelector("h2").textContent = name ? name.texts[name.values[this.chosen]] : id;
    const facts = factNodes(this.table, this.chosen, this.words);
    facts.prepend(node("dt", this.words.of("id")), node("dd", id));
    byId("facts").replaceChildren(facts);
  }

  // Whether a click was one, and not the end of a drag; one by the keyboard always is.
  clicked(e) {
    return e.detail === 0 || this.eye.moved < 6;
  }

  tellMark(marks, i) {
    const told = marks.now[i], states = ["fresh", "stale", "missing", "invalid"];
    this.chosen = -1;
    this.recolour();
    byId("card").hidden = false;
    byId("card").querySelector("h2").textContent = marks.track.markers.ids[i];
    const facts = document.createElement("dl");
    facts.append(node("dt", this.words.of("value")), node("dd", this.words.aged(told[0]) || "–"));
    facts.append(node("dt", this.words.of("state")), node("dd", this.words.of(states[told[2]])));
    const series = marks.track.markers.histories[i], drawn = series && historyPath(series);
    byId("facts").replaceChildren(facts, ...(drawn ? [drawn] : []));
  }

  toMoment(moment) {
    const times = this.header.time.times;
    byId("time").hidden = times.length < 2;
    byId("moment").max = String(Math.max(times.length - 1, 0));
    byId("moment").step = "0.05";
    this.moment = Math.min(Math.max(moment, 0), Math.max(times.length - 1, 0));
    byId("moment").value = String(this.moment);
    for (const flood of this.floods) flood.show(this.moment, this.look);
    for (const marks of this.marks) marks.show(this.moment);
    drape(this.city, this.header, (name) => !this.hidden.has(name), this.moment);
    if (this.header.time.tracks.some((t) => t.buildings)) this.recolour();
    this.tellTime();
    this.draw();
  }

  tellTime() {
    const times = this.header.time.times;
    byId("play").textContent = this.playing ? "❚❚" : "▶";
    byId("play").setAttribute("aria-label", this.words.of(this.playing ? "pause" : "play"));
    if (!times.length) return;
    const i = Math.floor(this.moment), a = Date.parse(times[i]), b = Date.parse(times[Math.min(i + 1, times.length - 1)]);
    const zone = /([+-])(\d\d):?(\d\d)$/.exec(times[i]);
    const offset = zone ? (zone[1] === "-" ? -1 : 1) * (Number(zone[2]) * 60 + Number(zone[3])) : 0;
    const text = new Date(a + (b - a) * (this.moment - i) + offset * 60000).toISOString();
    byId("clock").textContent = `${text.slice(0, 10)} ${text.slice(11, 16)} UTC${offset ? zone[1] + zone[2] + ":" + zone[3] : ""}`;
    const remarks = this.header.time.tracks.flatMap((t, k) => (this.hidden.has("track " + k) ? [] : t.remarks[Math.min(Math.round(this.moment), t.remarks.length - 1)]));
    byId("title").lastElementChild.textContent = [byId("clock").textContent, ...new Set(remarks.map((r) => this.words.told(r)))].join(" · ");
  }

  play() {
    this.playing = !this.playing;
    this.tellTime();
    const last = this.header.time.times.length - 1;
    if (this.playing && this.moment >= last) this.moment = 0;
    let before = performance.now();
    const step = (now) => {
      if (!this.playing) return;
      const next = this.moment + ((now - before) / 1000) * Math.max(last / 15, 0.5);
      before = now;
      if (next >= last) this.playing = false;
      this.toMoment(Math.min(next, last));
      if (this.playing) requestAnimationFrame(step);
    };
    requestAnimationFrame(step);
  }

  resize() {
    this.renderer.setPixelRatio(Math.min(devicePixelRatio || 1, 2));
    this.renderer.setSize(innerWidth, innerHeight, false);
    this.eye.resize(innerWidth, innerHeight);
  }

  draw() {
    if (this.waiting || !this.eye) return;
    this.waiting = true;
    requestAnimationFrame(() => {
      this.waiting = false;
      this.render();
    });
  }

  render() {
    this.eye.aim(innerHeight);
    this.renderer.render(this.scene, this.eye.camera);
    const at = new THREE.Vector3();
    const project = (place) => {
      at.copy(place).project(this.eye.camera);
      if (at.z > 1 || at.z < -1 || Math.abs(at.x) > 1.05 || Math.abs(at.y) > 1.05) return null;
      return { x: ((at.x + 1) / 2) * innerWidth, y: ((1 - at.y) / 2) * innerHeight, distance: place.distanceTo(this.eye.camera.position) };
    };
    const taken = [...this.panels(), ...this.marks.flatMap((marks) => marks.locate(project))];
    let most = MOST_VALUES;
    for (const marks of this.marks) most = marks.tell(taken, most);
    this.labels.place(project, 700, taken); // names of streets keep clear of values
    this.turnRose();
    this.measure();
    document.body.dataset.frames = String(Number(document.body.dataset.frames || 0) + 1);
  }

  // What lies over the picture and would cover a value.
  panels() {
    return ["legend", "card", "panel", "time", "title"].map(byId).filter((part) => !part.hidden).map((part) => {
      const box = part.getBoundingClientRect();
      return [box.left, box.top, box.right, box.bottom];
    });
  }

  // North as it lies on the ground, seen from here.
  turnRose() {
    const forward = this.eye.target.clone().sub(this.eye.camera.position), level = Math.hypot(forward.x, forward.y);
    const azimuth = (Math.atan2(forward.x, forward.y) * 180) / Math.PI + this.header.convergence;
    const squeeze = Math.max(Math.min(1, -forward.z / Math.hypot(forward.z, level)), 0.6);
    byId("rose").firstElementChild.setAttribute("transform", `scale(1 ${squeeze}) rotate(${-azimuth})`);
  }

  measure() {
    const perPixel = shared.pixelAngle.value * this.eye.camera.position.distanceTo(this.eye.target);
    const longest = perPixel * 200, power = 10 ** Math.floor(Math.log10(longest));
    const length = power * [5, 2, 1].find((f) => f * power <= longest);
    byId("scale").firstElementChild.style.width = `${length / perPixel}px`;
    byId("scale").lastElementChild.textContent = length >= 2000 ? `${length / 1000} km` : `${length} m`;
  }
}

// Called by start.js, which has unpacked this program and the data.
window.showCity = async (packed) => {
  const block = openBlock(packed), probe = document.createElement("canvas").getContext("webgl2");
  if (!probe) return complain(block.header.words[block.header.language].noWebGL);
  probe.getExtension("WEBGL_lose_context")?.loseContext();
  startView();
  await new Page(block).start();
};
