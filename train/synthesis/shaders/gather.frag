// What is seen at each sample, to be lit afterwards, once: bodies have far more triangles than pixels.
uniform float kind;

layout(location = 0) out vec4 seen_coord;    // texture space, cover
layout(location = 1) out vec4 seen_normal;   // normal, material
layout(location = 2) out vec4 seen_tint;     // halved
layout(location = 3) out vec2 seen_place;    // distance along the optical axis, person + 64 kind

void main() {
    if (is_cut_away()) discard;
    seen_coord = vec4(coord, cover);
    seen_normal = vec4(normalize(normal), float(material));
    seen_tint = tint * 0.5;
    seen_place = vec2(1.0 / gl_FragCoord.w, person + 64.0 * kind);
}
