// The kind of what is seen becomes a depth, so that each kind's shader runs on its own pixels only.
uniform sampler2D places;

void main() {
    gl_FragDepth = 0.5 + texelFetch(places, ivec2(gl_FragCoord.xy), 0).z / 16.0;
}
