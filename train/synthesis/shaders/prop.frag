// Things and buildings: a texture over a colour; leaves let light through.
uniform sampler2DArray textures;
out vec4 pixel;

void main() {
    look_up();
    Material m = materials[material];
    vec3 v = normalize(camera_position - position);
    vec3 n = facing_normal(v);
    vec3 albedo = m.colour.rgb * tint.rgb;
    if (m.colour.w >= 0.0) {
        vec4 sheet = texture(textures, vec3(coord.xy / m.surface.x, m.colour.w));
        albedo = mix(m.second.rgb, m.colour.rgb, sheet.a) * tint.rgb * sheet.rgb * 1.6;
        albedo *= 0.8 + 0.4 * texture(noise, coord / (m.surface.x * 3.7)).r;
    }
    vec3 light = lit(albedo, n, v, m.special.y, vec3(1.0, 1.1, 0.6), m.surface.w, 30.0) + m.special.z * albedo;
    pixel = vec4(finished(light), 1.0);
}
