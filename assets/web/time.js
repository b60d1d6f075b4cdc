// What changes: water that stands and flows off, and values of sensors.

class Flood {
  constructor(city, block, track, name, maps) {
    const water = track.water, grid = water.grid, n = grid.rows * grid.columns;
    const bits = numbers(block, water.kept, Uint8Array);
    this.at = new Int32Array(n).fill(-1);
    this.cells = [];
    for (let i = 0; i < n; i++) if (bits[i >> 3] & (128 >> (i & 7))) this.at[i] = this.cells.push(i) - 1;
    this.grid = grid;
    this.water = water;
    this.bed = numbers(block, water.bed, Float32Array, 0.01);
    this.noBed = water.noBed * 0.01 + 1;
    this.depths = this.sums(block, water.frames, 0.01);
    this.values = water.values ? this.sums(block, water.values, 0.001) : this.depths;
    this.build(city, block, name, maps);
  }

  // Each moment is told as the difference to the one before.
  sums(block, frames, scale) {
    let before = new Int32Array(this.cells.length);
    return frames.map((place) => {
      const now = numbers(block, place);
      for (let i = 0; i < now.length; i++) now[i] += before[i];
      before = now;
      return Float32Array.from(now, (v) => v * scale);
    });
  }

  build(city, block, name, maps) {
    const { columns, rows, cell, x, y } = this.grid, n = this.cells.length, triangles = [];
    const position = new Float32Array(3 * n);
    this.cells.forEach((c, i) => {
      position[3 * i] = x + (c % columns) * cell;
      position[3 * i + 1] = y - Math.floor(c / columns) * cell;
    });
    this.around = new Int32Array(8 * n).fill(-1);
    this.cells.forEach((c, i) => {
      const column = c % columns, row = Math.floor(c / columns);
      let k = 0;
      for (let dy = -1; dy <= 1; dy++)
        for (let dx = -1; dx <= 1; dx++) {
          if (!dx && !dy) continue;
          const inside = column + dx >= 0 && column + dx < columns && row + dy >= 0 && row + dy < rows;
          this.around[8 * i + k++] = inside ? this.at[c + dy * columns + dx] : -1;
        }
      if (column + 1 >= columns || row + 1 >= rows) return;
      const b = this.at[c + 1], d = this.at[c + columns], e = this.at[c + columns + 1];
      if (b >= 0 && d >= 0 && e >= 0) triangles.push(i, d, e, i, e, b);
    });
    this.shape = geometry(position, Uint32Array.from(triangles));
    this.depth = new THREE.BufferAttribute(new Float32Array(n), 1);
    this.shade = new THREE.BufferAttribute(new Uint8Array(3 * n), 3, true);
    this.shape.setAttribute("texel", new THREE.BufferAttribute(planPlaces(block.header, position), 2));
    this.shape.setAttribute("depth", this.depth);
    this.shape.setAttribute("shade", this.shade);
    const look = material(block.header, "flood", { ...maps.plan, overlay: city.laid }, { transparent: true, side: THREE.DoubleSide });
    const thing = mesh(city, name, this.shape, look);
    thing.frustumCulled = false;
    thing.renderOrder = 2;
  }

  show(moment, look) {
    const first = Math.floor(moment), last = Math.min(first + 1, this.depths.length - 1), share = moment - first;
    const a = this.depths[first], b = this.depths[last], va = this.values[first], vb = this.values[last];
    const p = this.shape.attributes.position.array, n = this.cells.length, now = new Float32Array(n);
    for (let i = 0; i < n; i++) now[i] = a[i] + (b[i] - a[i]) * share;
    for (let i = 0; i < n; i++) {
      let depth = now[i], value = va[i] + (vb[i] - va[i]) * share, surface = this.bed[i] + depth;
      if (depth < 0.01) [surface, depth, value] = this.beside(i, now, va);
      p[3 * i + 2] = surface + 0.03;
      this.depth.array[i] = depth;
      this.shade.array.set(this.colour(value, depth, look), 3 * i);
    }
    this.shape.attributes.position.needsUpdate = this.depth.needsUpdate = this.shade.needsUpdate = true;
  }

