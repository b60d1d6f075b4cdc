"""The few lines of GLSL that put baked light, haze, water and sky onto what VTK draws.

VTK's own shaders stay; named places in them are replaced. All positions are local metres, so that one set of uniforms
serves every drawable: ``eye``, ``haze`` and the light of the style.
"""

from __future__ import annotations

_PLACE_DEC = """//VTK::PositionVC::Dec
out vec3 placeW;
"""
# In the pass that draws what water mirrors, everything hangs upside down below the water's level; what lies under
# water is pressed flat there, since throwing fragments away would keep the card from skipping hidden ones.
PLACE = """
  placeW = place.xyz;
  if (mirrored > 0.5) place.z = waterLevel - max(place.z - waterLevel, 0.0);
  gl_Position = MCDCMatrix * place;
"""
POSITION_DEC = _PLACE_DEC
POSITION_IMPL = "  vec4 place = vertexMC;\n" + PLACE
# VTK's shader for instances has no place for uniforms of ours; declared here, they are the fragment shader's.
GLYPH_DEC = (
    _PLACE_DEC
    + """
uniform float mirrored;
uniform float waterLevel;
out vec3 normalW;
out float openness;
"""
)
GLYPH_IMPL = (
    """
  vec4 place = GCMCMatrix * vertexMC;
  normalW = glyphNormalMatrix * normalMC;
  openness = length(normalMC);
"""
    + PLACE
)
LINE_DEC = """//VTK::PositionVC::Dec
out vec3 placeW;
"""
LINE_IMPL = """
  placeW = vertexMC.xyz;
  // Lines are drawn a hair nearer than the faces they bound, the more the farther away: depth gets coarse there.
  vec3 towards = eyeV - vertexMC.xyz;
  float reach = length(towards);
  gl_Position = MCDCMatrix * vec4(vertexMC.xyz + towards / reach * (0.03 + 0.0012 * reach), 1.0);
"""

_NOISE = """
float chance(vec3 p) {
  p = fract(p * vec3(0.1031, 0.1030, 0.0973));
  p += dot(p, p.yxz + 33.33);
  return fract((p.x + p.y) * p.z);
}
// Smooth noise, 0 to 1, with bumps one metre apart.
float noise(vec3 p) {
  vec3 i = floor(p), f = fract(p);
  f = f * f * (3.0 - 2.0 * f);
  vec2 e = vec2(0.0, 1.0);
  float low = mix(mix(chance(i), chance(i + e.yxx), f.x), mix(chance(i + e.xyx), chance(i + e.yyx), f.x), f.y);
  float high = mix(
    mix(chance(i + e.xxy), chance(i + e.yxy), f.x), mix(chance(i + e.xyy), chance(i + e.yyy), f.x), f.y);
  return mix(low, high, f.z);
}
"""
FRAGMENT_DEC = """//VTK::PositionVC::Dec
in vec3 placeW;
"""
GLYPH_FRAGMENT_DEC = (
    FRAGMENT_DEC
    + """
in vec3 normalW;
in float openness;
// Octaves of noise are turned against each other, or their grids would show.
const mat3 leafTurn = mat3(0.36, 0.48, -0.8, -0.8, 0.6, 0.0, 0.48, 0.64, 0.6);
"""
    + _NOISE
)

COMMON = """
  float reach = length(placeW - eye);
  float far = hazeShare * (1.0 - exp(-max(reach - hazeStart, 0.0) / hazeLength));
"""
# Light adds up in linear terms and is encoded before it meets the colour, which is encoded already: for a power
# law the product of two encoded values is the encoded product. The power is 2, near enough to sRGB and quick.
_LIT = """
  vec3 light = sunLight * seen.r + skyLight * seen.g + bounceLight * (1.0 - seen.g);
  vec3 shown = colour * sqrt(light);
"""
OPAQUE = """
  gl_FragData[0] = vec4(mix(shown, horizon, far), groupOpacity);
"""
_DITHER = """
  // Half a step of noise, since a slow gradient in 8 bits shows its steps.
  float grain = fract(52.9829189 * fract(dot(gl_FragCoord.xy, vec2(0.06711056, 0.00583715)))) - 0.5;
"""
_SEEN = """
  vec2 seen = texture(lightMap, tcoordVCVSOutput.st).rg;
"""
# What a layer over time lays over the ground: a picture with a place of its own.
_DRAPE = """
  vec2 drapePlace = (placeW.xy - drapeCorner.xy) * vec2(1.0, -1.0) * drapeCorner.zw;
  vec4 drape = texture(drapeMap, drapePlace);
  drape.a *= float(drapePlace == clamp(drapePlace, 0.0, 1.0));
  // Close by it is a tint: whoever stands in a street wants to see the street.
  drape.a *= mix(0.22, 1.0, clamp((length(placeW - eye) - 20.0) / 130.0 + float(parallelPixel > 1e-8), 0.0, 1.0));
"""
FACE = (
    COMMON
    + _SEEN
    + """
  vec3 colour = diffuseColor;
"""
    + _LIT
    + OPAQUE
)

