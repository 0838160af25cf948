// Only the depth of the light's view is kept.
void main() {
    if (is_cut_away()) discard;
}
