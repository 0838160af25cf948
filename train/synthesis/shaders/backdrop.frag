// A photo, whose ground receives the people's shadow, or a sky: gradient, sun glow, clouds.
uniform sampler2D photo;
uniform float has_photo;
uniform vec2 picture;
uniform vec3 zenith;
uniform vec3 horizon;
uniform vec4 clouds;      // colour, cover
out vec4 pixel;

// Share of the light that is left on the ground at this pixel, the ground of a photo being taken to be level.
float ground_light(vec3 ray) {
    float distance = -camera_position.y / ray.y;
    if (distance < 0.0) return 1.0;
    position = camera_position + ray * distance;
    vec3 n = vec3(0.0, 1.0, 0.0);
    mat2 turn = turn_of_pixel();
    float key = dot(key_colour, vec3(0.33)) * max(0.0, key_direction.y), rest = dot(sky_colour, vec3(0.33));
    float left = (key * lit_share(n, turn) + rest * open_share(n, turn)) / (key + rest);
    return pow(left, 1.0 / 2.2);
}

void main() {
    vec3 ray = ray_of_pixel();
    if (has_photo > 0.5) {
        pixel = vec4(texture(photo, gl_FragCoord.xy / picture).rgb * ground_light(ray), 1.0);
        return;
    }
    ray = normalize(ray);
    float up = max(0.0, ray.y);
    vec3 sky = mix(horizon, zenith, pow(up, 0.55));
    vec2 sheet = ray.xz / (up + 0.12);
    float mist = texture(noise, vec3(sheet * 0.11, 0.3)).r * 0.65 + texture(noise, vec3(sheet * 0.37, 0.7)).a * 0.35;
    sky = mix(sky, clouds.rgb, smoothstep(1.0 - clouds.w, 1.25 - clouds.w, mist + 0.25) * smoothstep(0.0, 0.12, up));
    sky += key_colour * 0.25 * pow(max(0.0, dot(ray, key_direction)), 40.0);
    pixel = vec4(developed(sky), 1.0);
}
