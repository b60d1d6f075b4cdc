// Walks over the ground as twin.outputs.web.walking has told it.

const NEW = 0, RIGHT = 1, LEFT = 2, OTHER = 3, NOTHING = 4;

// Edges of what was walked over, as the triangles across them have them; the last ones are gone on from first.
class Rim {
  constructor(most, points) {
    for (const name of ["start", "end", "beforeOut", "beforeInto", "stack"]) this[name] = new Int32Array(most);
    this.isOpen = new Uint8Array(most);
    this.out = new Int32Array(points).fill(-1);
    this.into = new Int32Array(points).fill(-1);
    this.count = this.waiting = 0;
  }
  add(start, end) {
    const number = this.count++;
    this.start[number] = start;
    this.end[number] = end;
    this.isOpen[number] = 1;
    this.stack[this.waiting++] = number;
    this.beforeOut[number] = this.out[start];
    this.beforeInto[number] = this.into[end];
    this.out[start] = this.into[end] = number;
  }
  pop() {
    while (this.waiting) {
      const number = this.stack[--this.waiting];
      if (!this.isOpen[number]) continue;
      this.isOpen[number] = 0;
      return number;
    }
    return -1;
  }
  lastOpen(heads, before, corner) {
    let number = heads[corner];
    while (number >= 0 && !this.isOpen[number]) number = before[number];
    return (heads[corner] = number);
  }
  right(end) {
    return this.lastOpen(this.out, this.beforeOut, end);
  }
  left(start) {
    return this.lastOpen(this.into, this.beforeInto, start);
  }
  take(a, b, c) {
    const right = this.right(b), left = this.left(a);
    if (right >= 0 && this.end[right] === c) this.isOpen[right] = 0;
    else this.add(c, b);
    if (left >= 0 && this.start[left] === c) this.isOpen[left] = 0;
    else this.add(a, c);
  }
}

// Places in steps, triangles over them, and the kind of each triangle.
function walkedGround(block) {
  const told = block.header.ground, places = numbers(block, told.points), kinds = numbers(block, told.kinds, Uint8Array);
  const signs = numbers(block, told.signs, Uint8Array), back = numbers(block, told.back, Uint32Array);
  const triangles = new Uint32Array(3 * kinds.length), rim = new Rim(3 * kinds.length, places.length / 3);
  let known = 0, sign = 0, named = 0;
  const place = (a, b) => {
    for (let k = 0; k < 3 && a >= 0; k++) places[3 * known + k] += (places[3 * a + k] + places[3 * b + k]) >> 1;
    return known++;
  };
  const name = (a, b) => {
    const number = known - back[named++];
    return number === known ? place(a, b) : number;
  };
  for (let t = 0; t < triangles.length; ) {
    const number = rim.pop();
    if (number < 0) {
      for (let k = 0; k < 3; k++) triangles[t + k] = name(known - 1, known - 1);
      for (let k = 0; k < 3; k++) rim.add(triangles[t + ((k + 1) % 3)], triangles[t + k]);
      t += 3;
      continue;
    }
    const a = rim.start[number], b = rim.end[number], what = signs[sign++];
    if (what === NOTHING) continue;
    const c = what === NEW ? place(a, b) : what === RIGHT ? rim.end[rim.right(b)] : what === LEFT ? rim.start[rim.left(a)] : name(a, b);
    triangles.set([a, b, c], t);
    rim.take(a, b, c);
    t += 3;
  }
  return { places, triangles, kinds };
}

// The ground cut into tiles that a camera can skip, each with what is of one kind together; a corner where two kinds meet is there twice.
function groundTiles(block, perTile = 5000) {
  const { places, triangles, kinds } = walkedGround(block), { waterKind } = block.header.ground, n = kinds.length;
  const [west, south, east, north] = block.header.block.map((v) => v / block.header.step);
  const side = Math.max(1, Math.ceil(Math.sqrt(n / perTile))), tiles = new Map();
  const cell = (value, low, high) => Math.min(Math.max(Math.floor(((value - low) / (high - low)) * side), 0), side - 1);
  const local = new Uint32Array(places.length / 3), owner = new Int32Array(local.length).fill(-1), keys = new Uint32Array(n);
  for (let t = 0; t < n; t++) {
    const x = cell(places[3 * triangles[3 * t]], west, east), y = cell(places[3 * triangles[3 * t] + 1], south, north);
    keys[t] = (y * side + x) * 256 + kinds[t];
  }
  const order = Uint32Array.from(keys.keys()).sort((a, b) => keys[a] - keys[b] || a - b);
  for (const t of order) {
    const isWater = kinds[t] >= waterKind, name = 2 * (keys[t] >> 8) + isWater;
    if (!tiles.has(name)) tiles.set(name, { isWater, points: [], covers: [], triangles: [] });
    const tile = tiles.get(name);
    for (let k = 0; k < 3; k++) {
      const p = triangles[3 * t + k];
      if (owner[p] !== keys[t]) {
        owner[p] = keys[t];
        local[p] = tile.covers.length;
        tile.covers.push(kinds[t] % waterKind);
        tile.points.push(places[3 * p], places[3 * p + 1], places[3 * p + 2]);
      }
      tile.triangles.push(local[p]);
    }
  }
  return tiles.values();
}
