// Hair: strands along the fall of the hair, two highlights across them.
out vec4 pixel;

void main() {
    look_up();
    Material m = materials[material];
    vec3 v = normalize(camera_position - position);
    vec3 n = facing_normal(v);
    float strand = texture(noise, coord / vec3(38.0, 420.0, 38.0)).r;
    float lock = texture(noise, coord / vec3(150.0, 700.0, 150.0)).b;
    vec3 albedo = m.colour.rgb * tint.rgb * (0.45 + 0.75 * strand + 0.5 * (lock - 0.3));
    n = with_relief(n, 3.5 * strand + 9.0 * lock);
    float cross_shine = pow(max(0.0, 1.0 - abs(dot(normalize(cross(vec3(n.z, 0.0, -n.x), n)), normalize(v + key_direction)))), 6.0);
    vec3 light = lit(albedo * (1.0 + 0.6 * cross_shine * strand), n, v, 0.25, vec3(1.0), m.surface.w, 12.0);
    pixel = vec4(finished(light), 1.0);
}