DRAPED = (
    COMMON
    + _SEEN
    + """
  vec4 over = texture(overlay, tcoordVCVSOutput.st);
  vec3 colour = mix(diffuseColor, over.rgb, over.a);
"""
    + _LIT
    + OPAQUE
)

# Faces look their colour up by a number: 16 and up are three for each building, of walls, flat and sloped roofs. An
# attribute gives a building one of few colours: its roofs take it, its walls most of it.
OWNED_DEC = """//VTK::PositionVC::Dec
in float slotData;
out vec3 placeW;
flat out float slotV;
"""
OWNED_IMPL = "  slotV = slotData;\n" + POSITION_IMPL
OWNED_FRAGMENT_DEC = FRAGMENT_DEC + "flat in float slotV;\n"
BUILT = FACE.replace(
    "  vec3 colour = diffuseColor;\n",
    """
  int slot = int(slotV + 0.5);
  vec3 colour = texelFetch(colourTable, ivec2(slot % 1024, slot / 1024), 0).rgb;
  int owner = (slot - 16) / 3;
  float share = slot < 16 ? 0.0 : (slot - 16) % 3 == 0 ? 0.7 : 1.0;
  int kind = int(texelFetch(classTable, ivec2(owner % 1024, owner / 1024), 0).r * 255.0 + 0.5);
  vec4 painted = texelFetch(palette, ivec2(kind, 0), 0);
  colour = mix(colour, painted.rgb, painted.a * share);
""",
)
BUILT_OVER_TIME = BUILT.replace(
    _LIT,
    """
  vec4 told = texelFetch(ownerTable, ivec2(owner % 256, owner / 256), 0);
  colour = mix(colour, told.rgb, told.a * share);
  vec4 onFace = texture(faceMap, tcoordVCVSOutput.st);
  colour = mix(colour, onFace.rgb, onFace.a);
"""
    + _LIT,
)
_LAID = _DRAPE + "  colour = mix(colour, drape.rgb, drape.a);\n  vec3 light ="
FACE_LAID_OVER = FACE.replace("  vec3 light =", _LAID)
DRAPED_LAID_OVER = DRAPED.replace("  vec3 light =", _LAID)

WATER = (
    COMMON
    + _SEEN
    + """
  vec3 view = (placeW - eye) / reach;
  float grazing = pow(1.0 - clamp(-view.z, 0.0, 1.0), 4.0);
  // Still water mirrors the sky, less of it where walls stand close, and what stands around it.
  vec3 sky = mix(horizon, zenith, clamp(-view.z * 1.3 + 0.1, 0.0, 1.0));
  float ripple = texture(grainMap, placeW.xy * 0.014).r - 0.5 + 0.5 * (texture(grainMap, placeW.yx * 0.042).r - 0.5);
  vec2 spot = mirrorStart + gl_FragCoord.xy * mirrorScale;
  vec2 push = vec2(ripple * 0.35, ripple * 1.6) * mirrorScale / max(reach * pixelAngle, 1e-3) * 0.35;
  vec4 image = 0.4 * texture(mirrorImage, spot + push);
  image += 0.3 * texture(mirrorImage, spot + 1.9 * push);
  image += 0.3 * texture(mirrorImage, spot - 0.8 * push);
  image *= mirrorShare;
  vec3 above = sky * (0.45 + 0.55 * seen.g) * (1.0 - image.a) + image.rgb;
  vec3 body = mix(shoreColour, deepColour, smoothstep(0.25, 0.95, seen.g));
  vec3 light = sunLight * (0.45 * seen.r + 0.55 * sunLevel) + skyLight * seen.g + bounceLight * (1.0 - seen.g);
  float mirror = clamp(0.20 + 0.60 * grazing + 0.05 * ripple, 0.0, 1.0);
  vec3 shown = mix(body * sqrt(light), above, mirror);
"""
    + OPAQUE
)
WATER_LAID_OVER = WATER.replace(
    OPAQUE, _DRAPE + "  shown = mix(shown, drape.rgb * sqrt(light), drape.a);\n" + OPAQUE
)

