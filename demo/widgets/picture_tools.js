// On the picture: a click picks a person, dragging draws a box, hovering names a joint. While a box is to be drawn, a
// finger draws as well, and two clicks do.
const begin = (picture) => {
  const [draw, remove] = element.querySelectorAll('button'), note = element.querySelector('[role=status]');
  const NEAR = 18, MOVED = 6; // pixels of the screen
  const SVG = 'http://www.w3.org/2000/svg';
  let about = { size: [1, 1], people: [], picked: null, joints: [] };
  let pointer = 'mouse'; // what was used last: some browsers do not say it of a click
  let armed = false, start = null, corner = null; // where the pointer went down, and where a box begins that clicks draw

  const layer = document.createElementNS(SVG, 'svg');
  layer.setAttribute('class', 'over');
  layer.setAttribute('aria-hidden', 'true');
  layer.style.cssText = 'position:fixed;left:0;top:0;width:100vw;height:100vh;pointer-events:none;z-index:50';
  picture.append(layer);
  const shape = (name, attributes, text) => {
    const one = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) one.setAttribute(key, value);
    one.textContent = text || '';
    layer.append(one);
  };
  const clear = () => layer.replaceChildren();

  const frame = () => { // where the photo is on the screen: it fits into its element
    const image = picture.querySelector('img');
    if (!image || !image.naturalWidth) return null;
    const box = image.getBoundingClientRect(), [width, height] = about.size;
    const scale = Math.min(box.width / width, box.height / height);
    return { scale, x: box.x + (box.width - scale * width) / 2, y: box.y + (box.height - scale * height) / 2 };
  };
  const onPhoto = ({ clientX, clientY }) => {
    const at = frame();
    return at && [(clientX - at.x) / at.scale - 0.5, (clientY - at.y) / at.scale - 0.5];
  };
  const onScreen = ([x, y]) => {
    const at = frame();
    return [at.x + (x + 0.5) * at.scale, at.y + (y + 0.5) * at.scale];
  };
  const between = (a, b) => [Math.min(a[0], b[0]), Math.min(a[1], b[1]), Math.max(a[0], b[0]), Math.max(a[1], b[1])];

  const outline = (box, attributes) => {
    const [left, top] = onScreen(box), [right, bottom] = onScreen(box.slice(2));
    const place = { x: left, y: top, width: right - left, height: bottom - top };
    shape('rect', { ...place, fill: 'none', stroke: '#ffffff', 'stroke-width': 4, ...attributes });
    shape('rect', { ...place, fill: 'rgba(37, 99, 235, 0.14)', stroke: '#2563eb', 'stroke-width': 2, ...attributes });
  };
  const say = (text) => { note.textContent = text; };
  const arm = (on) => {
    armed = on;
    corner = null;
    clear();
    picture.classList.toggle('armed', on);
    draw.textContent = on ? 'Cancel' : 'Draw a box';
    draw.setAttribute('aria-pressed', String(on));
    say(on ? 'Click one corner of the box, then the opposite one, or drag.' : '');
  };
  const finish = (from, to) => {
    arm(false);
    trigger('box', { box: between(from, to) });
  };

  const whom = ([x, y]) => { // of several people, the one with the smallest box
    const area = ({ box }) => (box[2] - box[0]) * (box[3] - box[1]);
    const inside = ({ box }) => box[0] <= x && x <= box[2] && box[1] <= y && y <= box[3];
    return about.people.filter(inside).sort((a, b) => area(a) - area(b))[0];
  };
  const light = (near) => { // the joint here, and in the other views
    clear();
    document.dispatchEvent(new CustomEvent('joint', { detail: near && { person: near.person, name: near.name, from: layer } }));
  };
  const ring = ({ place, name, confidence }) => {
    const [x, y] = onScreen(place), left = x > window.innerWidth - 180;
    shape('circle', { cx: x, cy: y, r: 11, fill: 'none', stroke: '#ffffff', 'stroke-width': 5 });
    shape('circle', { cx: x, cy: y, r: 11, fill: 'none', stroke: '#1d4ed8', 'stroke-width': 3 });
    shape('text', {
      x: x + (left ? -18 : 18), y: y + 5, 'text-anchor': left ? 'end' : 'start', fill: '#ffffff', stroke: '#111827',
      'stroke-width': 4, 'paint-order': 'stroke', style: 'font: 600 15px system-ui, sans-serif',
    }, `${name} ${confidence}`);
  };
  const hover = (event) => {
    let near = { distance: NEAR };
    about.joints.forEach((joints, person) => joints.forEach((joint) => {
      const [x, y] = onScreen(joint.place), distance = Math.hypot(event.clientX - x, event.clientY - y);
      if (distance < near.distance) near = { distance, person, ...joint };
    }));
    light(near.name ? near : null);
    const person = !near.name && about.people.length > 1 && whom(onPhoto(event));
    if (person && person.who !== about.picked) outline(person.box, {});
    picture.style.cursor = person ? 'pointer' : '';
  };

  const onImage = (event) => event.target.closest('img') && frame();
  picture.addEventListener('dragstart', (event) => event.preventDefault());
  picture.addEventListener('pointerdown', (event) => {
    pointer = event.pointerType;
    if (event.button || !onImage(event) || (event.pointerType === 'touch' && !armed)) return;
    start = { x: event.clientX, y: event.clientY, at: onPhoto(event) };
    picture.setPointerCapture(event.pointerId);
  });
  picture.addEventListener('pointermove', (event) => {
    if (!frame()) return;
    if (start || corner) {
      const from = start ? start.at : corner;
      clear();
      outline([...between(from, onPhoto(event))], { 'stroke-dasharray': '8 5' });
    } else if (onImage(event) && event.pointerType !== 'touch') hover(event);
  });
  picture.addEventListener('pointerup', (event) => {
    const from = start;
    start = null;
    if (!from || !frame()) return;
    const at = onPhoto(event);
    if (Math.hypot(event.clientX - from.x, event.clientY - from.y) > MOVED) return finish(from.at, at);
    clear();
    if (armed && corner) return finish(corner, at);
    if (armed) {
      corner = at;
      const [x, y] = onScreen(at);
      shape('circle', { cx: x, cy: y, r: 6, fill: '#2563eb', stroke: '#ffffff', 'stroke-width': 2 });
      return say('Now the opposite corner.');
    }
    const person = whom(at);
    if (person && person.who !== about.picked) trigger('pick', { who: person.who });
  });
  picture.addEventListener('click', (event) => { // a finger that scrolls makes no click, but one that taps does
    if (pointer !== 'touch' || armed || !onImage(event)) return;
    const person = whom(onPhoto(event));
    if (person && person.who !== about.picked) trigger('pick', { who: person.who });
  });
  picture.addEventListener('pointercancel', () => { start = null; clear(); });
  picture.addEventListener('pointerleave', () => { if (!start && !corner) light(null); });
  window.addEventListener('scroll', () => { if (!start) clear(); }, { passive: true, capture: true });
  window.addEventListener('keydown', (event) => { if (event.key === 'Escape' && armed) arm(false); });
  document.addEventListener('joint', ({ detail }) => {
    for (const label of document.querySelectorAll('#maps .caption-label')) {
      const lit = detail && label.textContent.trim().startsWith(`${detail.name} `);
      label.parentElement.classList.toggle('lit', Boolean(lit));
    }
    if (!detail || !frame()) { if (!detail && !start && !corner) clear(); return; }
    const joint = (about.joints[detail.person] || []).find(({ name }) => name === detail.name);
    clear();
    if (joint) ring(joint);
  });

  draw.addEventListener('click', () => arm(!armed));
  remove.addEventListener('click', () => trigger('remove'));
  const read = () => {
    about = JSON.parse(props.value || '{"size": [1, 1], "people": [], "picked": null, "joints": []}');
    remove.hidden = about.picked === null;
    arm(Boolean(props.value) && about.people.length === 0);
  };
  watch('value', read);
  read();
};

const wait = () => { // the picture may come later than this
  const picture = document.querySelector('#picture');
  if (picture) begin(picture);
  else setTimeout(wait, 50);
};
wait();
