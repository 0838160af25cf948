// What every fragment of a surface receives, and which fragments are not there.
in vec3 normal;
in vec3 coord;
in vec4 tint;
in float cover;
flat in int material;
flat in float person;

bool is_cut_away() {
    float ragged = materials[material].special.x;
    float edge = cover;
    if (ragged > 0.0) edge += ragged * (texture(noise, coord / vec3(45.0, 260.0, 45.0)).b - 0.5);
    return edge < 0.0;
}
