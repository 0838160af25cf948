// A 3D figure of Plotly's on a turntable: dragging turns it about the vertical and never tips it over, and a finger
// that moves up or down scrolls the page. Plotly's own buttons are pictures, which no keyboard reaches, and its own
// hovering stops at the surface of a limb: both are done here, from what the figure says.
function figureView(root, { sways = true } = {}) {
  const [bar, graph, tip, ring, photo] = ['.bar', '.graph', '.tip', '.ring', '.photo img'].map((name) => root.querySelector(name));
  const still = window.matchMedia('(prefers-reduced-motion: reduce)');
  const LOWEST = -0.25, HIGHEST = 1.5, SWAY = 0.6, SECONDS = 20; // radians; of a sway to and fro
  const TICK = 33, SLOW = 80, REST = 1500; // milliseconds of a step, from which a machine is too slow, and before the first
  const hidden = new Set(); // labels of the switches that are off
  const pointers = new Map(); // id -> x, y of each finger
  let view = null, first = null; // azimuth, elevation, distance and center of the camera: now, and after a reset
  let touched = false, asked = false, moving = 0;

  const parse = ({ eye, center }) => {
    const [x, y, z] = ['x', 'y', 'z'].map((axis) => eye[axis] - center[axis]);
    const distance = Math.hypot(x, y, z);
    return { azimuth: Math.atan2(x, -y), elevation: Math.asin(z / distance), distance, center: { ...center } };
  };
  const sight = ({ azimuth, elevation }) => ({
    x: Math.sin(azimuth) * Math.cos(elevation), y: -Math.cos(azimuth) * Math.cos(elevation), z: Math.sin(elevation),
  });
  const camera = (one) => {
    const way = sight(one), eye = {};
    for (const axis of ['x', 'y', 'z']) eye[axis] = one.center[axis] + one.distance * way[axis];
    return { eye, center: { ...one.center }, up: { x: 0, y: 0, z: 1 } };
  };

  const show = (next) => {
    view = { ...view, ...next };
    view.elevation = Math.min(HIGHEST, Math.max(LOWEST, view.elevation));
    view.distance = Math.min(4 * first.distance, Math.max(0.25 * first.distance, view.distance));
    point(null);
    if (asked) return;
    asked = true;
    requestAnimationFrame(() => {
      asked = false;
      window.Plotly.relayout(graph, { 'scene.camera': camera(view) });
      hang();
    });
  };

  const glide = (goal) => { // the short way round
    const start = view, began = performance.now(), run = ++moving, whole = 2 * Math.PI;
    const turn = goal.azimuth - start.azimuth, azimuth = start.azimuth + turn - whole * Math.round(turn / whole);
    const mix = (from, to, part) => from + (to - from) * part;
    const step = () => {
      if (run !== moving) return;
      const time = still.matches ? 1 : Math.min(1, (performance.now() - began) / 450), part = time * time * (3 - 2 * time);
      const center = {};
      for (const axis of ['x', 'y', 'z']) center[axis] = mix(start.center[axis], goal.center[axis], part);
      show({
        azimuth: mix(start.azimuth, azimuth, part), elevation: mix(start.elevation, goal.elevation, part),
        distance: mix(start.distance, goal.distance, part), center,
      });
      if (time < 1) requestAnimationFrame(step);
    };
    step();
  };

  const touch = () => { touched = true; moving += 1; };

  const sway = () => { // slowly to and fro until it is touched, unless nobody sees it or the machine is too slow
    let before = performance.now(), angle = 0, pace = TICK;
    const from = view.azimuth, run = ++moving;
    const step = () => { // by a timer: it makes the browser draw nothing while nobody sees it
      if (touched || still.matches || run !== moving || pace > SLOW) return;
      const now = performance.now(), gap = now - before, box = graph.getBoundingClientRect();
      before = now;
      if (gap < 1000 && box.width && box.bottom > 0 && box.top < window.innerHeight && !graph.matches(':hover')) {
        pace += 0.1 * (gap - pace);
        angle += (gap / 1000) * (2 * Math.PI / SECONDS);
        show({ azimuth: from - SWAY * Math.sin(angle) });
      }
      setTimeout(step, TICK);
    };
    setTimeout(step, REST);
  };

  const press = (button, element) => {
    touch();
    let change = button.args;
    if (button.args2) {
      const off = !hidden.delete(button.label);
      if (off) hidden.add(button.label);
      else change = button.args2;
      hang();
      element.setAttribute('aria-pressed', String(!off));
    }
    const goal = button.method === 'relayout' && change[0]['scene.camera'];
    if (goal) glide(parse(goal));
    else window.Plotly[button.method](graph, ...structuredClone(change));
  };

  const dress = (menus) => {
    bar.replaceChildren(...menus.map((menu) => {
      const group = document.createElement('div');
      group.setAttribute('role', 'group');
      group.append(...menu.buttons.map((button) => {
        const element = document.createElement('button');
        element.type = 'button';
        element.textContent = button.label;
        if (button.args2) element.setAttribute('aria-pressed', String(!hidden.has(button.label)));
        element.addEventListener('click', () => press(button, element));
        return element;
      }));
      return group;
    }));
  };

  const describe = () => {
    for (const canvas of graph.querySelectorAll('canvas')) {
      canvas.setAttribute('role', 'img');
      for (const name of ['aria-label', 'aria-describedby']) {
        if (graph.hasAttribute(name)) canvas.setAttribute(name, graph.getAttribute(name));
      }
    }
  };

  const draw = (figure) => {
    const { layout, data, frames } = figure, menus = layout.updatemenus || [], old = graph.layout;
    layout.updatemenus = [];
    for (const { label, args, args2 } of menus.flatMap((menu) => menu.buttons)) {
      if (args2 && hidden.has(label)) for (const number of args[1]) data[number].visible = args[0].visible;
    }
    const reset = parse(layout.scene.camera), kept = old && old.uirevision === layout.uirevision;
    const next = { ...reset };
    if (kept) {
      for (const axis of ['x', 'y', 'z']) next.center[axis] += view.center[axis] - first.center[axis];
      next.distance *= view.distance / first.distance;
      Object.assign(next, { azimuth: view.azimuth, elevation: view.elevation });
    }
    first = parse(layout.scene.camera);
    view = next;
    Object.assign(layout.scene, { camera: camera(view), dragmode: false, hovermode: false });
    Object.assign(layout, { autosize: true, margin: { ...layout.margin, t: 0 } });
    dress(menus);
    const config = { displayModeBar: false, scrollZoom: false, doubleClick: false };
    return window.Plotly.react(graph, { data, layout, frames, config }).then(() => {
      root.querySelector('.poster')?.remove();
      describe();
      hang();
      if (!kept && !touched && sways) sway();
    });
  };

  const unit = (value, axis) => { // mm -> the units of the camera
    const { scene } = graph._fullLayout, [low, high] = scene[`${axis}axis`].range;
    return (value - (low + high) / 2) / (high - low) * scene.aspectratio[axis];
  };

  const project = (x, y, z) => { // mm -> pixels of the graph, and depth; Plotly's eye sees 45 degrees, top to bottom
    const size = graph._fullLayout._size, way = sight(view), { azimuth, elevation } = view;
    const at = [x, y, z].map((value, k) => unit(value, 'xyz'[k]) - view.center['xyz'[k]]);
    const right = at[0] * Math.cos(azimuth) + at[1] * Math.sin(azimuth);
    const level = -at[0] * Math.sin(azimuth) + at[1] * Math.cos(azimuth);
    const up = at[2] * Math.cos(elevation) + level * Math.sin(elevation);
    const depth = view.distance - (at[0] * way.x + at[1] * way.y + at[2] * way.z);
    const scale = size.h / 2 / Math.tan(Math.PI / 8) / depth;
    return { left: size.l + size.w / 2 + scale * right, top: size.t + size.h / 2 - scale * up, depth };
  };

  const hang = () => { // the photo, flat in the page's own perspective, behind the drawing, which is clear
    const { photo: address, corners } = graph.layout.meta || {};
    const behind = address && view.distance * sight(view).y + view.center.y < unit(corners[0][1], 'y');
    photo.hidden = !behind || hidden.has('Photo');
    if (photo.hidden) return;
    if (photo.src !== address) photo.src = address;
    const [start, right, , below] = corners.map((corner) => project(...corner)).map(
      ({ left, top, depth }) => [left * depth, top * depth, depth],
    );
    const along = (end, length) => end.map((value, k) => (value - start[k]) / length);
    const width = photo.naturalWidth, height = photo.naturalHeight;
    if (!width) return;
    const [a, b] = [along(right, width), along(below, height)];
    const matrix = [a[0], a[1], 0, a[2], b[0], b[1], 0, b[2], 0, 0, 1, 0, start[0], start[1], 0, start[2]];
    photo.style.transform = `matrix3d(${matrix.join()})`;
  };
  photo.addEventListener('load', hang);

  const named = () => graph.data.filter((one) => Array.isArray(one.hovertext)); // each person's joints
  const nameOf = (text) => text.split('</b>')[0].replace('<b>', '');
  const point = (near) => { // at a joint; null: at none
    tip.hidden = !near;
    ring.hidden = !near;
    if (!near) return;
    const [title, ...lines] = near.text.replace(/<\/?b>/g, '').split('<br>');
    const heading = document.createElement('strong');
    heading.textContent = title;
    tip.replaceChildren(heading, ...lines.flatMap((line) => [document.createElement('br'), line]));
    tip.classList.toggle('leftwards', near.left > graph.clientWidth / 2);
    const place = { left: `${graph.offsetLeft + near.left}px`, top: `${graph.offsetTop + near.top}px` };
    Object.assign(tip.style, place);
    Object.assign(ring.style, place);
  };

  const hover = (event) => {
    const box = graph.getBoundingClientRect();
    let near = { distance: 22 };
    named().forEach(({ x, y, z, hovertext }, person) => {
      hovertext.forEach((text, k) => {
        const { left, top, depth } = project(x[k], y[k], z[k]);
        const distance = Math.hypot(event.clientX - box.left - left, event.clientY - box.top - top);
        if (depth > 0 && distance < near.distance) near = { distance, text, left, top, person, name: nameOf(text) };
      });
    });
    tell(near.text ? near : null);
    point(near.text ? near : null);
  };

  // Other views of the same people light the joint under the pointer, too, and tell of theirs.
  const tell = (near) => {
    document.dispatchEvent(new CustomEvent('joint', { detail: near && { person: near.person, name: near.name, from: root } }));
  };
  document.addEventListener('joint', ({ detail }) => {
    if (!view || (detail && detail.from === root) || root.closest('#motion')) return;
    const one = detail && named()[detail.person];
    const k = one ? one.hovertext.findIndex((text) => nameOf(text) === detail.name) : -1;
    point(k < 0 ? null : { ...project(one.x[k], one.y[k], one.z[k]), text: one.hovertext[k] });
  });

  const inside = (event) => view && event.target.closest('.gl-container');
  graph.addEventListener('pointerdown', (event) => {
    if (!inside(event) || event.button) return;
    touch();
    pointers.set(event.pointerId, { x: event.clientX, y: event.clientY, turns: event.pointerType !== 'touch' });
    graph.setPointerCapture(event.pointerId);
  });
  graph.addEventListener('pointermove', (event) => {
    const last = pointers.get(event.pointerId);
    if (!last) { if (inside(event)) hover(event); return; }
    const dx = event.clientX - last.x, dy = event.clientY - last.y, spread = fingers();
    if (pointers.size === 1 && !last.turns) { // a finger that starts up or down scrolls the page
      if (Math.hypot(dx, dy) < 6) return;
      last.turns = Math.abs(dx) > Math.abs(dy);
      if (!last.turns) return;
    }
    Object.assign(last, { x: event.clientX, y: event.clientY });
    if (pointers.size > 1) show({ distance: view.distance * spread / Math.max(1, fingers()) });
    else show({ azimuth: view.azimuth - dx * 0.009, elevation: view.elevation + dy * 0.007 });
  });
  const fingers = () => {
    const [one, two] = pointers.values();
    return two ? Math.hypot(one.x - two.x, one.y - two.y) : 0;
  };
  for (const name of ['pointerup', 'pointercancel']) {
    graph.addEventListener(name, (event) => {
      if (pointers.delete(event.pointerId) && name === 'pointerup' && event.pointerType === 'touch') hover(event);
    });
  }
  graph.addEventListener('pointerleave', () => { tell(null); point(null); });
  graph.addEventListener('dblclick', () => { if (first) glide(first); });
  // Plotly keeps a page from scrolling under a finger or a wheel: it does not hear of them.
  for (const name of ['touchstart', 'touchmove', 'touchend']) {
    graph.addEventListener(name, (event) => { if (inside(event)) event.stopPropagation(); }, { capture: true, passive: true });
  }
  graph.addEventListener('wheel', (event) => {
    event.stopPropagation();
    if (!view || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    touch();
    show({ distance: view.distance * Math.exp(event.deltaY * 0.002) });
  }, { capture: true, passive: false });
  graph.addEventListener('keydown', (event) => {
    const steps = {
      ArrowLeft: { azimuth: 0.15 }, ArrowRight: { azimuth: -0.15 }, ArrowUp: { elevation: -0.1 },
      ArrowDown: { elevation: 0.1 }, '+': { distance: 0.88 }, '-': { distance: 1.13 }, Home: {},
    };
    const step = view && event.target === graph && steps[event.key];
    if (!step) return;
    event.preventDefault();
    touch();
    if (event.key === 'Home') glide(first);
    else show({
      azimuth: view.azimuth + (step.azimuth || 0), elevation: view.elevation + (step.elevation || 0),
      distance: view.distance * (step.distance || 1),
    });
  });
  const resize = () => { // to its element's size, which the photo behind has, too
    if (graph._fullLayout && graph.clientWidth) window.Plotly.Plots.resize(graph).then(hang);
  };
  return { draw, resize };
}
