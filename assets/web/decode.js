// Reads the block that twin.outputs.web.codec has written.

function openBlock({ data, beside }) {
  const length = new DataView(data.buffer).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(data.subarray(4, 4 + length)));
  return { header, data: data.subarray(4 + length), beside };
}

// Whole numbers of shape (n, k), row after row, as an array of the given type; scaled, if asked for.
function numbers(block, place, Type = Int32Array, scale = 1) {
  const [n, k] = place.shape;
  const width = place.width, data = block.data, codec = place.codec;
  const out = new Type(n * k);
  for (let column = 0; column < k; column++) {
    const base = place.offset + column * n * width;
    let before = 0, next = 0;
    for (let row = 0; row < n; row++) {
      let value = data[base + row];
      if (width > 1) value |= data[base + n + row] << 8;
      if (width > 2) value = (value | (data[base + 2 * n + row] << 16) | (data[base + 3 * n + row] << 24)) >>> 0;
      if (codec === "back") {
        const back = value;
        value = next - back;
        if (back === 0) next++;
      } else if (codec !== "plain") {
        value = value % 2 ? -(value - 1) / 2 - 1 : value / 2;
        if (codec === "delta") before = value = before + value;
      }
      out[row * k + column] = value * scale;
    }
  }
  return out;
}

// References, of which it is told apart which are new and how far back the others point.
function referencesOf(block, told) {
  const isNew = numbers(block, told.isNew, Uint8Array), back = numbers(block, told.back, Uint32Array), out = new Uint32Array(told.count);
  for (let i = 0, next = 0, old = 0; i < out.length; i++) out[i] = isNew[i >> 3] & (128 >> (i & 7)) ? next++ : next - back[old++];
  return out;
}

// Places of three numbers, many of which stand above others.
function placesOf(block, told) {
  const plan = numbers(block, told.plan), plumb = numbers(block, told.plumb, Uint32Array), heights = numbers(block, told.heights);
  const places = new Int32Array(3 * heights.length);
  for (let i = 0; i < heights.length; i++) {
    places[3 * i] = plan[2 * plumb[i]];
    places[3 * i + 1] = plan[2 * plumb[i] + 1];
    places[3 * i + 2] = heights[i];
  }
  return places;
}

const bytesBeside = (block, place) => block.beside.subarray(place.start, place.start + place.length);

async function picture(block, place) {
  return createImageBitmap(new Blob([bytesBeside(block, place)], { type: "image/webp" }));
}