# Flood water is one thin layer over whatever lies below; its colour and how much of it is seen are looked up by cell.
# It covers much of many pictures, so it does without roots and powers: its light lies between that of shade and sun.
_FLOOD = """
  vec4 field = texture(fieldMap, tcoordVCVSOutput.st);
  vec2 seen = texture(lightMap, planV).rg;
  vec3 light = mix(shadeTone, sunnyTone, 0.65 * seen.r + 0.35 * seen.g);
  vec3 shown = field.rgb * light;
  float solid = field.a;
"""
_WAVES = """
  float reach = length(placeW - eye);
  vec3 view = (placeW - eye) / reach;
  float away = 1.0 - clamp(abs(view.z), 0.0, 1.0);
  float grazing = away * away * away * away;
  float ripple = texture(grainMap, placeW.xy * 0.031).r - 0.5 + 0.6 * (texture(grainMap, placeW.yx * 0.083).r - 0.5);
  ripple *= clamp(0.4 / max(reach * pixelAngle + parallelPixel, 1e-3), 0.0, 1.0);
  vec3 sky = mix(horizon, zenith, clamp(abs(view.z) * 1.3 + 0.1, 0.0, 1.0));
  shown = mix(shown, sky, clamp(0.22 + 0.45 * grazing + 0.15 * ripple, 0.0, 1.0));
  solid = mix(solid, 1.0, grazing * step(0.02, solid));
"""
_UNDER_DRAPE = (
    _DRAPE
    + """
  shown = mix(shown, drape.rgb * light, 0.75 * drape.a);
  solid = max(solid, 0.95 * drape.a * step(0.02, solid));
"""
)
_THIN = """
  gl_FragData[0] = vec4(mix(shown, horizon, farV), waterOpacity * groupOpacity * solid);
"""
FLOOD_DEC = """//VTK::PositionVC::Dec
out vec3 placeW;
out vec2 planV;
out float farV;
"""
FLOOD_IMPL = """
  vec4 place = vertexMC;
  planV = (place.xy - planCornerV.xy) * vec2(1.0, -1.0) * planCornerV.zw;
  farV = hazeShareV * (1.0 - exp(-max(length(place.xyz - eyeV) - hazeStartV, 0.0) / hazeLengthV));
  placeW = place.xyz;
  gl_Position = MCDCMatrix * place;
"""
FLOOD_FRAGMENT_DEC = FRAGMENT_DEC + "in vec2 planV;\nin float farV;\n"
FLOOD, FLOOD_LAID_OVER = _FLOOD + _THIN, _FLOOD + _UNDER_DRAPE + _THIN
WAVES, WAVES_LAID_OVER = _FLOOD + _WAVES + _THIN, _FLOOD + _WAVES + _UNDER_DRAPE + _THIN

TREE = (
    COMMON
    + """
  vec3 n = normalize(normalW);
  float pixel = reach * pixelAngle + parallelPixel;
  float clumps = noise(placeW * 1.3) + 0.6 * noise(leafTurn * placeW * 3.7) - 0.8;
  float leaves = noise(placeW.zxy * 9.0) + 0.7 * noise(leafTurn * placeW.yzx * 21.0) - 0.85;
  float rough = leafy * (0.55 * clumps * clamp(0.5 / max(pixel, 1e-4) - 0.4, 0.0, 1.0)
    + 0.75 * leaves * clamp(0.09 / max(pixel, 1e-4) - 0.3, 0.0, 1.0));
  // Leaves let light through, so the side away from the sun is not black.
  float wrapped = clamp((dot(n, sunDirection) + 0.35) / 1.35 + 0.55 * rough, 0.0, 1.0);
  float high = 0.5 + 0.5 * n.z;
  float open_ = clamp(openness * (1.0 + 0.5 * rough), 0.0, 1.0);
  vec2 seen = vec2(wrapped * opacity * mix(0.55, 1.0, open_), open_ * mix(0.45, 1.0, high));
  vec3 colour = diffuseColor * (1.0 + 0.22 * rough);
"""
    + _LIT
    + OPAQUE
)

TABLE = (
    """
  float reach = length(placeW - eye);
"""
    + _SEEN
    + """
  vec3 colour = diffuseColor;
"""
    + _LIT
    + """
  float out_ = length((placeW.xy - middle.xy) / middle.z);
  float far = smoothstep(0.9, 4.2, out_);
"""
    + _DITHER
    + """
  gl_FragData[0] = vec4(mix(shown, horizon, far) + grain / 255.0, 1.0);
"""
)

SKY = (
    """
  vec3 view = normalize(placeW - eye);
  float up = clamp(view.z, 0.0, 1.0);
  vec3 shown = mix(horizon, zenith, 1.0 - exp(-2.6 * up));
"""
    + _DITHER
    + """
  gl_FragData[0] = vec4(shown + grain / 255.0, 1.0);
"""
)

# Flat shapes over the ground: their own colour and cover, without light.
RIBBON = """
  float reach = length(placeW - eye);
  float far = hazeShare * (1.0 - exp(-max(reach - hazeStart, 0.0) / hazeLength));
  gl_FragData[0] = vec4(mix(diffuseColor, horizon, far), groupOpacity * opacity);
"""

LINE = """
  float reach = length(placeW - eye);
  float far = hazeShare * (1.0 - exp(-max(reach - hazeStart, 0.0) / hazeLength));
  // A line thinner than it should be is paler instead: far edges fade and do not turn into noise.
  float width = clamp(lineReach / (reach * pixelAngle + parallelPixel), 0.0, 1.0);
  gl_FragData[0] = vec4(mix(diffuseColor, horizon, far), groupOpacity * opacity * width * width);
"""
