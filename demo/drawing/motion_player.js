// A clip and the body in 3D under one timeline. The clip is the clock while it plays; a frame that the 3D view has no
// time for is left out. The body is moved here, from where each bone is: its mesh in every frame would be megabytes.
function motionPlayer(root) {
  const find = (name) => root.querySelector(name);
  const [video, graph, play, slider, clock, pace] = ['video', '.graph', '.play', '.slider', '.clock', '.pace'].map(find);
  const still = window.matchMedia('(prefers-reduced-motion: reduce)');
  const view = figureView(find('.stage'), { sways: false });
  const TRACES = ['shadow', 'body', 'joints'], HIDDEN = 255;
  const KINDS = { float32: Float32Array, uint8: Uint8Array };
  let moving = null, shadow = null; // of the clip at hand
  let wanted = 0, drawn = -1, busy = false;

  const array = ({ type, shape, data }) => {
    const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
    const values = new KINDS[type](bytes.buffer), size = shape.slice(1).reduce((one, other) => one * other, 1);
    return { of: (frame) => values.subarray(frame * size, (frame + 1) * size), values };
  };

  const body = (frame) => { // linear blend skinning
    const { corners, nodes, weights, parts } = moving, matrices = moving.matrices.of(frame);
    const tones = moving.tones.of(frame), count = parts.values.length, places = [0, 1, 2].map(() => new Float32Array(count));
    const intensity = new Uint8Array(count), seen = moving.found[frame];
    for (let corner = 0; corner < count; corner += 1) {
      const tone = tones[parts.values[corner]];
      intensity[corner] = tone;
      if (!seen || tone === HIDDEN) continue; // in one point, where it has no size
      for (let k = 0; k < 2; k += 1) {
        const weight = weights.values[2 * corner + k], start = 12 * nodes.values[2 * corner + k];
        if (!weight) continue;
        for (let axis = 0; axis < 3; axis += 1) {
          const row = start + 4 * axis;
          places[axis][corner] += weight * (matrices[row + 3] + matrices[row] * corners.values[3 * corner]
            + matrices[row + 1] * corners.values[3 * corner + 1] + matrices[row + 2] * corners.values[3 * corner + 2]);
        }
      }
    }
    return { places, intensity };
  };

  const joints = (frame) => { // in plot axes, with what is said of them; null where nothing is drawn
    const points = moving.joints.of(frame), confidence = moving.confidence.of(frame), status = moving.status.of(frame);
    const lift = moving.lift.of(frame)[0], texts = [], places = [[], [], []];
    moving.names.forEach((name, k) => {
      const [x, y, z] = points.subarray(3 * k, 3 * k + 3), shown = moving.found[frame] && moving.statuses[status[k]] !== 'outside';
      [x, z, lift - y].forEach((value, axis) => places[axis].push(shown ? value : null));
      texts.push(`<b>${name}</b><br>x ${x.toFixed(0)} mm (right)<br>y ${y.toFixed(0)} mm (down)<br>z ${z.toFixed(0)} mm (away)`
        + `<br>confidence ${(confidence[k] / 100).toFixed(2)}, ${moving.statuses[status[k]]}`);
    });
    return { places, texts };
  };

  const darkened = (places) => { // the shadows: the higher what throws them, the wider and fainter
    const shape = shadow.map((values) => values.slice()), size = shape[0].length / moving.shadows.length;
    moving.shadows.forEach((owners, number) => {
      const [x, y, z] = places.map((values) => owners.reduce((sum, joint) => sum + values[joint] / owners.length, 0));
      const gone = owners.some((joint) => places[0][joint] === null), foot = owners.length === 1;
      const radius = (foot ? 0.16 : 0.34) + 0.0002 * z, strength = gone ? 0 : (foot ? 0.9 : 0.8) / (1 + z / (foot ? 150 : 900));
      for (let k = number * size; k < (number + 1) * size; k += 1) {
        shape[0][k] = x + radius * shape[0][k];
        shape[1][k] = y + radius * shape[1][k];
        shape[3][k] *= strength;
      }
    });
    return shape;
  };

  const redraw = async () => {
    busy = true;
    while (moving && drawn !== wanted) {
      const frame = wanted, { places: corners, intensity } = body(frame), { places, texts } = joints(frame);
      const dark = darkened(places), numbers = TRACES.map((name) => graph.data.findIndex((one) => one.name === name));
      drawn = frame;
      find('.tip').hidden = true;
      await window.Plotly.restyle(graph, {
        x: [dark[0], corners[0], places[0]], y: [dark[1], corners[1], places[1]], z: [dark[2], corners[2], places[2]],
        intensity: [dark[3], intensity, null], hovertext: [null, null, texts],
      }, numbers);
      await new Promise(requestAnimationFrame);
    }
    busy = false;
  };

  const show = (frame) => {
    const last = moving.times.length - 1, said = `${moving.times[frame].toFixed(2)} s of ${moving.times[last].toFixed(2)} s`;
    wanted = frame;
    slider.value = frame;
    slider.setAttribute('aria-valuetext', moving.found[frame] ? said : `${said}, nobody found`);
    clock.textContent = slider.getAttribute('aria-valuetext');
    if (shadow && !busy) redraw();
  };

  const frameAt = (seconds) => { // the last one that has begun
    let low = 0, high = moving.times.length - 1;
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if (moving.times[middle] <= seconds + 0.002) low = middle;
      else high = middle - 1;
    }
    return low;
  };

  const tick = () => {
    if (!moving || video.paused) return;
    show(frameAt(video.currentTime));
    requestAnimationFrame(tick);
  };

  const name = () => { play.textContent = video.paused ? 'Play' : 'Pause'; };
  for (const event of ['play', 'pause']) video.addEventListener(event, name);
  video.addEventListener('play', tick);
  for (const event of ['pause', 'seeked']) {
    video.addEventListener(event, () => { if (moving) show(frameAt(video.currentTime)); });
  }
  video.addEventListener('click', () => play.click());
  play.addEventListener('click', () => { if (video.paused) video.play().catch(name); else video.pause(); });
  pace.addEventListener('change', () => { video.playbackRate = Number(pace.value); });
  slider.addEventListener('input', () => {
    video.pause();
    show(Number(slider.value));
    video.currentTime = moving.times[wanted] + 0.003; // within the frame, whatever the rounding
  });

  const draw = async ({ video: address, figure, moving: next }) => {
    const arrays = Object.entries(next).map(([key, value]) => [key, value.data === undefined ? value : array(value)]);
    [moving, shadow, drawn] = [Object.fromEntries(arrays), null, -1];
    slider.max = moving.times.length - 1;
    video.pause();
    video.src = address;
    video.playbackRate = Number(pace.value);
    show(moving.found.indexOf(true));
    video.addEventListener('loadedmetadata', () => {
      root.classList.toggle('wide', video.videoWidth > 1.2 * video.videoHeight);
      if (still.matches) video.currentTime = moving.times[wanted] + 0.003;
      else video.play().catch(name);
    }, { once: true });
    delete figure.layout.height; // the style sheet has it
    await view.draw(figure);
    if (root.getBoundingClientRect().top > 0.7 * window.innerHeight) { // on a phone, below all that was asked
      root.scrollIntoView({ behavior: still.matches ? 'auto' : 'smooth', block: 'start' });
    }
    const shape = graph._fullData.find((one) => one.name === 'shadow');
    shadow = ['x', 'y', 'z', 'intensity'].map((name) => Float32Array.from(shape[name]));
    show(wanted);
  };
  const pause = () => video.pause();
  const stop = () => { moving = null; video.pause(); };
  return { draw, pause, stop, resize: view.resize };
}
