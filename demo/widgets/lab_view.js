// The lab is asked for when it is open, once for each person; an answer about somebody else comes too late.
const details = element.querySelector('details'), note = element.querySelector('[role=status]');
const body = element.querySelector('.body');
let wanted, shown, asked; // people, by a number

const ask = () => {
  if (!details.open || !wanted || wanted === shown || wanted === asked) return;
  asked = wanted;
  note.textContent = 'The networks are running …';
  trigger('ask');
};
const read = () => {
  const about = props.value ? JSON.parse(props.value) : { who: null, body: null };
  if (about.body) {
    if (about.who !== wanted) return;
    shown = wanted;
    note.textContent = '';
    body.innerHTML = about.body;
    return;
  }
  if (about.who === wanted) return;
  wanted = about.who;
  shown = asked = undefined;
  body.replaceChildren();
  note.textContent = wanted ? '' : 'Pick one person to compare.';
  ask();
};
details.addEventListener('toggle', () => { asked = undefined; ask(); });
watch('value', read);
read();
