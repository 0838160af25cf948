struct Material {
    vec4 colour;   // linear RGB, texture layer (-1: none)
    vec4 second;   // linear RGB, pattern
    vec4 surface;  // pattern size in mm, height of folds in mm, size of folds in mm, gloss
    vec4 special;  // raggedness of the edge in mm, softness of the light's edge, two numbers of the kind's own
};
layout(std140) uniform Materials { Material materials[192]; };
uniform sampler3D noise;
