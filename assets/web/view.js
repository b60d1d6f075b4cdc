// The eye: turning around a place, flying with keys, and the same by touch.

const ORBIT_ANGLE = 28, FLY_ANGLE = 55;
let UP = null;

// What needs the library, which comes after this text.
function startView() {
  UP = new THREE.Vector3(0, 0, 1);
}

// The nearest eye from a direction that has all points in the picture; as twin.scene.camera.fit.
function fitEye(points, azimuthDeg, elevationDeg, angleDeg, aspect, margins) {
  const azimuth = (azimuthDeg * Math.PI) / 180, elevation = (elevationDeg * Math.PI) / 180;
  const away = new THREE.Vector3(Math.cos(elevation) * Math.sin(azimuth), Math.cos(elevation) * Math.cos(azimuth), Math.sin(elevation));
  const forward = away.clone().negate(), right = forward.clone().cross(UP).normalize(), up = right.clone().cross(forward);
  const tall = Math.tan((angleDeg * Math.PI) / 360), wide = tall * aspect;
  const limits = [wide * (1 - 2 * margins.right), wide * (1 - 2 * margins.left), tall * (1 - 2 * margins.top), tall * (1 - 2 * margins.bottom)];
  let r = -Infinity, l = -Infinity, u = -Infinity, d = -Infinity, deep = 0;
  for (let i = 0; i < points.length; i += 3) {
    const p = new THREE.Vector3(points[i], points[i + 1], points[i + 2]), x = p.dot(right), y = p.dot(up), z = p.dot(forward);
    r = Math.max(r, x - limits[0] * z);
    l = Math.max(l, -x - limits[1] * z);
    u = Math.max(u, y - limits[2] * z);
    d = Math.max(d, -y - limits[3] * z);
    deep += (3 * z) / points.length;
  }
  const back = Math.max((r + l) / (limits[0] + limits[1]), (u + d) / (limits[2] + limits[3]));
  const x = (r - limits[0] * back + limits[1] * back - l) / 2, y = 0.5 * (u - limits[2] * back) + 0.5 * (limits[3] * back - d);
  const across = right.multiplyScalar(x).add(up.multiplyScalar(y));
  return { eye: across.clone().addScaledVector(forward, -back), target: across.clone().addScaledVector(forward, deep) };
}

// Share of the width at the right that the city leaves to the legend.
function besideLegend() {
  const legend = byId("legend");
  return legend.hidden ? 0.06 : Math.min(0.4, (innerWidth - legend.getBoundingClientRect().left + 12) / innerWidth);
}

class Eye {
  constructor(canvas, header, changed) {
    this.canvas = canvas;
    this.header = header;
    this.changed = changed;
    this.camera = new THREE.PerspectiveCamera(ORBIT_ANGLE, 1, 1, 1e5);
    this.camera.up.copy(UP);
    this.target = new THREE.Vector3();
    this.flying = false;
    this.keys = new Set();
    this.pointers = new Map();
    this.moved = 0;
    this.hasMoved = false;
    const b = header.block;
    this.extent = Math.max(b[2] - b[0], b[3] - b[1], 100);
    this.middle = new THREE.Vector3((b[0] + b[2]) / 2, (b[1] + b[3]) / 2, (b[4] + b[5]) / 2);
    this.listen();
  }

  home() {
    const aspect = this.camera.aspect, narrow = aspect < 1;
    const margins = narrow ? { left: 0.02, right: 0.02, top: 0.2, bottom: 0.16 } : { left: 0.03, right: besideLegend(), top: 0.08, bottom: 0.12 };
    this.fly(false);
    // Upright screens look along the city's longer side, from whichever end comes nearer.
    const sides = narrow ? [0, 90, -90] : [0];
    const fits = sides.map((turn) => fitEye(this.header.fit, this.header.overview + turn, narrow ? 40 : 31, this.camera.fov, aspect, margins));
    const best = fits.reduce((a, b) => (b.eye.distanceTo(this.middle) < a.eye.distanceTo(this.middle) ? b : a));
    this.camera.position.copy(best.eye);
    this.target.copy(best.target);
    this.hasMoved = false;
    this.changed();
  }

  fly(on) {
    this.flying = on;
    this.camera.fov = on ? FLY_ANGLE : ORBIT_ANGLE;
    this.changed();
  }

  goTo(place, size) {
    const towards = this.camera.position.clone().sub(this.target).normalize();
    towards.z = Math.max(towards.z, 0.45);
    this.target.copy(place);
    this.camera.position.copy(place).addScaledVector(towards.normalize(), Math.max(size * 6, 120));
    this.hasMoved = true;
    this.changed();
  }

  resize(width, height) {
    this.camera.aspect = width / height;
    if (!this.hasMoved) this.home();
    this.changed();
  }

  // Everything that shaders know of the eye.
  aim(height) {
    const camera = this.camera, b = this.header.block;
    const floor = b[4] + 1.5;
    if (camera.position.z < floor) camera.position.z = floor;
    camera.lookAt(this.target);
    const reach = camera.position.distanceTo(this.middle);
    camera.near = Math.max(0.4, Math.min(reach / 400, 20));
    camera.far = 40 * this.extent + reach;
    camera.updateProjectionMatrix();
    camera.updateMatrixWorld();
    const radius = Math.max(b[2] - b[0], b[3] - b[1], 60) / 2;
    shared.eye.value.copy(camera.position);
    shared.hazeStart.value = Math.max(reach - radius, 0);
    shared.hazeLength.value = 2 * radius;
    shared.pixelAngle.value = (2 * Math.tan((camera.fov * Math.PI) / 360)) / height;
  }

