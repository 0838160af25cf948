// One triangle over the whole picture, at the far end.
out vec2 place;   // 0 to 1, y down

void main() {
    vec2 corner = vec2(gl_VertexID == 1 ? 3.0 : -1.0, gl_VertexID == 2 ? 3.0 : -1.0);
    place = corner * 0.5 + 0.5;
    gl_Position = vec4(corner, 0.99999, 1.0);
}
