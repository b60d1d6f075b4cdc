// Meshes of the city from the block: faces, ground, water, trees, lines, table and sky.

const shared = {}; // uniforms that all materials share: { name: { value } }

function startShared(header) {
  const three = (v) => ({ value: new THREE.Vector3(...v) });
  for (const name of ["sunLight", "skyLight", "bounceLight", "horizon", "zenith", "eye"]) shared[name] = three([0, 0, 0]);
  for (const name of ["hazeStart", "hazeLength", "hazeShare", "pixelAngle", "sunLevel"]) shared[name] = { value: 0 };
  shared.parallelPixel = { value: 1e-9 };
  shared.groupOpacity = { value: 1 };
  shared.sunDirection = three(header.sun);
  shared.sunLevel.value = Math.max(header.sun[2], 0);
}

function material(header, name, own = {}, options = {}) {
  const { vertex, fragment } = header.shaders[name];
  return new THREE.RawShaderMaterial({
    glslVersion: THREE.GLSL3, vertexShader: vertex, fragmentShader: fragment, uniforms: { ...shared, ...own }, ...options,
  });
}

function greyTexture(image, repeat = false) {
  const made = image.data ? new THREE.DataTexture(image.data, image.width, image.height) : new THREE.Texture(image);
  made.format = THREE.RedFormat;
  made.flipY = made.generateMipmaps = false;
  made.unpackAlignment = 1;
  made.minFilter = made.magFilter = THREE.LinearFilter;
  if (repeat) made.wrapS = made.wrapT = THREE.RepeatWrapping;
  made.needsUpdate = true;
  return made;
}

// Phones may take less than 8192 texels a side.
async function fitted(image, most) {
  if (Math.max(image.width, image.height) <= most) return image;
  const canvas = document.createElement("canvas");
  canvas.width = Math.min(image.width, most);
  canvas.height = Math.min(image.height, most);
  canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
  return createImageBitmap(canvas);
}

async function lightMaps(block, most) {
  const maps = {};
  for (const [name, parts] of Object.entries(block.header.light)) {
    const images = await Promise.all([picture(block, parts.sun), picture(block, parts.sky)]);
    const [sun, sky] = await Promise.all(images.map((image) => fitted(image, most)));
    maps[name] = { sunMap: { value: greyTexture(sun) }, skyMap: { value: greyTexture(sky) } };
  }
  return maps;
}

function geometry(position, triangles) {
  const made = new THREE.BufferGeometry();
  made.setAttribute("position", new THREE.BufferAttribute(position, 3));
  made.setIndex(new THREE.BufferAttribute(position.length / 3 > 65535 ? triangles : Uint16Array.from(triangles), 1));
  made.computeBoundingBox();
  made.computeBoundingSphere();
  return made;
}

function mesh(city, group, geometry, look) {
  const made = new THREE.Mesh(geometry, look);
  made.matrixAutoUpdate = false;
  add(city, group, made);
  return made;
}

function add(city, group, thing) {
  (city.groups[group] ||= new THREE.Group()).add(thing);
}

// Sun and sky on the faces; where a side is longer than the graphics take, coarser.
async function faceMaps(block, charts, most) {
  const f = block.header.facets, [rows, columns] = f.atlas, maps = {};
  for (const name of ["sun", "sky"]) {
    const light = litCharts(bytesBeside(block, f.light[name]), f.light.step, f.atlas, charts);
    const isLarge = Math.max(rows, columns) > most, image = { data: light, width: columns, height: rows };
    maps[name + "Map"] = { value: greyTexture(isLarge ? await fitted(greyPicture(image), most) : image) };
  }
  return maps;
}

function greyPicture({ data, width, height }) {
  const canvas = document.createElement("canvas"), pixels = new ImageData(width, height), whole = new Uint32Array(pixels.data.buffer);
  for (let i = 0; i < data.length; i++) whole[i] = (255 << 24) | (data[i] * 0x10101);
  Object.assign(canvas, { width, height }).getContext("2d").putImageData(pixels, 0, 0);
  return canvas;
}