  turn(dx, dy) {
    const away = this.flying ? this.target.clone().sub(this.camera.position) : this.camera.position.clone().sub(this.target);
    const length = away.length(), sign = this.flying ? -1 : 1;
    let azimuth = Math.atan2(away.x, away.y), height = Math.asin(away.z / length);
    azimuth += sign * dx * (this.flying ? -0.004 : 0.006);
    height = Math.min(1.55, Math.max(this.flying ? -1.5 : 0.02, height + sign * dy * (this.flying ? 0.004 : 0.006)));
    away.set(Math.cos(height) * Math.sin(azimuth), Math.cos(height) * Math.cos(azimuth), Math.sin(height)).multiplyScalar(length);
    if (this.flying) this.target.copy(this.camera.position).add(away);
    else this.camera.position.copy(this.target).add(away);
    this.touched();
  }

  slide(dx, dy) {
    const distance = this.camera.position.distanceTo(this.target), scale = distance * shared.pixelAngle.value;
    const forward = this.target.clone().sub(this.camera.position).setZ(0).normalize(), right = forward.clone().cross(UP);
    this.shift(right.multiplyScalar(-dx * scale).add(forward.multiplyScalar(dy * scale * 1.4)));
  }

  shift(way) {
    this.camera.position.add(way);
    this.target.add(way);
    const b = this.header.block, out = new THREE.Vector3(
      Math.min(b[2] + this.extent, Math.max(b[0] - this.extent, this.target.x)) - this.target.x,
      Math.min(b[3] + this.extent, Math.max(b[1] - this.extent, this.target.y)) - this.target.y, 0);
    this.target.add(out);
    this.camera.position.add(out);
    this.touched();
  }

  zoom(factor) {
    const away = this.camera.position.clone().sub(this.target);
    const length = Math.min(12 * this.extent, Math.max(8, away.length() * factor));
    this.camera.position.copy(this.target).addScaledVector(away.normalize(), length);
    this.touched();
  }

  touched() {
    this.hasMoved = true;
    this.changed();
  }

  listen() {
    const canvas = this.canvas;
    canvas.addEventListener("contextmenu", (e) => e.preventDefault());
    // Marks lie over the picture: whoever drags or turns the wheel on one means the picture.
    for (const part of [canvas, byId("labels")]) this.follow(part);
    addEventListener("keydown", (e) => {
      if (e.target.matches("input, select, textarea") || e.ctrlKey || e.metaKey || e.altKey) return;
      this.keys.add(e.code);
      if (e.code.startsWith("Arrow")) e.preventDefault();
      this.walk();
    });
    addEventListener("keyup", (e) => this.keys.delete(e.code));
    addEventListener("blur", () => this.keys.clear());
  }

  follow(part) {
    part.addEventListener("pointerdown", (e) => {
      e.target.setPointerCapture(e.pointerId);
      if (!this.pointers.size) this.moved = 0;
      this.pointers.set(e.pointerId, { x: e.clientX, y: e.clientY });
      this.canvas.classList.add("held");
      if (part === this.canvas) part.focus({ preventScroll: true });
    });
    for (const end of ["pointerup", "pointercancel"])
      part.addEventListener(end, (e) => {
        this.pointers.delete(e.pointerId);
        this.canvas.classList.toggle("held", this.pointers.size > 0);
      });
    part.addEventListener("pointermove", (e) => this.drag(e));
    part.addEventListener("wheel", (e) => {
      e.preventDefault();
      this.zoom(Math.exp(Math.max(-120, Math.min(120, e.deltaY)) * 0.0015));
    }, { passive: false });
  }

  drag(e) {
    const before = this.pointers.get(e.pointerId);
    if (!before) return;
    const dx = e.clientX - before.x, dy = e.clientY - before.y;
    this.moved += Math.abs(dx) + Math.abs(dy);
    const others = [...this.pointers].filter(([id]) => id !== e.pointerId).map(([, p]) => p);
    this.pointers.set(e.pointerId, { x: e.clientX, y: e.clientY });
    if (others.length) {
      const [o] = others, was = Math.hypot(before.x - o.x, before.y - o.y), now = Math.hypot(e.clientX - o.x, e.clientY - o.y);
      if (was > 5 && now > 5) this.zoom(was / now);
      this.slide(dx / 2, dy / 2);
    } else if (e.buttons & 2 || e.shiftKey) this.slide(dx, dy);
    else this.turn(dx, dy);
  }

  // One step of every key that is held, then the next with the next frame.
  walk() {
    if (this.walking) return;
    let before = performance.now();
    const step = (now) => {
      const seconds = Math.min(0.1, (now - before) / 1000 || 0.016);
      before = now;
      const held = (...codes) => codes.some((c) => this.keys.has(c)) ? 1 : 0;
      const ahead = held("KeyW", "ArrowUp") - held("KeyS", "ArrowDown"), side = held("KeyD", "ArrowRight") - held("KeyA", "ArrowLeft");
      const rise = held("KeyE", "PageUp") - held("KeyQ", "PageDown");
      this.walking = ahead || side || rise;
      if (!this.walking) return;
      const high = Math.max(this.camera.position.z - this.header.block[4], 8);
      const speed = Math.min(high, this.extent / 3) * (this.keys.has("ShiftLeft") || this.keys.has("ShiftRight") ? 3 : 1) * 1.1 * seconds;
      const forward = this.target.clone().sub(this.camera.position).setZ(0).normalize(), right = forward.clone().cross(UP);
      this.shift(forward.multiplyScalar(ahead * speed).add(right.multiplyScalar(side * speed)).addScaledVector(UP, rise * speed * 0.7));
      requestAnimationFrame(step);
    };
    this.walking = true;
    requestAnimationFrame(step);
  }
}
