// Key light with shadow, sky and ground light, ambient occlusion from the depth image, haze, exposure.
uniform sampler2DShadow shadow_map;
uniform mat4 shadow_from_world;
uniform vec2 shadow_spread;       // radius of the blur in the map, offset against self-shadow in mm
uniform vec3 key_direction;       // towards the light
uniform vec3 key_colour;
uniform vec3 fill_direction;
uniform vec3 fill_colour;
uniform vec3 sky_colour;
uniform vec3 ground_colour;
uniform vec4 haze;                // colour, density per mm
uniform float exposure;
uniform float occlusion_radius;   // mm

const vec2 TAPS[8] = vec2[8](
    vec2(0.35, 0.10), vec2(-0.20, 0.42), vec2(-0.58, -0.18), vec2(0.12, -0.66),
    vec2(0.72, -0.38), vec2(0.48, 0.72), vec2(-0.62, 0.68), vec2(-0.70, -0.68));

mat2 turn_of_pixel() {
    float angle = 6.2832 * fract(52.9829189 * fract(dot(gl_FragCoord.xy, vec2(0.06711056, 0.00583715))));
    return mat2(cos(angle), sin(angle), -sin(angle), cos(angle));
}

float lit_share(vec3 n, mat2 turn) {
    vec4 place = shadow_from_world * vec4(position + n * shadow_spread.y, 1.0);
    vec3 at = place.xyz * 0.5 + 0.5;
    if (any(lessThan(at, vec3(0.0))) || any(greaterThan(at, vec3(1.0)))) return 1.0;
    float lit = 0.0;
    for (int i = 0; i < 4; i++) lit += texture(shadow_map, vec3(at.xy + turn * TAPS[2 * i] * shadow_spread.x, at.z));
    return lit * 0.25;
}

float open_share(vec3 n, mat2 turn) {
    vec3 here = camera_from_world * (position - camera_position);
    vec3 direction = camera_from_world * n;
    float radius = clamp(occlusion_radius * intrinsics.x / here.z, 3.0, 90.0);
    float hidden = 0.0;
    for (int i = 0; i < 8; i++) {
        vec2 pixel = gl_FragCoord.xy + turn * TAPS[i] * radius;
        float z = texelFetch(places, ivec2(clamp(pixel, vec2(0.0), vec2(textureSize(places, 0) - 1))), 0).r;
        vec3 to = vec3((pixel - intrinsics.yz) / intrinsics.x * z, z) - here;
        float reach = length(to);
        hidden += max(0.0, dot(to, direction) / (reach + 1.0) - 0.12) * smoothstep(2.5, 0.4, reach / occlusion_radius);
    }
    return clamp(1.0 - 0.28 * hidden, 0.12, 1.0);
}

// Normal of a surface with relief; height in mm (Mikkelsen 2010, bump mapping without tangents).
vec3 with_relief(vec3 n, float height) {
    vec3 dx = dFdx(position), dy = dFdy(position);
    vec3 across = cross(dy, n), along = cross(n, dx);
    float area = dot(dx, across);
    vec3 slope = sign(area) * (dFdx(height) * across + dFdy(height) * along);
    float strength = min(1.0, 1.2 * abs(area) / (length(slope) + 1e-6));
    return normalize(abs(area) * n - strength * slope);
}

vec3 facing_normal(vec3 v) {
    vec3 n = normalize(normal);
    return dot(n, v) < 0.0 ? -n : n;
}

vec3 developed(vec3 light) {
    vec3 seen = light * exposure;
    vec3 curve = seen * (1.0 + seen * 0.11) / (1.0 + seen * 0.55);
    return pow(clamp(curve, 0.0, 1.0), vec3(1.0 / 2.2));
}

vec3 finished(vec3 light) {
    return developed(mix(haze.rgb, light, exp(-length(position - camera_position) * haze.w)));
}

// soft: width of the passage from light to dark as of skin; scatter: colour of that passage; gloss: strength of the highlight.
vec3 lit(vec3 albedo, vec3 n, vec3 v, float soft, vec3 scatter, float gloss, float power) {
    mat2 turn = turn_of_pixel();
    float open = open_share(n, turn);
    float facing = dot(n, key_direction);
    float direct = max(0.0, (facing + soft) / (1.0 + soft));
    vec3 passage = mix(vec3(1.0), scatter, soft * smoothstep(0.5, 0.0, abs(facing)));
    float share = lit_share(n, turn);
    vec3 around = mix(ground_colour, sky_colour, 0.5 + 0.5 * n.y) * open;
    vec3 fill = fill_colour * max(0.0, 0.3 + 0.7 * dot(n, fill_direction)) * open;
    vec3 halfway = normalize(key_direction + v);
    float shine = gloss * (power + 8.0) / 25.0 * pow(max(0.0, dot(n, halfway)), power) * step(0.0, facing);
    float rim = gloss * 0.5 * pow(1.0 - max(0.0, dot(n, v)), 4.0);
    return albedo * (key_colour * direct * share * passage + around + fill) + key_colour * shine * share + around * rim;
}
