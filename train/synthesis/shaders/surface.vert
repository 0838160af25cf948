// One vertex layout for everything in a scene. World axes: millimetres, y up.
in vec3 in_position;
in vec3 in_normal;
in vec3 in_coord;     // texture space in millimetres: the rest position of bodies and clothes, (u, v, 0) of props
in vec4 in_tint;      // colour factor; alpha: strength of folds, 0 to 1
in vec3 in_extra;     // material, cover (the fragment is dropped below zero), person (0 none, i + 1)

uniform mat4 clip_from_world;

out vec3 position;
out vec3 normal;
out vec3 coord;
out vec4 tint;
out float cover;
flat out int material;
flat out float person;

void main() {
    position = in_position;
    normal = in_normal;
    coord = in_coord;
    tint = in_tint;
    material = int(in_extra.x + 0.5);
    cover = in_extra.y;
    person = in_extra.z;
    gl_Position = clip_from_world * vec4(in_position, 1.0);
}
