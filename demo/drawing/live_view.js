// The camera, one frame at a time: the newest is sent when the answer to the last one is there, so that nothing waits in
// a line. What comes back is drawn on the very frame that was sent: skeleton and picture are of one moment.
function liveView(root, send, source) {
  const find = (name) => root.querySelector(name);
  const [video, canvas, note, go, turn, pace, graph] = ['video', 'canvas', '.note', '.go', '.turn', '.pace', '.graph'].map(find);
  const body = figureView(find('.stage'), { sways: false });
  const SIDE = 640, PATIENCE = 15000, COUNTED = 12; // pixels; milliseconds for an answer; frames that the pace is of
  const KINDS = { int16: Int16Array, uint8: Uint8Array };
  const WELCOME = 'Stand back until your whole body is in the picture. Frames go to this server one by one and are not kept.';
  const REFUSED = {
    NotAllowedError: 'The browser does not let this page use the camera: allow it beside the address, and start again.',
    NotFoundError: 'No camera was found: connect one, and start again.',
    NotReadableError: 'The camera is in use by another program: close that, and start again.',
  };
  const frame = document.createElement('canvas'); // the one that was sent
  let stream = null, cameras = [], camera = null; // ids of all that there are, and of the one to use: null for any
  let count = 0, waiting = null, arrivals = [], moving = false, asked = false;

  const say = (text) => { if (note.textContent !== text) note.textContent = text; };
  const bytes = ({ type, data }) => new KINDS[type](Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0)).buffer);
  const css = ([red, green, blue], opacity) => `rgba(${red}, ${green}, ${blue}, ${opacity})`;

  const paint = ({ width, bones, joints }) => {
    const at = canvas.getContext('2d');
    [canvas.width, canvas.height] = [frame.width, frame.height];
    at.drawImage(frame, 0, 0);
    at.lineCap = 'round';
    for (const [x0, y0, x1, y1, colour, opacity] of bones || []) {
      for (const [style, wide] of [[css([20, 20, 20], opacity), width + 2], [css(colour, opacity), width]]) {
        at.strokeStyle = style;
        at.lineWidth = wide;
        at.beginPath();
        at.moveTo(x0 + 0.5, y0 + 0.5);
        at.lineTo(x1 + 0.5, y1 + 0.5);
        at.stroke();
      }
    }
    for (const [x, y, colour, opacity, hollow] of joints || []) {
      at.beginPath();
      at.arc(x + 0.5, y + 0.5, hollow ? width : width + 1, 0, 2 * Math.PI);
      at.strokeStyle = css(hollow ? colour : [20, 20, 20], opacity);
      at.fillStyle = css(hollow ? [20, 20, 20] : colour, opacity);
      at.lineWidth = hollow ? 2 : 1;
      at.fill();
      at.stroke();
    }
    canvas.hidden = false;
    video.hidden = true;
  };

  const move = async (meshes) => { // a frame for which the browser has no time is left out
    if (moving || !graph.data) return;
    moving = true;
    const names = Object.keys(meshes).filter((name) => meshes[name]), change = {};
    for (const key of ['x', 'y', 'z', 'intensity']) change[key] = names.map((name) => bytes(meshes[name][key]));
    await window.Plotly.restyle(graph, change, names.map((name) => graph.data.findIndex((one) => one.name === name)));
    moving = false;
  };

  const shoot = () => {
    if (!stream || waiting) return;
    if (!root.getClientRects().length) { stop(); return; } // another tab is open
    const scale = Math.min(1, SIDE / Math.max(video.videoWidth, video.videoHeight));
    [frame.width, frame.height] = [video.videoWidth, video.videoHeight].map((length) => Math.round(scale * length));
    frame.getContext('2d', { willReadFrequently: true }).drawImage(video, 0, 0, frame.width, frame.height);
    count += 1;
    waiting = { number: count, since: performance.now(), lost: setTimeout(lose, PATIENCE) };
    send(count, frame.toDataURL('image/jpeg', 0.85));
  };
  const lose = () => {
    waiting = null;
    say('The server does not answer. Trying again …');
    shoot();
  };

  const answer = (told) => {
    if (!waiting || told.number !== waiting.number) return; // of before a stop
    clearTimeout(waiting.lost);
    const now = performance.now(), delay = now - waiting.since;
    waiting = null;
    arrivals = [...arrivals.slice(1 - COUNTED), now];
    const seconds = (now - arrivals[0]) / 1000, rate = (arrivals.length - 1) / seconds;
    pace.textContent = seconds ? `${rate.toFixed(1)} frames a second, ${Math.round(delay)} ms behind` : '';
    say(told.error || (told.found ? '' : 'Nobody is seen. Step back until the whole body is in the picture.'));
    canvas.setAttribute('aria-label', told.said || 'The camera’s picture');
    paint(told);
    if (told.found) move({ body: told.body, shadow: told.shadow });
    requestAnimationFrame(shoot);
  };

  const stop = () => {
    for (const track of stream ? stream.getTracks() : []) track.stop();
    if (waiting) clearTimeout(waiting.lost);
    [stream, waiting, arrivals, video.hidden, video.srcObject] = [null, null, [], true, null];
    go.textContent = 'Start the camera';
    turn.hidden = true;
    pace.textContent = '';
    say('');
  };

  const start = async () => {
    if (!navigator.mediaDevices) {
      say('Browsers give a camera to secure pages only: open this page by https, or on localhost.');
      return;
    }
    go.disabled = true;
    say('Waiting for the camera …');
    try {
      const size = { width: { ideal: SIDE }, height: { ideal: 480 } };
      const which = camera ? { deviceId: { exact: camera } } : { facingMode: 'user' };
      stream = await navigator.mediaDevices.getUserMedia({ video: { ...size, ...which } });
      video.srcObject = stream;
      await video.play();
    } catch (error) {
      stop();
      say(REFUSED[error.name] || `The camera cannot be started (${error.name}).`);
      return;
    } finally {
      go.disabled = false;
    }
    [count, video.hidden, canvas.hidden] = [0, false, true];
    go.textContent = 'Stop';
    say('Looking for somebody …');
    const devices = await navigator.mediaDevices.enumerateDevices();
    cameras = devices.filter(({ kind }) => kind === 'videoinput').map(({ deviceId }) => deviceId);
    turn.hidden = cameras.length < 2;
    shoot();
  };

  go.addEventListener('click', () => { if (stream) stop(); else start(); });
  turn.addEventListener('click', () => {
    const now = stream.getVideoTracks()[0].getSettings().deviceId;
    camera = cameras[(cameras.indexOf(now) + 1) % cameras.length];
    stop();
    start();
  });
  say(WELCOME);
  const draw = () => { // as soon as it has a size
    if (!graph.clientWidth || asked) return;
    asked = true;
    const figure = JSON.parse(source);
    delete figure.layout.height; // the style sheet has it
    withPlotly(() => body.draw(figure));
  };
  new ResizeObserver(() => { draw(); body.resize(); }).observe(graph);
  draw();
  return { answer };
}
