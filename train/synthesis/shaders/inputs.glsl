// What every fragment of a surface receives, and which fragments are not there.
in vec3 position;
in vec3 normal;
in vec3 coord;
in vec4 tint;
in float cover;
flat in int material;
flat in float person;

struct Material {
    vec4 colour;   // linear RGB, texture layer (-1: none)
    vec4 second;   // linear RGB, pattern
    vec4 surface;  // pattern size in mm, height of folds in mm, size of folds in mm, gloss
    vec4 special;  // raggedness of the edge in mm, softness of the light's edge, two numbers of the kind's own
};
layout(std140) uniform Materials { Material materials[192]; };
uniform sampler3D noise;

bool is_cut_away() {
    float ragged = materials[material].special.x;
    float edge = cover;
    if (ragged > 0.0) edge += ragged * (texture(noise, coord / vec3(45.0, 260.0, 45.0)).b - 0.5);
    return edge < 0.0;
}
