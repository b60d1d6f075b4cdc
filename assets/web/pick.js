// Which thing lies under a place of the picture: rays against boxes first, then against triangles.

function rayAt(eye, x, y, width, height) {
  const far = new THREE.Vector3((2 * x) / width - 1, 1 - (2 * y) / height, 0.5).unproject(eye.camera);
  const origin = eye.camera.position.clone();
  return new THREE.Ray(origin, far.sub(origin).normalize());
}

// Distance to the nearest triangle of a mesh, and its first point; null if none is nearer than the given distance.
function nearestOf(thing, ray, nearest) {
  const shape = thing.geometry, index = shape.index.array, p = shape.attributes.position.array;
  const [ox, oy, oz] = ray.origin.toArray(), [dx, dy, dz] = ray.direction.toArray();
  let found = null;
  for (let i = 0; i < index.length; i += 3) {
    const a = 3 * index[i], b = 3 * index[i + 1], c = 3 * index[i + 2];
    const ux = p[b] - p[a], uy = p[b + 1] - p[a + 1], uz = p[b + 2] - p[a + 2];
    const vx = p[c] - p[a], vy = p[c + 1] - p[a + 1], vz = p[c + 2] - p[a + 2];
    const hx = dy * vz - dz * vy, hy = dz * vx - dx * vz, hz = dx * vy - dy * vx;
    const det = ux * hx + uy * hy + uz * hz;
    if (Math.abs(det) < 1e-9) continue;
    const sx = ox - p[a], sy = oy - p[a + 1], sz = oz - p[a + 2], s = (sx * hx + sy * hy + sz * hz) / det;
    if (s < 0 || s > 1) continue;
    const qx = sy * uz - sz * uy, qy = sz * ux - sx * uz, qz = sx * uy - sy * ux;
    const t = (dx * qx + dy * qy + dz * qz) / det;
    if (t < 0 || s + t > 1) continue;
    const far = (vx * qx + vy * qy + vz * qz) / det;
    if (far > 0.1 && far < nearest) {
      nearest = far;
      found = { distance: far, point: index[i] };
    }
  }
  return found;
}

// The building under a place of the picture, -1 for anything else, null for nothing; and where.
function pickAt(city, eye, x, y, width, height) {
  const ray = rayAt(eye, x, y, width, height), at = new THREE.Vector3();
  let best = null;
  for (const [name, group] of Object.entries(city.groups)) {
    if (!group.visible || ["sky", "table", "edges", "trees"].includes(name) || name.startsWith("track")) continue;
    for (const thing of group.children) {
      if (!thing.isMesh || !ray.intersectBox(thing.geometry.boundingBox, at)) continue;
      const found = nearestOf(thing, ray, best ? best.distance : Infinity);
      if (found) best = { ...found, owner: thing.userData.owner ? thing.userData.owner[found.point] : -1 };
    }
  }
  return best && { ...best, place: ray.at(best.distance, new THREE.Vector3()) };
}

function houseCentres(city) {
  const n = city.nHouses, low = new Float32Array(3 * n).fill(Infinity), high = new Float32Array(3 * n).fill(-Infinity);
  for (const thing of city.groups.buildings ? city.groups.buildings.children : []) {
    const p = thing.geometry.attributes.position.array, owner = thing.userData.owner;
    for (let i = 0; i < owner.length; i++)
      for (let k = 0; k < 3; k++) {
        const at = 3 * owner[i] + k;
        low[at] = Math.min(low[at], p[3 * i + k]);
        high[at] = Math.max(high[at], p[3 * i + k]);
      }
  }
  return { low, high };
}
