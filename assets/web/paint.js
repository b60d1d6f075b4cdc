// Colours: of a style, varied from house to house, or of an attribute's classes.

const HOUSE_KINDS = 3, WALL_SHARE = 0.3, WIDE = 1024;

function makePaints(city, header, block) {
  const letters = new TextEncoder();
  city.chances = Uint32Array.from(header.ids, (id) => checksum(letters.encode(id))); // as twin.scene.paint.id_hash
  for (const [k, i] of header.oddIds.entries()) city.chances[i] = header.oddChances[k];
  city.nHouses = city.chances.length;
  city.firstPlain = HOUSE_KINDS * city.nHouses;
  city.firstCover = city.firstPlain + 16;
  city.firstModel = city.firstCover + 32;
  city.nModelPoints = 0;
  city.modelColours = new Map();
  city.colourOf = (rgb, i) => {
    const key = (rgb[3 * i] << 16) | (rgb[3 * i + 1] << 8) | rgb[3 * i + 2];
    if (!city.modelColours.has(key)) city.modelColours.set(key, city.modelColours.size);
    return city.firstModel + city.modelColours.get(key);
  };
  city.paints = { value: null };
}

// The same choice as twin.scene.paint makes: one of a palette for each hash, a little lighter or darker.
function varied(palette, chance, salt) {
  const mixed = ((Math.imul(chance, 2654435761) + salt * 40503) >>> 0) >>> 7;
  const tone = 1 + 0.05 * (((mixed >>> 9) % 1024) / 511.5 - 1);
  return palette[mixed % palette.length].map((c) => Math.min(255, Math.max(0, Math.round(c * tone))));
}

function put(data, at, rgb) {
  data[4 * at] = rgb[0];
  data[4 * at + 1] = rgb[1];
  data[4 * at + 2] = rgb[2];
  data[4 * at + 3] = 255;
}

const mixed = (a, b, share) => a.map((c, i) => Math.round(c * (1 - share) + b[i] * share));

// houseColour(i) gives a colour for a house or null; chosen is lifted out.
function repaint(city, look, houseColour, chosen) {
  const rows = Math.ceil((city.firstModel + city.modelColours.size) / WIDE) || 1;
  if (!city.paints.value) {
    city.paints.value = new THREE.DataTexture(new Uint8Array(4 * WIDE * rows), WIDE, rows);
  }
  const data = city.paints.value.image.data;
  for (let i = 0; i < city.nHouses; i++) {
    const given = houseColour(i);
    for (let kind = 0; kind < HOUSE_KINDS; kind++) {
      let rgb = varied(look.houses[kind], city.chances[i], kind);
      if (given) rgb = kind === 0 ? mixed(given, rgb, WALL_SHARE) : given;
      if (i === chosen) rgb = mixed(rgb, look.text.accent, 0.72);
      put(data, HOUSE_KINDS * i + kind, rgb);
    }
  }
  for (const [kind, rgb] of Object.entries(look.plain)) put(data, city.firstPlain + Number(kind), rgb);
  look.covers.forEach((rgb, i) => put(data, city.firstCover + i, rgb));
  for (const [key, i] of city.modelColours) put(data, city.firstModel + i, [key >> 16, (key >> 8) & 255, key & 255]);
  city.paints.value.needsUpdate = true;
}

function dress(city, look) {
  for (const name of ["sun", "sky", "bounce"]) shared[name + "Light"].value.set(...look.light[name + "Light"]);
  shared.horizon.value.set(...look.sky.horizon);
  shared.zenith.value.set(...look.sky.zenith);
  shared.hazeShare.value = look.hazeShare;
  city.lineLook.uniforms.lineColour.value.set(...look.edge);
  city.unbuiltLook.uniforms.lineColour.value.set(...look.unbuilt, 0.95);
  city.tableLook.uniforms.paint.value.set(...look.sky.ground);
  city.waterLook.uniforms.deepColour.value.set(...look.water.deep);
  city.waterLook.uniforms.shoreColour.value.set(...look.water.shore);
  look.overlays.forEach((rgb, i) => city.overlayLooks[i].uniforms.lineColour.value.set(...rgb.map((c) => c / 255), 0.95));
  if (city.trees) dressTrees(city, look);
}

function dressTrees(city, look) {
  const of = city.trees.look;
  city.barkColour.value.set(...look.trunk.map((c) => c / 255));
  for (const { tone, chosen } of city.trees.tones) {
    chosen.forEach((i, row) => {
      const form = of[5 * i], tint = of[5 * i + 2] / 127.5 - 1, sun = of[5 * i + 3], sky = of[5 * i + 4];
      const palette = look.trees[form < 3 ? 0 : form - 2];
      const base = palette[Math.min(Math.floor(((tint + 1) / 2) * palette.length), palette.length - 1)];
      const strength = (0.72 + (0.28 * sky) / 255) * (1 + 0.06 * Math.sin(tint * 40));
      base.forEach((c, k) => (tone.array[4 * row + k] = Math.min(255, Math.round(c * strength))));
      tone.array[4 * row + 3] = sun;
    });
    tone.needsUpdate = true;
  }
}
