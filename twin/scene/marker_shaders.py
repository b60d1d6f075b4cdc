"""Shaders of markers: flat marks that face the eye, of a size in pixels, and columns below them."""

from __future__ import annotations

from twin.scene.shaders import COMMON, FRAGMENT_DEC, OPAQUE, PLACE

# Markers: flat marks that face the eye, of a size in pixels, and columns below them. What each looks like stands in a
# small table: red, green, blue, and in alpha the state (0 to 3) with 4 for an alarm and 8 for what moves.
MARK_DEC = """//VTK::PositionVC::Dec
uniform sampler2D markerTable;
in vec4 markerData;
out vec3 placeW;
out vec2 cornerV;
flat out vec2 aheadV;
flat out float markerV;
"""
MARK_IMPL = """
  vec3 foot = vertexMC.xyz;
  vec3 towards = eyeV - foot;
  float reach = length(towards);
  float flat_ = flatView;
  float pixel = mix(dot(foot - eyeV, forwardV) * pixelAngleV, parallelPixelV, flat_);
  cornerV = 2.0 * (vec2(mod(markerData.y, 2.0), floor(markerData.y / 2.0)) * 2.0 - 1.0);
  aheadV = vec2(dot(vec3(markerData.zw, 0.0), rightV), dot(vec3(markerData.zw, 0.0), upV));
  markerV = markerData.x;
  vec3 place = foot + (cornerV.x * rightV + (cornerV.y + 1.0) * upV) * markPixels * pixel;
  placeW = place;
  gl_Position = MCDCMatrix * vec4(place, 1.0);
  // A mark is drawn a little before what it stands at, one with an alarm before everything.
  vec4 nearer = MCDCMatrix * vec4(place + mix(-forwardV, towards / reach, 1.0 - flat_) * min(4.0, 0.3 * reach), 1.0);
  gl_Position.z = nearer.z / nearer.w * gl_Position.w;
  vec4 entry = texelFetch(markerTable, ivec2(int(markerData.x) % 256, int(markerData.x) / 256), 0);
  if (mod(floor(entry.a * 255.0 / 4.0 + 0.01), 2.0) > 0.5) gl_Position.z = -0.999 * gl_Position.w;
"""
MARK_FRAGMENT_DEC = (
    FRAGMENT_DEC
    + """
in vec2 cornerV;
flat in vec2 aheadV;
flat in float markerV;
"""
)
_TABLE = """
  vec4 entry = texelFetch(markerTable, ivec2(int(markerV + 0.5) % 256, int(markerV + 0.5) / 256), 0);
  int code = int(entry.a * 255.0 + 0.5);
  int state = code % 4;
  bool isAlarm = (code / 4) % 2 == 1;
  bool moves = (code / 8) % 2 == 1;
"""
MARK = (
    _TABLE
    + """
  float r = length(cornerV);
  float smooth_ = 1.2 / markPixelsF;
  vec3 ink = vec3(0.16, 0.14, 0.13);
  vec3 paper = vec3(1.0, 0.99, 0.97);
  vec3 shown = entry.rgb;
  float cover = 1.0;
  float body = r;
  if (moves && length(aheadV) > 0.05) {
    // An arrow head: the distance from a triangle that points ahead, scaled to a disc's.
    vec2 ahead = normalize(aheadV);
    vec2 p = vec2(dot(cornerV, ahead), abs(dot(cornerV, vec2(-ahead.y, ahead.x))));
    body = max(dot(p, normalize(vec2(1.0, 2.1))) + 0.42, -p.x + 0.35 - 0.5 * p.y);
  }
  if (state == 3) shown = mix(shown, ink, 0.75 * step(0.5, fract((cornerV.x + cornerV.y) * 1.6)));
  float hollow = float(state == 2);
  // From inside: the colour, a dark line, a light rim.
  if (hollow > 0.5 && body < 0.62 - smooth_) cover = 0.0;
  shown = mix(shown, state == 2 ? shown : ink, smoothstep(0.74 - smooth_, 0.74 + smooth_, body));
  shown = mix(shown, paper, smoothstep(0.84 - smooth_, 0.84 + smooth_, body));
  if (hollow > 0.5 && body < 0.86) shown = ink;
  if (body > 1.0) cover = 0.0;
  if (isAlarm) {
    float ring = step(1.32, r) * step(r, 1.62) + step(1.84, r) * step(r, 1.96);
    if (ring > 0.5) { shown = vec3(0.86, 0.07, 0.14); cover = 1.0; }
  }
  if (cover < 0.5) discard;
  gl_FragData[0] = vec4(shown, groupOpacity);
"""
)
COLUMN_DEC = """//VTK::PositionVC::Dec
in vec4 markerData;
out vec3 placeW;
out vec3 faceV;
flat out float markerV;
"""
COLUMN_IMPL = (
    """
  vec4 place = vertexMC;
  faceV = markerData.yzw;
  markerV = markerData.x;
"""
    + PLACE
)
COLUMN_FRAGMENT_DEC = (
    FRAGMENT_DEC
    + """
in vec3 faceV;
flat in float markerV;
"""
)
COLUMN = (
    COMMON
    + _TABLE
    + """
  float sunny = clamp(dot(faceV, sunDirection), 0.0, 1.0);
  vec3 light = sunLight * sunny + skyLight * (0.65 + 0.35 * faceV.z) + bounceLight;
  vec3 colour = entry.rgb;
  if (state == 3) colour = mix(colour, vec3(0.16, 0.14, 0.13), 0.7 * step(0.5, fract(placeW.z * 0.35)));
  if (isAlarm) colour = mix(colour, vec3(0.86, 0.07, 0.14), 0.35);
  vec3 shown = colour * sqrt(light);
"""
    + OPAQUE
)
