// Light of faces: twin.outputs.web.lit_charts has told each texel by its difference to what its neighbours let expect.

const BINS = 32, CONTEXTS = 36, MOST_OFF = 600;

function litCharts(bytes, step, [rows, columns], { xs, ys, widths, heights }) {
  const reader = new RangeReader(bytes), chances = chancesOf(CONTEXTS * BINS), levels = new Int16Array(rows * columns);
  let first = 0;
  for (let f = 0; f < xs.length; f++) {
    const start = ys[f] * columns + xs[f], w = widths[f];
    levels[start] = first += difference(reader, chances, 0);
    for (let x = 1; x < w; x++) levels[start + x] = levels[start + x - 1] + difference(reader, chances, 1);
    for (let y = 1; y < heights[f]; y++) {
      const row = start + y * columns;
      for (let x = 0; x < w; x++) {
        const i = row + x, above = levels[i - columns], aside = x + 1 < w ? Math.abs(levels[i - columns + 1] - above) : 0;
        let expected = above, context = 32 + Math.min(aside, 3);
        if (x) {
          const left = levels[i - 1], corner = levels[i - columns - 1];
          expected = Math.min(Math.max(left + above - corner, Math.min(left, above)), Math.max(left, above));
          context = 2 + Math.min(Math.abs(left - corner) + Math.abs(above - corner), 9) + 10 * Math.min(aside, 2);
        }
        levels[i] = expected + difference(reader, chances, context);
      }
    }
  }
  const light = new Uint8Array(rows * columns);
  for (let i = 0; i < light.length; i++) light[i] = Math.min(levels[i] * step, 255);
  return light;
}

function difference(reader, chances, context) {
  const folded = reader.ones(chances, context * BINS, BINS - 1, MOST_OFF);
  if (folded > MOST_OFF) throw new DamageError("no level of light");
  return folded & 1 ? -((folded + 1) >> 1) : folded >> 1;
}
