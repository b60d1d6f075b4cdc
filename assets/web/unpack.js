// Unpacks what twin.outputs.web.packing has packed: a raw stream of LZMA, lengths and a checksum before it.
// The stream is as Igor Pavlov's public specification of LZMA tells it.

class DamageError extends Error {}

const HALF = 1024; // a probability of one half; 2048 is certain

// Reads bits, each with the probability that it has had so far.
class RangeReader {
  constructor(bytes) {
    if (bytes.length < 5) throw new DamageError("the data end too early");
    this.bytes = bytes;
    this.at = 5;
    this.range = 0xffffffff;
    this.code = new DataView(bytes.buffer, bytes.byteOffset + 1).getUint32(0);
  }

  bit(chances, i) {
    const chance = chances[i], bound = Math.imul(this.range >>> 11, chance) >>> 0;
    let bit = 0;
    if (this.code < bound) {
      this.range = bound;
      chances[i] = chance + ((2048 - chance) >> 5);
    } else {
      this.range = (this.range - bound) >>> 0;
      this.code = (this.code - bound) >>> 0;
      chances[i] = chance - (chance >> 5);
      bit = 1;
    }
    if (this.range < 0x1000000) this.fill();
    return bit;
  }

  fill() {
    this.range = (this.range << 8) >>> 0;
    this.code = ((this.code << 8) | this.bytes[this.at++]) >>> 0;
  }

  // Bits of equal chance.
  even(n) {
    let value = 0;
    for (; n > 0; n--) {
      this.range >>>= 1;
      const bit = this.code >= this.range ? 1 : 0;
      if (bit) this.code = (this.code - this.range) >>> 0;
      value = (value << 1) | bit;
      if (this.range < 0x1000000) this.fill();
    }
    return value >>> 0;
  }

  // Bits that lead down a tree from a node, each with a chance for each beginning; most of the time goes by here.
  descend(chances, base, node, end) {
    const bytes = this.bytes;
    let range = this.range, code = this.code;
    while (node < end) {
      const i = base + node, chance = chances[i], bound = (range >>> 11) * chance;
      node *= 2;
      if (code < bound) {
        range = bound;
        chances[i] = chance + ((2048 - chance) >> 5);
      } else {
        range -= bound;
        code -= bound;
        chances[i] = chance - (chance >> 5);
        node++;
      }
      if (range < 0x1000000) {
        range = (range << 8) >>> 0;
        code = ((code << 8) | bytes[this.at++]) >>> 0;
      }
    }
    this.range = range;
    this.code = code;
    return node;
  }

  // A number of n bits, the highest first.
  tree(chances, base, n) {
    return this.descend(chances, base, 1, 1 << n) - (1 << n);
  }

  // The same, the lowest first.
  back(chances, base, n) {
    let node = 1, value = 0;
    for (let i = 0; i < n; i++) {
      const bit = this.bit(chances, base + node);
      node = 2 * node + bit;
      value |= bit << i;
    }
    return value;
  }

  // How many bits are set before one that is not; those from `last` on share their chance.
  ones(chances, base, last, most) {
    const bytes = this.bytes;
    let range = this.range, code = this.code, n = 0, isSet = true;
    while (isSet && n <= most) {
      const i = base + (n < last ? n : last), chance = chances[i], bound = (range >>> 11) * chance;
      if (code < bound) {
        range = bound;
        chances[i] = chance + ((2048 - chance) >> 5);
        isSet = false;
      } else {
        range -= bound;
        code -= bound;
        chances[i] = chance - (chance >> 5);
        n++;
      }
      if (range < 0x1000000) {
        range = (range << 8) >>> 0;
        code = ((code << 8) | bytes[this.at++]) >>> 0;
      }
    }
    this.range = range;
    this.code = code;
    return n;
  }
}

const chancesOf = (n) => new Uint16Array(n).fill(HALF);

// Lengths of matches: eight short ones, eight more, then up to 273.
class Lengths {
  constructor() {
    this.kind = chancesOf(2);
    this.low = chancesOf(8);
    this.middle = chancesOf(8);
    this.high = chancesOf(256);
  }

