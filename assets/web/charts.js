// Where points lie in the light map: twin.outputs.web.charting reckons the same, with the same operations in the same order.

// Triangles of faces over all points, in the order of the parts.
function faceTriangles(block) {
  const parts = block.header.facets.meshes, whole = [];
  let first = 0;
  for (const part of parts) {
    whole.push({ first, triangles: numbers(block, part.triangles, Uint32Array) });
    first += part.points;
  }
  return whole;
}

// Place of each point in the light map, in texels, and the rectangles of the faces.
function texelPlaces(block, places, corners, faces, parts) {
  const f = block.header.facets, told = f.charts, n = faces.length;
  const axes = numbers(block, told.axes, Uint32Array), wider = numbers(block, told.wider);
  const flat = projected(f.nFaces, places, corners, faces, parts, axes);
  const { low, high } = limits(f.nFaces, flat, faces), sizes = [new Uint32Array(f.nFaces), new Uint32Array(f.nFaces)];
  for (let i = 0; i < f.nFaces; i++)
    for (let k = 0; k < 2; k++) {
      const expected = Math.ceil((high[2 * i + k] - low[2 * i + k]) / f.texelSteps - told.shy) + 1;
      sizes[k][i] = Math.min(Math.max(expected, 2), 8192) + wider[2 * i + k];
    }
  const corner = packShelves(sizes[0], sizes[1]), odd = numbers(block, told.odd, Uint32Array), oddTexels = numbers(block, told.oddTexels);
  const isOdd = new Uint8Array(f.nFaces);
  for (const face of odd) isOdd[face] = 1;
  for (let i = 0, next = 0; i < n; i++) {
    const face = faces[i], at = [corner.xs[face], corner.ys[face]];
    for (let k = 0; k < 2; k++) {
      const j = 2 * face + k, scale = (sizes[k][face] - 1) / Math.max(high[j] - low[j], 1e-4);
      flat[2 * i + k] = at[k] + (isOdd[face] ? oddTexels[next++] / told.perTexel : (flat[2 * i + k] - low[j]) * scale);
    }
  }
  return { texels: flat, charts: { ...corner, widths: sizes[0], heights: sizes[1] } };
}

function limits(nFaces, flat, faces) {
  const low = new Float64Array(2 * nFaces).fill(Infinity), high = new Float64Array(2 * nFaces).fill(-Infinity);
  for (let i = 0; i < faces.length; i++)
    for (let k = 0; k < 2; k++) {
      const j = 2 * faces[i] + k, value = flat[2 * i + k];
      if (value < low[j]) low[j] = value;
      if (value > high[j]) high[j] = value;
    }
  return { low, high };
}

// Points along the two axes of their faces, in steps from the first corner of the first triangle.
function projected(nFaces, places, corners, faces, parts, axes) {
  const total = new Float64Array(3 * nFaces), start = new Uint32Array(nFaces), along = new Float64Array(3 * nFaces);
  const seen = new Int32Array(nFaces), e = [0, 0, 0], g = [0, 0, 0];
  const way = (from, to, out) => {
    for (let k = 0; k < 3; k++) out[k] = places[3 * corners[to] + k] - places[3 * corners[from] + k];
  };
  for (const { first, triangles } of parts)
    for (let t = 0; t < triangles.length; t += 3) {
      const a = first + triangles[t], b = first + triangles[t + 1], c = first + triangles[t + 2], face = faces[a];
      way(a, b, e);
      way(a, c, g);
      total[3 * face] += e[1] * g[2] - e[2] * g[1];
      total[3 * face + 1] += e[2] * g[0] - e[0] * g[2];
      total[3 * face + 2] += e[0] * g[1] - e[1] * g[0];
      const edge = axes[face] - 1;
      if (!seen[face]) start[face] = a;
      if (edge >= 0 && Math.floor(edge / 3) === seen[face]) {
        way(first + triangles[t + (edge % 3)], first + triangles[t + ((edge + 1) % 3)], e);
        along.set(e, 3 * face);
      }
      seen[face]++;
    }
  const frames = new Float64Array(6 * nFaces);
  for (let face = 0; face < nFaces; face++) putFrame(frames, 6 * face, total, along, 3 * face, axes[face]);
  const flat = new Float64Array(2 * faces.length);
  for (let i = 0; i < faces.length; i++) {
    way(start[faces[i]], i, e);
    for (let k = 0; k < 2; k++) {
      const j = 6 * faces[i] + 3 * k;
      flat[2 * i + k] = e[0] * frames[j] + e[1] * frames[j + 1] + e[2] * frames[j + 2];
    }
  }
  return flat;
}

// Two unit axes in the plane of a face, the first level or along an edge.
function putFrame(frames, at, total, along, from, axis) {
  let x = total[from], y = total[from + 1], z = total[from + 2];
  const size = Math.sqrt(x * x + y * y + z * z), isFlat = size > 1e-9;
  x = isFlat ? x / size : 0;
  y = isFlat ? y / size : 0;
  z = isFlat ? z / size : 1;
  let u = -y, v = x, w = 0;
  if (axis) {
    const off = along[from] * x + along[from + 1] * y + along[from + 2] * z;
    u = along[from] - x * off;
    v = along[from + 1] - y * off;
    w = along[from + 2] - z * off;
  }
  const length = Math.sqrt(u * u + v * v + w * w), isLong = length > 1e-9;
  u = isLong ? u / length : 1;
  v = isLong ? v / length : 0;
  w = isLong ? w / length : 0;
  frames[at] = u;
  frames[at + 1] = v;
  frames[at + 2] = w;
  frames[at + 3] = y * w - z * v;
  frames[at + 4] = z * u - x * w;
  frames[at + 5] = x * v - y * u;
}

// Rectangles laid in rows, tallest first, as twin.scene.charts.pack_shelves does it: corners of each.
function packShelves(widths, heights) {
  const n = widths.length, order = new Uint32Array(n);
  let area = 0, widest = 0;
  for (let i = 0; i < n; i++) {
    order[i] = i;
    area += widths[i] * heights[i];
    widest = Math.max(widest, widths[i]);
  }
  let side = 64;
  while (side < 8192 && (side * side < area || side < widest)) side *= 2;
  order.sort((a, b) => heights[b] - heights[a] || widths[b] - widths[a] || a - b);
  const xs = new Uint32Array(n), ys = new Uint32Array(n);
  let x = 0, y = 0, shelf = n ? heights[order[0]] : 0, first = true;
  for (const i of order) {
    if (!first && x + widths[i] > side) {
      y += shelf;
      x = 0;
      shelf = heights[i];
    }
    xs[i] = x;
    ys[i] = y;
    x += widths[i];
    first = false;
  }
  return { xs, ys };
}
