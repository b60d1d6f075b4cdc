// Reads the block that twin.outputs.web.codec has written.

function bytesOf(id) {
  const node = document.getElementById(id);
  const text = atob(node.textContent.trim());
  node.remove();
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

async function inflated(id) {
  const stream = new Blob([bytesOf(id)]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

function openBlock(raw) {
  const length = new DataView(raw.buffer).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(raw.subarray(4, 4 + length)));
  return { header, data: raw.subarray(4 + length) };
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

async function picture(block, place) {
  const bytes = block.data.slice(place.offset, place.offset + place.shape[0]);
  return createImageBitmap(new Blob([bytes], { type: "image/webp" }));
}
