// The kind of what is seen becomes a depth, so that each kind's shader runs on its own pixels only.
uniform sampler2D places;

void main() {
    gl_FragDepth = 0.5 + floor(texelFetch(places, ivec2(gl_FragCoord.xy), 0).y / 64.0) / 16.0;
}
