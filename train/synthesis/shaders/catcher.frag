// The ground of a photo: it only receives the shadow. Multiplied onto the picture.
out vec4 pixel;

void main() {
    mat2 turn = turn_of_pixel();
    vec3 n = vec3(0.0, 1.0, 0.0);
    float key = dot(key_colour, vec3(0.33)) * max(0.0, key_direction.y), rest = dot(sky_colour, vec3(0.33));
    float open = open_share(n, turn);
    float left = (key * lit_share(n, turn) + rest * open) / (key + rest);
    pixel = vec4(vec3(pow(left, 1.0 / 2.2)), 1.0);
}