  // A dry place beside water goes on with the water's surface, so that the shore lies where that meets the ground.
  beside(i, now, values) {
    let surface = 0, depth = 0, value = 0, count = 0, natural = 0;
    for (let k = 8 * i; k < 8 * i + 8; k++) {
      const j = this.around[k];
      if (j < 0 || now[j] < 0.01) continue;
      surface += this.bed[j] + now[j];
      depth += now[j];
      if (values[j] >= 0) value += values[j];
      else natural++;
      count++;
    }
    const shade = count > natural ? value / (count - natural) : -1;
    const bed = this.bed[i], hasBed = bed > this.noBed;
    if (!count) return [hasBed ? bed : 0, -1, 0];
    if (!hasBed) return [surface / count, depth / count, shade];
    return [surface / count, Math.min(surface / count - bed, 0) - 0.005, shade];
  }

  // Rivers of the map have no class: water as one would see it.
  colour(value, depth, look) {
    if (this.water.colours.length && value >= 0) {
      let i = 0;
      while (i < this.water.breaks.length && value >= this.water.breaks[i]) i++;
      return this.water.colours[i];
    }
    const share = Math.min(1, Math.max(0, depth / 1.2));
    return look.water.shore.map((c, k) => 255 * (c + (look.water.deep[k] - c) * share));
  }
}

// Bands along lines, such as roads by their state.
class Bands {
  constructor(city, block, track, name) {
    const lines = track.lines, p = numbers(block, lines.points, Float32Array, 0.01), starts = numbers(block, lines.starts, Uint32Array);
    this.lines = lines;
    this.codes = numbers(block, lines.codes, Uint8Array);
    this.count = starts.length - 1;
    const position = [], triangles = [];
    this.owner = [];
    for (let line = 0; line < this.count; line++)
      for (let i = starts[line]; i + 1 < starts[line + 1]; i++) {
        const dx = p[3 * i + 3] - p[3 * i], dy = p[3 * i + 4] - p[3 * i + 1], length = Math.hypot(dx, dy) || 1;
        const sx = (-dy / length) * lines.width / 2, sy = (dx / length) * lines.width / 2, first = position.length / 3;
        for (const [k, side] of [[i, 1], [i, -1], [i + 1, 1], [i + 1, -1]]) {
          position.push(p[3 * k] + side * sx, p[3 * k + 1] + side * sy, p[3 * k + 2] + 0.1);
          this.owner.push(line);
        }
        triangles.push(first, first + 1, first + 3, first, first + 3, first + 2);
      }
    const shape = geometry(new Float32Array(position), Uint32Array.from(triangles));
    this.shade = new THREE.BufferAttribute(new Uint8Array(position.length), 3, true);
    shape.setAttribute("shade", this.shade);
    this.thing = mesh(city, name, shape, material(block.header, "band", {}, { transparent: true, side: THREE.DoubleSide, depthWrite: false }));
    this.thing.renderOrder = 1;
  }

  show(moment) {
    const k = Math.min(Math.round(moment), this.lines.shown.length - 1);
    this.thing.visible = this.lines.shown[k];
    this.owner.forEach((line, i) => this.shade.array.set(this.lines.colours[this.codes[k * this.count + line]], 3 * i));
    this.shade.needsUpdate = true;
  }
}

class Marks {
  constructor(track, words, parent, chosen) {
    this.track = track;
    this.words = words;
    const marks = track.markers;
    this.nodes = marks.ids.map((id, i) => {
      const node = document.createElement("button");
      node.type = "button";
      node.className = "mark";
      node.append(document.createElement("span"));
      node.addEventListener("click", (e) => chosen(this, i, e));
      parent.append(node);
      return node;
    });
    this.places = marks.places.map((p) => new THREE.Vector3(...p));
    this.sizes = [];
    this.visible = true;
  }

  frame(moment) {
    return this.track.markers.frames[Math.min(Math.round(moment), this.track.markers.frames.length - 1)];
  }