async function addFaces(city, block, most) {
  const f = block.header.facets, step = block.header.step;
  const places = placesOf(block, f.places), corners = referencesOf(block, f.corners);
  const faces = numbers(block, f.faces, Uint32Array), parts = faceTriangles(block);
  const { texels, charts } = texelPlaces(block, places, corners, faces, parts), maps = await faceMaps(block, charts, most);
  const owners = numbers(block, f.owners), kinds = numbers(block, f.materials, Uint8Array);
  const rgb = numbers(block, f.rgb, Uint8Array);
  const [rows, columns] = f.atlas;
  const look = material(block.header, "face", { ...maps, paints: city.paints });
  const sheets = material(block.header, "face", { ...maps, paints: city.paints }, { side: THREE.DoubleSide });
  for (const [k, part] of f.meshes.entries()) {
    const { first, triangles } = parts[k], n = part.points, position = new Float32Array(3 * n), place = new Float32Array(2 * n);
    const paint = new Float32Array(n), owner = owners.subarray(first, first + n);
    for (let i = 0; i < n; i++) {
      const p = first + i, corner = corners[p];
      for (let k = 0; k < 3; k++) position[3 * i + k] = places[3 * corner + k] * step;
      place[2 * i] = (texels[2 * p] + 0.5) / columns;
      place[2 * i + 1] = (texels[2 * p + 1] + 0.5) / rows;
      paint[i] = kinds[p] < 3 ? 3 * owner[i] + kinds[p] : city.firstPlain + kinds[p];
      if (part.group === "models") paint[i] = city.colourOf(rgb, city.nModelPoints++);
    }
    const shape = geometry(position, triangles);
    shape.setAttribute("texel", new THREE.BufferAttribute(place, 2));
    shape.setAttribute("paint", new THREE.BufferAttribute(paint, 1));
    const group = part.group === "models" ? "overlay " + part.overlay : part.group;
    mesh(city, group, shape, part.group === "models" ? sheets : look).userData.owner = part.group === "buildings" ? owner : null;
  }
  addEdges(city, block, places, drawnEdges(block, parts, corners, faces));
  addUnbuilt(city, block);
}

function addEdges(city, block, places, pairs) {
  const tiles = 4000, step = block.header.step;
  city.lineLook = material(block.header, "line", { lineColour: { value: new THREE.Vector4() }, lineReach: { value: 0.28 } }, { transparent: true, depthWrite: false });
  for (let first = 0; first < pairs.length; first += 2 * tiles) {
    const n = Math.min(2 * tiles, pairs.length - first), ends = new Float32Array(3 * n);
    for (let i = 0; i < n; i++) for (let k = 0; k < 3; k++) ends[3 * i + k] = places[3 * pairs[first + i] + k] * step;
    addLines(city, "edges", ends, city.lineLook);
  }
}

// Outlines of buildings that have no shape stay dark however far away they are.
function addUnbuilt(city, block) {
  const { unbuilt, step } = block.header;
  city.unbuiltLook = material(block.header, "line", { lineColour: { value: new THREE.Vector4() }, lineReach: { value: 1e9 } }, { transparent: true });
  if (unbuilt.shape[0]) addLines(city, "edges", numbers(block, unbuilt, Float32Array, step), city.unbuiltLook);
}

function addLines(city, group, ends, look) {
  const shape = new THREE.BufferGeometry();
  shape.setAttribute("position", new THREE.BufferAttribute(ends, 3));
  const lines = new THREE.LineSegments(shape, look);
  lines.matrixAutoUpdate = false;
  lines.renderOrder = 3;
  add(city, group, lines);
}

function planPlaces(header, position) {
  const plan = header.plan, place = new Float32Array((position.length / 3) * 2);
  for (let i = 0; i < position.length / 3; i++) {
    place[2 * i] = (position[3 * i] - plan.x_min) / plan.texel_m / plan.columns;
    place[2 * i + 1] = (plan.y_max - position[3 * i + 1]) / plan.texel_m / plan.rows;
  }
  return place;
}

function addGround(city, block, maps) {
  const header = block.header;
  city.drape = { value: new THREE.DataTexture(new Uint8Array(4), 1, 1) };
  city.drape.value.needsUpdate = true;
  city.laid = { value: city.drape.value };
  const own = { ...maps.plan, paints: city.paints, overlay: city.drape };
  const land = material(header, header.overlayPictures.length || header.time.tracks.some((t) => t.drape) ? "draped" : "face", own);
  city.waterLook = material(header, "water", {
    ...maps.plan, paints: city.paints, grainMap: { value: grain() }, mirrorImage: city.drape, mirrorShare: { value: 0 },
    mirrorScale: { value: new THREE.Vector2(1, 1) }, deepColour: { value: new THREE.Vector3() }, shoreColour: { value: new THREE.Vector3() },
  });
  for (const part of groundTiles(block)) {
    const position = Float32Array.from(part.points, (v) => v * header.step), paint = Float32Array.from(part.covers, (c) => city.firstCover + c);
    const shape = geometry(position, Uint32Array.from(part.triangles));
    shape.setAttribute("texel", new THREE.BufferAttribute(planPlaces(header, position), 2));
    shape.setAttribute("paint", new THREE.BufferAttribute(paint, 1));
    mesh(city, part.isWater ? "water" : "ground", shape, part.isWater ? city.waterLook : land);
  }
}

