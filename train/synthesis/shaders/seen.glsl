// What was gathered at this sample.
uniform sampler2D coords;
uniform sampler2D normals;
uniform sampler2D tints;
uniform sampler2D places;
uniform vec3 camera_position;
uniform mat3 camera_from_world;
uniform vec3 intrinsics;          // focal length, centre x and y (samples, centre of the first one at 0.5)

vec3 position, normal, coord;
vec4 tint;
float cover;
int material;

vec3 ray_of_pixel() {
    return transpose(camera_from_world) * vec3((gl_FragCoord.xy - intrinsics.yz) / intrinsics.x, 1.0);
}

void look_up() {
    ivec2 at = ivec2(gl_FragCoord.xy);
    vec4 first = texelFetch(coords, at, 0), second = texelFetch(normals, at, 0);
    coord = first.xyz;
    cover = first.w;
    normal = second.xyz;
    material = int(second.w + 0.5);
    tint = texelFetch(tints, at, 0) * 2.0;
    position = camera_position + ray_of_pixel() * texelFetch(places, at, 0).x;
}
