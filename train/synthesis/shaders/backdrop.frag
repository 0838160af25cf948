// A photo, or a sky: gradient, sun glow, clouds.
in vec2 place;
uniform sampler2D photo;
uniform float has_photo;
uniform mat3 world_from_camera;
uniform vec3 intrinsics;
uniform vec2 picture;
uniform sampler3D noise;
uniform vec3 zenith;
uniform vec3 horizon;
uniform vec4 clouds;      // colour, cover
uniform vec3 key_direction;
uniform vec3 key_colour;
uniform float exposure;
out vec4 pixel;

void main() {
    if (has_photo > 0.5) {
        pixel = vec4(texture(photo, place).rgb, 1.0);
        return;
    }
    vec3 ray = normalize(world_from_camera * vec3((place * picture - intrinsics.yz) / intrinsics.x, 1.0));
    float up = max(0.0, ray.y);
    vec3 sky = mix(horizon, zenith, pow(up, 0.55));
    vec2 sheet = ray.xz / (up + 0.12);
    float mist = texture(noise, vec3(sheet * 0.11, 0.3)).r * 0.65 + texture(noise, vec3(sheet * 0.37, 0.7)).a * 0.35;
    sky = mix(sky, clouds.rgb, smoothstep(1.0 - clouds.w, 1.25 - clouds.w, mist + 0.25) * smoothstep(0.0, 0.12, up));
    sky += key_colour * 0.25 * pow(max(0.0, dot(ray, key_direction)), 40.0);
    vec3 seen = sky * exposure;
    vec3 curve = seen * (1.0 + seen * 0.11) / (1.0 + seen * 0.55);
    pixel = vec4(pow(clamp(curve, 0.0, 1.0), vec3(1.0 / 2.2)), 1.0);
}