// Smooth noise that repeats, for the ripples of still water.
function grain() {
  const side = 64, wide = 256, seeds = new Float32Array(side * side), data = new Uint8Array(wide * wide);
  let state = 12345;
  for (let i = 0; i < seeds.length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    seeds[i] = state / 2 ** 32;
  }
  const ease = (t) => t * t * (3 - 2 * t), at = (x, y) => seeds[(y % side) * side + (x % side)];
  for (let y = 0; y < wide; y++)
    for (let x = 0; x < wide; x++) {
      const u = (x * side) / wide, v = (y * side) / wide, i = Math.floor(u), j = Math.floor(v), a = ease(u - i), b = ease(v - j);
      const low = at(i, j) * (1 - a) + at(i + 1, j) * a, high = at(i, j + 1) * (1 - a) + at(i + 1, j + 1) * a;
      data[y * wide + x] = 255 * (low * (1 - b) + high * b);
    }
  const made = new THREE.DataTexture(data, wide, wide, THREE.RedFormat);
  made.wrapS = made.wrapT = THREE.RepeatWrapping;
  made.minFilter = THREE.LinearMipmapLinearFilter;
  made.magFilter = THREE.LinearFilter;
  made.generateMipmaps = made.needsUpdate = true;
  return made;
}

function addTable(city, block, maps) {
  const { block: b, tableBounds: t } = block.header;
  const radius = 29 * Math.max(b[2] - b[0], b[3] - b[1], 100), spokes = 48, steps = [0, 0.02, 0.05, 0.1, 0.25, 1];
  const middle = [(t[0] + t[2]) / 2, (t[1] + t[3]) / 2], position = [], place = [], triangles = [];
  for (const step of steps)
    for (let i = 0; i < spokes; i++) {
      const x = middle[0] + step * radius * Math.cos((i * 2 * Math.PI) / spokes), y = middle[1] + step * radius * Math.sin((i * 2 * Math.PI) / spokes);
      position.push(x, y, b[4] - 0.02);
      place.push((x - t[0]) / (t[2] - t[0]), (y - t[1]) / (t[3] - t[1]));
    }
  for (let ring = 0; ring + 1 < steps.length; ring++)
    for (let i = 0; i < spokes; i++) {
      const a = ring * spokes + i, c = ring * spokes + ((i + 1) % spokes);
      triangles.push(a, a + spokes, c + spokes, a, c + spokes, c);
    }
  const shape = geometry(new Float32Array(position), Uint32Array.from(triangles));
  shape.setAttribute("texel", new THREE.BufferAttribute(new Float32Array(place), 2));
  const half = (Math.max(b[2] - b[0], b[3] - b[1]) / 2) * Math.SQRT2;
  const middleOf = new THREE.Vector3((b[0] + b[2]) / 2, (b[1] + b[3]) / 2, half);
  city.tableLook = material(block.header, "table", { ...maps.table, middle: { value: middleOf }, paint: { value: new THREE.Vector3() } });
  mesh(city, "table", shape, city.tableLook);
  const dome = new THREE.Mesh(new THREE.IcosahedronGeometry(1, 3), material(block.header, "sky", { domeRadius: { value: 100 } }, { side: THREE.BackSide, depthWrite: false }));
  dome.frustumCulled = false;
  dome.renderOrder = 1;
  add(city, "sky", dome);
}

