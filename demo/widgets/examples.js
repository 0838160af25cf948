// An example is chosen: it is the component's value, as Gradio has files, and 'upload' tells of it. Whoever follows a
// link clicks as soon as the list is ready, see links.js.
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
element.querySelector('ul').dataset.ready = '';
