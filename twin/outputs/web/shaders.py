"""The scene's own shaders for WebGL 2, so that the page shows what a snapshot shows.

What is between the marks is taken from `twin.scene.shaders`; only what VTK puts around it is said anew.
"""

from __future__ import annotations

from twin.scene import shaders

_PRECISION = "precision highp float;\nprecision highp sampler2D;\n"
_CAMERA = "uniform mat4 projectionMatrix;\nuniform mat4 viewMatrix;\n"
_UNIFORMS = """
uniform vec3 eye, sunLight, skyLight, bounceLight, horizon, zenith;
uniform float hazeStart, hazeLength, hazeShare, pixelAngle, parallelPixel, groupOpacity;
layout(location = 0) out vec4 fragment;
"""
_LIGHT_MAPS = """
uniform sampler2D sunMap, skyMap;
in vec2 place;
"""
_SEEN = "texture(lightMap, tcoordVCVSOutput.st).rg"
_SEEN_HERE = "vec2(texture(sunMap, place).r, texture(skyMap, place).r)"

_PAINTED = """
in vec3 position;
in vec2 texel;
in float paint;
uniform sampler2D paints;
out vec3 placeW;
out vec2 place;
out vec3 paintV;
void main() {
  placeW = position;
  place = texel;
  int number = int(paint + 0.5);
  int width = textureSize(paints, 0).x;
  paintV = texelFetch(paints, ivec2(number % width, number / width), 0).rgb;
  gl_Position = projectionMatrix * viewMatrix * vec4(position, 1.0);
}
"""
_TREE_VERTEX = """
in vec3 position;
in vec3 normal;
in vec3 foot;
in vec2 size;
in float turn;
in vec4 tone;
uniform float bark;
uniform vec3 barkColour;
out vec3 placeW;
out vec3 normalW;
out float openness;
out vec4 toneV;
void main() {
  float c = cos(turn), s = sin(turn);
  mat2 turned = mat2(c, s, -s, c);
  placeW = foot + vec3(turned * position.xy * size.x, position.z * size.y);
  vec3 n = vec3(turned * normal.xy / size.x, normal.z / size.y);
  normalW = n;
  openness = length(normal);
  toneV = bark > 0.5 ? vec4(barkColour, tone.a) : tone;
  gl_Position = projectionMatrix * viewMatrix * vec4(placeW, 1.0);
}
"""
_DOME_VERTEX = """
in vec3 position;
uniform vec3 eye;
uniform float domeRadius;
out vec3 placeW;
void main() {
  placeW = eye + position * domeRadius;
  vec4 at = projectionMatrix * viewMatrix * vec4(placeW, 1.0);
  gl_Position = at.xyww;
}
"""
_LINE_VERTEX = """
in vec3 position;
uniform vec3 eye;
out vec3 placeW;
void main() {
  placeW = position;
  vec3 towards = eye - position;
  float reach = length(towards);
  gl_Position = projectionMatrix * viewMatrix * vec4(position + towards / reach * (0.03 + 0.0012 * reach), 1.0);
}
"""
_FLOOD_VERTEX = """
in vec3 position;
in vec2 texel;
in float depth;
in vec3 shade;
out vec3 placeW;
out vec2 place;
out float depthV;
out vec3 shadeV;
void main() {
  placeW = position;
  place = texel;
  depthV = depth;
  shadeV = shade;
  gl_Position = projectionMatrix * viewMatrix * vec4(position, 1.0);
}
"""
_BAND_VERTEX = """
in vec3 position;
in vec3 shade;
uniform vec3 eye;
out vec3 placeW;
out vec3 shadeV;
void main() {
  placeW = position;
  shadeV = shade;
  vec3 towards = eye - position;
  float reach = length(towards);
  // A hair nearer than the ground that it lies on, the more the farther away: depth gets coarse there.
  gl_Position = projectionMatrix * viewMatrix * vec4(position + towards / reach * (0.05 + 0.0015 * reach), 1.0);
}
"""
_BAND = """
  float reach = length(placeW - eye);
  float far = hazeShare * (1.0 - exp(-max(reach - hazeStart, 0.0) / hazeLength));
  fragment = vec4(mix(shadeV, horizon, far), 0.85);
"""
_FLOOD = """
  if (depthV < 0.005) discard;
  float reach = length(placeW - eye);
  float far = hazeShare * (1.0 - exp(-max(reach - hazeStart, 0.0) / hazeLength));
  vec2 seen = vec2(texture(sunMap, place).r, texture(skyMap, place).r);
  vec3 view = (placeW - eye) / reach;
  float grazing = pow(1.0 - clamp(-view.z, 0.0, 1.0), 4.0);
  vec3 light = sunLight * (0.35 * seen.r + 0.65 * sunLevel) + skyLight * seen.g + bounceLight * (1.0 - seen.g);
  vec3 sky = mix(horizon, zenith, clamp(-view.z * 1.3 + 0.1, 0.0, 1.0));
  vec3 shown = mix(shadeV * sqrt(light), sky, 0.10 + 0.45 * grazing);
  float thick = 0.62 + 0.22 * smoothstep(0.0, 0.6, depthV);
  vec4 laid = texture(overlay, place);
  shown = mix(shown, laid.rgb * light, 0.75 * laid.a);
  thick = max(thick, 0.95 * laid.a);
  fragment = vec4(mix(shown, horizon, far), thick * smoothstep(0.005, 0.03, depthV));
"""


