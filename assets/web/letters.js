// Thirteen bits in two of 91 letters, as twin.outputs.web.letters has written them; what is no letter is passed over.
function bytesOf(id) {
  const node = document.getElementById(id), length = Number(node?.dataset.bytes), text = node?.textContent ?? "";
  const digits = new Uint8Array(128).fill(91), bytes = new Uint8Array(length || 0);
  for (let code = 33, next = 0; code < 127; code++) if (!"<>&".includes(String.fromCharCode(code))) digits[code] = next++;
  let held = 0, bits = 0, first = -1, letters = 0, at = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i), digit = code < 128 ? digits[code] : 91;
    if (digit === 91) continue;
    letters++;
    if (first < 0) {
      first = digit;
      continue;
    }
    held = (held << 13) | (first * 91 + digit);
    first = -1;
    for (bits += 13; bits >= 8 && at < length; bits -= 8) bytes[at++] = held >> (bits - 8);
    held &= 255;
  }
  node?.remove();
  if (!length || letters !== 2 * Math.ceil((8 * length) / 13)) throw new DamageError(`${id}: ${at} / ${length || "?"}`);
  return bytes;
}