function addTrees(city, block) {
  const t = block.header.trees;
  if (!t) return;
  const foot = numbers(block, t.foot, Float32Array, 1 / t.perMetre), size = numbers(block, t.size, Float32Array, 1 / t.perMetre);
  const look = numbers(block, t.look, Uint8Array).map((value, i) => (i % 5 ? Math.round((value * 255) / t.lookSteps) : value));
  city.trees = { look, tones: [] };
  const shrub = 4, trunk = t.forms.length - 1, barkColour = { value: new THREE.Vector3() };
  city.barkColour = barkColour;
  for (let form = 0; form < t.forms.length; form++) {
    const chosen = [];
    for (let i = 0; i < t.count; i++) if (form === trunk ? look[5 * i] !== shrub : look[5 * i] === form) chosen.push(i);
    if (!chosen.length) continue;
    const pick = (from, k) => Float32Array.from(chosen.flatMap((i) => Array.from(from.subarray(k * i, k * i + k))));
    const made = new THREE.InstancedBufferGeometry(), parts = t.forms[form];
    made.setIndex(new THREE.BufferAttribute(numbers(block, parts.triangles, Uint16Array), 1));
    made.setAttribute("position", new THREE.BufferAttribute(numbers(block, parts.points, Float32Array, 1e-3), 3));
    made.setAttribute("normal", new THREE.BufferAttribute(numbers(block, parts.normals, Float32Array, 1 / 127), 3));
    made.setAttribute("foot", new THREE.InstancedBufferAttribute(pick(foot, 3), 3));
    made.setAttribute("size", new THREE.InstancedBufferAttribute(pick(size, 2), 2));
    made.setAttribute("turn", new THREE.InstancedBufferAttribute(Float32Array.from(chosen, (i) => (look[5 * i + 1] / 255) * 2 * Math.PI), 1));
    const tone = new THREE.InstancedBufferAttribute(new Uint8Array(4 * chosen.length), 4, true);
    made.setAttribute("tone", tone);
    city.trees.tones.push({ tone, chosen });
    const own = { leafy: { value: form === trunk ? 0 : 1 }, bark: { value: form === trunk ? 1 : 0 }, barkColour };
    const thing = new THREE.Mesh(made, material(block.header, "tree", own));
    thing.frustumCulled = false;
    thing.matrixAutoUpdate = false;
    add(city, "trees", thing);
  }
}

async function addOverlays(city, block) {
  const header = block.header, points = numbers(block, header.overlayLines.points, Float32Array, header.step);
  const starts = numbers(block, header.overlayLines.starts, Uint32Array);
  city.overlayLooks = header.overlays.map((entry, number) => {
    const look = material(header, "line", { lineColour: { value: new THREE.Vector4(0, 0, 0, 0.95) }, lineReach: { value: 1e9 } }, { transparent: true });
    const ends = [];
    for (let line = entry.lines[0]; line < entry.lines[1]; line++)
      for (let i = starts[line]; i + 1 < starts[line + 1]; i++) ends.push(...points.subarray(3 * i, 3 * i + 6));
    if (ends.length) addLines(city, "overlay " + number, new Float32Array(ends), look);
    return look;
  });
  city.overlayPictures = await Promise.all(header.overlayPictures.map(async (p) => ({ overlay: p.overlay, image: await picture(block, p.picture) })));
}

async function addDrapes(city, block) {
  city.drapes = [];
  for (const [i, track] of block.header.time.tracks.entries()) {
    if (!track.drape) continue;
    const images = await Promise.all(track.drape.pictures.map((p) => picture(block, p.picture)));
    city.drapes.push({ name: "track " + i, images, places: track.drape.pictures.map((p) => p.place), frames: track.drape.frames });
  }
}

// Lays the pictures that are shown at a moment over the ground, one over the other; what changes is seen through water too.
function drape(city, header, isShown, moment) {
  const now = city.drapes.map((d) => (isShown(d.name) ? d.frames[Math.min(Math.round(moment), d.frames.length - 1)] : -1));
  const shown = city.overlayPictures.filter((p) => isShown("overlay " + p.overlay));
  const key = [...now, "|", ...shown.map((p) => p.overlay)].join();
  if (key === city.draped || (!city.overlayPictures.length && !city.drapes.length)) return;
  city.draped = key;
  const plan = header.plan, size = Math.min(1, 2048 / Math.max(plan.columns, plan.rows)), scale = size / plan.texel_m;
  const laid = document.createElement("canvas");
  laid.width = Math.round(plan.columns * size);
  laid.height = Math.round(plan.rows * size);
  const over = laid.getContext("2d");
  city.drapes.forEach((d, k) => {
    if (now[k] < 0) return;
    const [west, north, width, height] = d.places[now[k]];
    over.drawImage(d.images[now[k]], (west - plan.x_min) * scale, (plan.y_max - north) * scale, width * scale, height * scale);
  });
  for (const texture of new Set([city.drape.value, city.laid.value])) texture.dispose();
  city.laid.value = city.drape.value = canvasTexture(laid);
  if (!shown.length) return;
  const canvas = laid.cloneNode(), pen = canvas.getContext("2d");
  for (const p of shown) pen.drawImage(p.image, 0, 0, canvas.width, canvas.height);
  pen.drawImage(laid, 0, 0);
  city.drape.value = canvasTexture(canvas);
}

function canvasTexture(canvas) {
  const made = new THREE.CanvasTexture(canvas);
  made.flipY = made.generateMipmaps = false;
  made.minFilter = THREE.LinearFilter;
  return made;
}
