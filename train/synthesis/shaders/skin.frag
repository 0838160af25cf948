// Skin: blotches, reddening, soft passage into shadow. The tint carries lips, brows, beard stubble.
out vec4 pixel;

void main() {
    look_up();
    Material m = materials[material];
    vec3 v = normalize(camera_position - position);
    vec3 n = facing_normal(v);
    float fine = texture(noise, coord / 70.0).r - 0.5, broad = texture(noise, coord / 420.0).a - 0.5;
    vec3 albedo = m.colour.rgb * tint.rgb * (1.0 + 0.14 * fine + 0.16 * broad);
    albedo *= mix(vec3(1.0), vec3(1.06, 0.92, 0.90), clamp(broad * 2.0, 0.0, 1.0));
    n = with_relief(n, 0.8 * fine);
    pixel = vec4(finished(lit(albedo, n, v, 0.35, vec3(1.25, 0.85, 0.75), m.surface.w, 18.0)), 1.0);
}
