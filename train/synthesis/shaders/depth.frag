// Distance along the optical axis and the person at every pixel centre.
out vec2 result;

void main() {
    if (is_cut_away()) discard;
    result = vec2(1.0 / gl_FragCoord.w, person);
}
