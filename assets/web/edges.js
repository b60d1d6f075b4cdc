// Lines of houses: which of the edges that bound a face are drawn (twin.outputs.web.edges).

// A set of pairs of numbers, which forgets all when it is given another name.
class Pairs {
  constructor(most) {
    let size = 16;
    while (size < 2 * most) size *= 2;
    this.mask = size - 1;
    this.low = new Int32Array(size);
    this.high = new Int32Array(size);
    this.name = new Int32Array(size).fill(-1);
    this.count = new Uint8Array(size);
  }

  // Where the pair is, or belongs.
  place(low, high, name) {
    let at = (Math.imul(low, 0x9e3779b1) ^ Math.imul(high, 0x85ebca6b)) >>> 0;
    for (at = (at ^ (at >>> 15)) & this.mask; this.name[at] === name; at = (at + 1) & this.mask)
      if (this.low[at] === low && this.high[at] === high) return at;
    this.low[at] = low;
    this.high[at] = high;
    this.name[at] = name;
    this.count[at] = 0;
    return at;
  }
}

// Calls found(low, high) for each edge that belongs to one triangle of a face, once, in the order of the triangles;
// there are `count` of them.
function boundingEdges(parts, corners, faces, count, found) {
  const nTriangles = parts.reduce((n, part) => n + part.triangles.length / 3, 0);
  const ends = new Int32Array(6 * nTriangles), owner = new Int32Array(nTriangles);
  let t = 0;
  for (const { first, triangles } of parts)
    for (let i = 0; i < triangles.length; i += 3, t++) {
      owner[t] = faces[first + triangles[i]];
      for (let k = 0; k < 3; k++) {
        const a = corners[first + triangles[i + k]], b = corners[first + triangles[i + ((k + 1) % 3)]];
        ends[6 * t + 2 * k] = Math.min(a, b);
        ends[6 * t + 2 * k + 1] = Math.max(a, b);
      }
    }
  let most = 1;
  for (let from = 0, to = 0; from < nTriangles; from = to) {
    while (to < nTriangles && owner[to] === owner[from]) to++;
    most = Math.max(most, to - from);
  }
  const inFace = new Pairs(3 * most), all = new Pairs(count), slots = new Int32Array(3 * most);
  for (let from = 0, to = 0; from < nTriangles; from = to) {
    while (to < nTriangles && owner[to] === owner[from]) to++;
    const n = 3 * (to - from), start = 6 * from;
    for (let i = 0; i < n; i++) inFace.count[(slots[i] = inFace.place(ends[start + 2 * i], ends[start + 2 * i + 1], from))]++;
    for (let i = 0; i < n; i++) {
      if (inFace.count[slots[i]] !== 1) continue;
      const low = ends[start + 2 * i], high = ends[start + 2 * i + 1];
      if (all.count[all.place(low, high, 0)]++ === 0) found(low, high);
    }
  }
}

// Pairs of corners, one after the other.
function drawnEdges(block, parts, corners, faces) {
  const told = block.header.edges, shown = numbers(block, told.shown, Uint8Array), others = numbers(block, told.others);
  const pairs = new Int32Array(2 * shown.reduce((n, is) => n + is, 0) + others.length);
  let next = 0, at = 0;
  boundingEdges(parts, corners, faces, shown.length, (low, high) => {
    if (!shown[next++]) return;
    pairs[at++] = low;
    pairs[at++] = high;
  });
  pairs.set(others, at);
  return pairs;
}