  read(reader) {
    if (!reader.bit(this.kind, 0)) return 2 + reader.tree(this.low, 0, 3);
    if (!reader.bit(this.kind, 1)) return 10 + reader.tree(this.middle, 0, 3);
    return 18 + reader.tree(this.high, 0, 8);
  }
}

// How far back a match begins; near ones are told more finely.
class Distances {
  constructor() {
    this.slot = chancesOf(4 * 64);
    this.middle = chancesOf(128);
    this.low = chancesOf(16);
  }

  read(reader, length) {
    const slot = reader.tree(this.slot, 64 * Math.min(length - 2, 3), 6);
    if (slot < 4) return slot;
    const n = (slot >> 1) - 1, first = ((2 | (slot & 1)) << n) >>> 0;
    if (slot < 14) return first + reader.back(this.middle, first - slot, n);
    return first + reader.even(n - 4) * 16 + reader.back(this.low, 0, 4);
  }
}

const afterLiteral = (state) => (state < 4 ? 0 : state < 10 ? state - 3 : state - 6);

// Literals without contexts (lc, lp and pb are 0): differences of numbers know no neighbours.
function lzma(bytes, length) {
  const reader = new RangeReader(bytes), out = new Uint8Array(length), literal = chancesOf(0x300);
  const isMatch = chancesOf(12), isAgain = chancesOf(12), isOlder = chancesOf(12), isThird = chancesOf(12), isLast = chancesOf(12), isLong = chancesOf(12);
  const fresh = new Lengths(), again = new Lengths(), distances = new Distances();
  let state = 0, a = 0, b = 0, c = 0, d = 0, n = 0;
  while (n < length) {
    if (reader.at > bytes.length + 5) throw new DamageError("the data end too early");
    if (!reader.bit(isMatch, state)) {
      out[n] = literalByte(reader, literal, state < 7 ? -1 : out[n - a - 1]);
      n++;
      state = afterLiteral(state);
      continue;
    }
    let span;
    if (!reader.bit(isAgain, state)) {
      span = fresh.read(reader);
      [d, c, b] = [c, b, a];
      a = distances.read(reader, span);
      state = state < 7 ? 7 : 10;
    } else {
      if (!reader.bit(isOlder, state)) span = reader.bit(isLong, state) ? 0 : 1;
      else if (!reader.bit(isThird, state)) [a, b] = [b, a];
      else if (!reader.bit(isLast, state)) [a, b, c] = [c, a, b];
      else [a, b, c, d] = [d, a, b, c];
      if (span === 1) state = state < 7 ? 9 : 11;
      else {
        span = again.read(reader);
        state = state < 7 ? 8 : 11;
      }
    }
    if (a >= n || n + span > length) throw new DamageError("a match lies outside of the data");
    for (const end = n + span, back = a + 1; n < end; n++) out[n] = out[n - back];
  }
  return out;
}

// After a match the byte that it would have gone on with is known not to come, which the chances are told.
function literalByte(reader, chances, instead) {
  let node = 1;
  if (instead >= 0)
    while (node < 256) {
      const expected = (instead >> 7) & 1, bit = reader.bit(chances, ((1 + expected) << 8) + node);
      instead <<= 1;
      node = 2 * node + bit;
      if (bit !== expected) break;
    }
  return reader.descend(chances, 0, node, 256) & 255;
}

// CRC-32.
function checksum(bytes) {
  let sum = -1;
  for (let i = 0; i < bytes.length; i++) sum = CRC[(sum ^ bytes[i]) & 255] ^ (sum >>> 8);
  return ~sum >>> 0;
}

const CRC = Int32Array.from({ length: 256 }, (_, value) => {
  for (let k = 0; k < 8; k++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value;
});

// The data, and what stands beside them as it is.
function unpacked(bytes) {
  if (bytes.length < 12) throw new DamageError("the data end too early");
  const told = new DataView(bytes.buffer, bytes.byteOffset, 12), [sum, length, nStream] = [0, 4, 8].map((at) => told.getUint32(at, true));
  if (checksum(bytes.subarray(4)) !== sum) throw new DamageError("the checksum differs");
  return { data: lzma(bytes.subarray(12, 12 + nStream), length), beside: bytes.subarray(12 + nStream) };
}
