// An example is chosen: it is the component's value, as Gradio has files, and 'upload' tells of it. A link's is chosen
// at once; see links.js.
const choose = (file) => {
  props.value = { ...file, meta: { _type: 'gradio.FileData' } };
  trigger('upload');
};
const pick = (chosen) => {
  const file = JSON.parse(chosen.dataset.file), { root = '', api_prefix: prefix = '/gradio_api' } = window.gradio_config || {};
  choose({ ...file, url: `${root}${prefix}/file=${file.path}` });
};
element.addEventListener('click', (event) => {
  const chosen = event.target.closest('.example');
  if (chosen) pick(chosen);
});
const list = element.querySelector('ul');
list.dataset.ready = '';
