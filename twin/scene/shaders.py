"""The few lines of GLSL that put baked light, haze, water and sky onto what VTK draws.

VTK's own shaders stay; named places in them are replaced. All positions are local metres, so that one set of uniforms
serves every drawable: ``eye``, ``haze`` and the light of the style.
"""

from __future__ import annotations

POSITION_DEC = """//VTK::PositionVC::Dec
out vec3 placeW;
"""
POSITION_IMPL = """//VTK::PositionVC::Impl
  placeW = vertexMC.xyz;
"""
GLYPH_DEC = """//VTK::PositionVC::Dec
out vec3 placeW;
out vec3 normalW;
out float openness;
"""
GLYPH_IMPL = """//VTK::PositionVC::Impl
  placeW = (GCMCMatrix * vertexMC).xyz;
  normalW = glyphNormalMatrix * normalMC;
  openness = length(normalMC);
"""
LINE_IMPL = """
  placeW = vertexMC.xyz;
  // Lines are drawn a hair nearer than the faces they bound, the more the farther away: depth gets coarse there.
  vec3 towards = eyeV - vertexMC.xyz;
  float reach = length(towards);
  gl_Position = MCDCMatrix * vec4(vertexMC.xyz + towards / reach * (0.03 + 0.0012 * reach), 1.0);
"""
LINE_DEC = """//VTK::PositionVC::Dec
out vec3 placeW;
"""
FRAGMENT_DEC = """//VTK::PositionVC::Dec
in vec3 placeW;
"""
GLYPH_FRAGMENT_DEC = """//VTK::PositionVC::Dec
in vec3 placeW;
in vec3 normalW;
in float openness;
"""

# Light adds up in linear terms and is encoded before it meets the colour, which is encoded already: for a power
# law the product of two encoded values is the encoded product.
# VTK lays a texture of two channels out as grey and alpha: sun in r, sky in a.
_COMMON = """
  float reach = length(placeW - eye);
  float far = hazeShare * (1.0 - exp(-max(reach - hazeStart, 0.0) / hazeLength));
"""
_LIT = """
  vec3 light = sunLight * seen.r + skyLight * seen.g + bounceLight * (1.0 - seen.g);
  vec3 shown = colour * pow(light, vec3(0.4545));
"""
_OUT = """
  gl_FragData[0] = vec4(mix(shown, horizon, far), {alpha});
"""

_OPAQUE = _OUT.format(alpha="1.0")

FACE = (
    _COMMON
    + """
  vec2 seen = texture(lightMap, tcoordVCVSOutput.st).ra;
  vec3 colour = diffuseColor;
"""
    + _LIT
    + _OPAQUE
)

GROUND = (
    _COMMON
    + """
  vec2 seen = texture(lightMap, tcoordVCVSOutput.st).ra;
  vec4 over = texture(overlay, tcoordVCVSOutput.st);
  vec3 colour = mix(diffuseColor, over.rgb, over.a);
"""
    + _LIT
    + _OPAQUE
)

WATER = (
    _COMMON
    + """
  vec2 seen = texture(lightMap, tcoordVCVSOutput.st).ra;
  vec3 view = (placeW - eye) / reach;
  float grazing = pow(1.0 - clamp(-view.z, 0.0, 1.0), 4.0);
  // Still water shows the sky above the horizon it mirrors, less of it where walls stand close.
  vec3 sky = mix(horizon, zenith, clamp(-view.z * 1.3 + 0.1, 0.0, 1.0));
  vec3 body = mix(shoreColour, deepColour, smoothstep(0.25, 0.95, seen.g));
  vec3 light = sunLight * (0.45 * seen.r + 0.55 * sunLevel) + skyLight * seen.g + bounceLight * (1.0 - seen.g);
  float mirror = (0.16 + 0.62 * grazing) * (0.35 + 0.65 * seen.g);
  vec3 colour = mix(body * pow(light, vec3(0.4545)), sky, mirror);
  float opacityHere = reflected > 0.5 ? clamp(0.93 - 0.48 * grazing, 0.0, 1.0) : 1.0;
  gl_FragData[0] = vec4(mix(colour, horizon, far), opacityHere);
"""
)

TREE = (
    _COMMON
    + """
  vec3 n = normalize(normalW);
  float facing = dot(n, sunDirection);
  // Leaves let light through, so the side away from the sun is not black.
  float wrapped = clamp((facing + 0.35) / 1.35, 0.0, 1.0);
  float high = 0.5 + 0.5 * n.z;
  vec2 seen = vec2(wrapped * opacity * mix(0.55, 1.0, openness), openness * mix(0.45, 1.0, high));
  vec3 colour = diffuseColor;
"""
    + _LIT
    + _OPAQUE
)

TABLE = (
    """
  float reach = length(placeW - eye);
  vec2 seen = texture(lightMap, tcoordVCVSOutput.st).ra;
  vec3 colour = diffuseColor;
"""
    + _LIT
    + """
  float out_ = length((placeW.xy - middle.xy) / middle.z);
  float far = smoothstep(0.9, 4.2, out_);
  gl_FragData[0] = vec4(mix(shown, horizon, far), 1.0);
"""
)

SKY = """
  vec3 view = normalize(placeW - eye);
  float up = clamp(view.z, 0.0, 1.0);
  vec3 shown = mix(horizon, zenith, 1.0 - exp(-2.6 * up));
  // Half a step of noise, since a slow gradient in 8 bits shows its steps.
  float grain = fract(52.9829189 * fract(dot(gl_FragCoord.xy, vec2(0.06711056, 0.00583715)))) - 0.5;
  gl_FragData[0] = vec4(shown + grain / 255.0, 1.0);
"""

LINE = (
    _COMMON
    + """
  // A line thinner than it should be is paler instead: far edges fade and do not turn into noise.
  float width = clamp(lineReach / (reach * pixelAngle + parallelPixel), 0.0, 1.0);
  gl_FragData[0] = vec4(mix(diffuseColor, horizon, far), opacity * width * width);
"""
)