def _fragment(body: str, *, outside: str = "", before: str = "") -> str:
    told = body.replace(_SEEN, _SEEN_HERE).replace("gl_FragData[0]", "fragment")
    return f"{_PRECISION}{_UNIFORMS}{outside}\nvoid main() {{\n{before}\n{told}\n}}\n"


def programs() -> dict[str, dict[str, str]]:
    """Vertex and fragment shader of each kind of thing, by its name."""
    place = "in vec3 placeW;\n"
    painted = f"{place}in vec3 paintV;\n{_LIGHT_MAPS}"
    water = f"""{painted}uniform sampler2D grainMap, mirrorImage;
uniform vec2 mirrorScale, mirrorStart;
uniform vec3 deepColour, shoreColour;
uniform float mirrorShare, sunLevel;
"""
    tree = f"{shaders.GLYPH_FRAGMENT_DEC}in vec4 toneV;\nuniform vec3 sunDirection;\nuniform float leafy;\n"
    table = f"{place}{_LIGHT_MAPS}uniform vec3 middle, paint;\n"
    flood = (
        f"{place}{_LIGHT_MAPS}in float depthV;\nin vec3 shadeV;\n"
        "uniform float sunLevel;\nuniform sampler2D overlay;\n"
    )
    paint = "  vec3 diffuseColor = paintV;"
    line = "uniform vec4 lineColour;\nuniform float lineReach;\n"
    return {
        "face": _program(_PAINTED, _fragment(shaders.FACE, outside=painted, before=paint)),
        "draped": _program(
            _PAINTED,
            _fragment(
                shaders.DRAPED.replace("tcoordVCVSOutput.st", "place").replace(
                    "texture(lightMap, place).rg", _SEEN_HERE
                ),
                outside=painted + "uniform sampler2D overlay;\n",
                before=paint,
            ),
        ),
        "water": _program(_PAINTED, _fragment(shaders.WATER, outside=water)),
        "tree": _program(
            _TREE_VERTEX,
            _fragment(
                shaders.TREE,
                outside=tree,
                before="  vec3 diffuseColor = toneV.rgb;\n  float opacity = toneV.a;",
            ),
        ),
        "table": _program(
            _PAINTED_PLAIN, _fragment(shaders.TABLE, outside=table, before="  vec3 diffuseColor = paint;")
        ),
        "sky": _program(_DOME_VERTEX, _fragment(shaders.SKY, outside=place)),
        "line": _program(
            _LINE_VERTEX,
            _fragment(
                shaders.LINE,
                outside=place + line,
                before="  vec3 diffuseColor = lineColour.rgb;\n  float opacity = lineColour.a;",
            ),
        ),
        "band": _program(_BAND_VERTEX, _fragment(_BAND, outside=f"{place}in vec3 shadeV;\n")),
        "flood": _program(_FLOOD_VERTEX, _fragment(_FLOOD, outside=flood)),
    }


_PAINTED_PLAIN = """
in vec3 position;
in vec2 texel;
out vec3 placeW;
out vec2 place;
void main() {
  placeW = position;
  place = texel;
  gl_Position = projectionMatrix * viewMatrix * vec4(position, 1.0);
}
"""


def _program(vertex: str, fragment: str) -> dict[str, str]:
    return {"vertex": f"{_PRECISION}{_CAMERA}{vertex}", "fragment": fragment}