  show(moment) {
    this.now = this.frame(moment);
    this.nodes.forEach((node, i) => {
      const told = this.now[i];
      if (!told) return;
      const [, rgb, state, , alarm] = told, text = this.words.aged(told[0]);
      node.firstChild.textContent = text;
      node.title = this.track.markers.ids[i] + (text ? ": " + text : "");
      node.style.backgroundColor = `rgb(${rgb.join(" ")})`;
      node.classList.toggle("stale", state === 1);
      node.classList.toggle("missing", state > 1);
      node.classList.toggle("alarm", alarm === 1);
    });
  }

  // Puts the marks where their stations are seen, and returns the boxes of those.
  locate(project) {
    this.spots = this.places.map((p, i) => (this.visible && this.now[i] ? project(p) : null));
    this.nodes.forEach((node, i) => {
      const spot = this.spots[i];
      node.hidden = !spot;
      if (spot) node.style.transform = `translate(${spot.x}px, ${spot.y}px)`;
    });
    return this.spots.flatMap((spot, i) => (spot ? [around(spot, this.now[i][4] ? 12 : 8)] : []));
  }

  // Writes values where they find room, alarms first, then the nearest; what is taken grows by them.
  tell(taken, most) {
    const { now, spots } = this, order = this.nodes.map((_, i) => i).filter((i) => spots[i]);
    order.sort((a, b) => now[b][4] - now[a][4] || now[a][2] - now[b][2] || spots[a].distance - spots[b].distance);
    for (const i of order) {
      const told = this.nodes[i].firstChild, spot = this.spots[i];
      told.hidden = !told.textContent || most === 0;
      if (told.hidden) continue;
      if (told.dataset.of !== told.textContent) {
        told.dataset.of = told.textContent;
        this.sizes[i] = [told.offsetWidth, told.offsetHeight];
      }
      const box = freeBox(spot, this.sizes[i], this.now[i][4] ? 15 : 10, taken);
      told.hidden = !box;
      if (!box) continue;
      // Measured from inside the rim of the mark.
      told.style.left = Math.round(box[0] - spot.x + 5) + "px";
      told.style.top = Math.round(box[1] - spot.y + 5) + "px";
      taken.push(box);
      most--;
    }
    return most;
  }
}

function around(spot, r) {
  return [spot.x - r, spot.y - r, spot.x + r, spot.y + r];
}

// The first box beside a mark that covers nothing: right of it, left, above, aslant, below; null if there is none.
function freeBox(spot, [w, h], away, taken) {
  const { x, y } = spot, aslant = 0.6 * away;
  const corners = [
    [x + away, y - h / 2],
    [x - away - w, y - h / 2],
    [x - w / 2, y - away - h],
    [x + aslant, y - aslant - h],
    [x - aslant - w, y - aslant - h],
    [x - w / 2, y + away],
  ];
  const boxes = corners.map(([left, top]) => [left, top, left + w, top + h]);
  const fits = (b) => b[0] >= 2 && b[1] >= 2 && b[2] <= innerWidth - 2 && b[3] <= innerHeight - 2;
  return boxes.find((b) => fits(b) && !covers(b, taken)) || null;
}

// Whether a box lies over any of those that are taken.
function covers(box, taken) {
  return taken.some((t) => t[0] < box[2] && box[0] < t[2] && t[1] < box[3] && box[1] < t[3]);
}

function historyPath(series, ns = "http://www.w3.org/2000/svg") {
  const known = series.filter(([, v]) => v !== null);
  if (known.length < 2) return null;
  const ts = known.map(([t]) => -Math.abs(t)), vs = known.map(([, v]) => v);
  const t0 = Math.min(...ts), t1 = Math.max(...ts), v0 = Math.min(...vs), v1 = Math.max(...vs);
  let d = "", pen = "M";
  for (const [t, v] of series) {
    if (v === null) { pen = "M"; continue; }
    d += `${pen}${((-Math.abs(t) - t0) / (t1 - t0 || 1)) * 300} ${76 - ((v - v0) / (v1 - v0 || 1)) * 70}`;
    pen = "L";
  }
  const svg = document.createElementNS(ns, "svg"), path = document.createElementNS(ns, "path");
  svg.setAttribute("viewBox", "0 0 300 80");
  svg.setAttribute("preserveAspectRatio", "none");
  path.setAttribute("d", d);
  svg.append(path);
  return svg;
}
