// Behind examples.js: a file of the visitor's own is chosen by a button, a drop or the clipboard.
const button = element.querySelector('.open'), input = element.querySelector('input'), drop = element.querySelector('.drop');
let held = 0; // how many elements under the pointer a dragged file has entered

const take = async (file) => {
  if (!file) return;
  button.disabled = true;
  button.textContent = 'Uploading …';
  try {
    const { path, url } = await upload(file);
    choose({ path, url, orig_name: file.name, size: file.size });
  } finally {
    button.disabled = false;
    button.textContent = 'Upload a photo';
  }
};

const here = () => element.isConnected && button.getClientRects().length > 0; // not while another tab is open
const files = (event) => event.dataTransfer && [...event.dataTransfer.types].includes('Files');
const onWindow = {
  dragenter: (event) => { if (here() && files(event)) { held += 1; drop.hidden = false; } },
  dragleave: () => { held = Math.max(0, held - 1); drop.hidden = held === 0; },
  dragover: (event) => { if (!drop.hidden) event.preventDefault(); },
  drop: (event) => {
    held = 0;
    if (drop.hidden) return;
    drop.hidden = true;
    event.preventDefault();
    event.stopPropagation();
    take(event.dataTransfer.files[0]);
  },
  paste: (event) => {
    const [pasted] = event.clipboardData ? event.clipboardData.files : [];
    if (here() && pasted && pasted.type.startsWith('image/')) take(pasted);
  },
};
for (const [name, listener] of Object.entries(onWindow)) window.addEventListener(name, listener, true);

// A browser may have no decoder for a photo that the server reads, or it is none.
for (const [name, visibility] of [['error', 'hidden'], ['load', '']]) {
  document.addEventListener(name, ({ target }) => { if (target.closest?.('#photo img')) target.style.visibility = visibility; }, true);
}
// Gradio's own field refuses what the browser does not call an image, HEIC among it: whatever it is given is taken here.
document.addEventListener('change', (event) => {
  if (!event.target.matches?.('#photo input[type=file]')) return;
  event.stopPropagation();
  take(event.target.files[0]);
  event.target.value = '';
}, true);
button.addEventListener('click', () => input.click());
input.addEventListener('change', () => { take(input.files[0]); input.value = ''; });
