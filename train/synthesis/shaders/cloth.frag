// Woven and knitted cloth: pattern, wear, folds by relief.
out vec4 pixel;

float band(float x) { return smoothstep(0.46, 0.54, abs(fract(x) - 0.5) * 2.0); }

// Which share of the second colour shows.
float pattern_share(int pattern, float size) {
    vec3 p = coord / size;
    if (pattern == 1) return band(p.y);
    if (pattern == 2) return band(p.x + p.z * 0.5);
    if (pattern == 3) return abs(band(p.x + p.z * 0.5) - band(p.y));
    if (pattern == 4) return 0.5 * band(p.x + p.z * 0.5) + 0.5 * band(p.y);
    if (pattern == 5) return smoothstep(0.34, 0.28, length(fract(vec2(p.x + p.z * 0.5, p.y)) - 0.5));
    if (pattern == 6) return smoothstep(0.47, 0.56, texture(noise, coord / (size * 9.0)).r);
    if (pattern == 7) return step(0.0, coord.y - materials[material].special.z);
    return 0.0;
}

void main() {
    look_up();
    Material m = materials[material];
    vec3 v = normalize(camera_position - position);
    vec3 n = facing_normal(v);
    vec3 albedo = mix(m.colour.rgb, m.second.rgb, pattern_share(int(m.second.w + 0.5), m.surface.x));
    vec4 fold = texture(noise, coord / m.surface.z), small = texture(noise, coord.zxy / (m.surface.z * 0.37) + 0.3);
    float wear = texture(noise, coord / 520.0).a - 0.5;
    float height = m.surface.y * (fold.g + 0.22 * small.g * tint.a) * (0.35 + 0.65 * tint.a);
    albedo *= tint.rgb * (1.0 + m.special.w * wear + 0.10 * (fold.g - 0.5) + 0.05 * (small.r - 0.5));
    n = with_relief(n, height);
    float inside = dot(normalize(normal), v) < 0.0 ? 0.45 : 1.0;
    float hem = 1.0 - 0.25 * smoothstep(9.0, 6.0, cover);
    vec3 light = lit(albedo * inside * hem, n, v, m.special.y, vec3(1.0), m.surface.w, 9.0);
    pixel = vec4(finished(light), 1.0);
}
