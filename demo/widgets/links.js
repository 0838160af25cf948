// A link such as ?tab=video&example=stretching opens a tab and one of its examples; what is unknown in it is ignored.
const WAIT = 10000, FIRST = 'photo'; // milliseconds until the page must be there; the tab that opens by itself
const SHOWN = { photo: '#photo img', video: '#clip video' }; // what each tab shows of a file
const button = element.querySelector('.copy');
const tabs = () => [...document.querySelectorAll('[role=tab]')];
const nameOf = (tab) => tab.textContent.trim().toLowerCase();
const examples = (tab) => [...document.querySelectorAll(`[data-examples="${tab}"] .example`)];
const when = (find, then) => {
  const began = performance.now(), look = () => {
    const found = find();
    if (found) then(found);
    else if (performance.now() - began < WAIT) setTimeout(look, 50);
  };
  look();
};

const asked = new URLSearchParams(window.location.search), wanted = (asked.get('tab') || FIRST).toLowerCase();
const open = () => {
  when(() => examples(wanted).length && document.querySelector(`[data-examples="${wanted}"][data-ready]`), () => {
    const example = examples(wanted).find(({ dataset }) => dataset.name === asked.get('example'));
    if (example) example.click();
  });
};
when(() => tabs().length > 1, (all) => {
  const tab = all && tabs().find((one) => nameOf(one) === wanted);
  if (!tab) return;
  if (wanted !== FIRST) tab.click();
  if (asked.get('example')) open();
});

const link = () => { // to the open tab, and to the example in it
  const address = new URL(window.location.href), tab = nameOf(tabs().find((one) => one.ariaSelected === 'true'));
  const shown = SHOWN[tab] && document.querySelector(SHOWN[tab]);
  const example = shown && examples(tab).find(({ dataset }) => decodeURI(shown.src).endsWith(JSON.parse(dataset.file).path));
  address.hash = '';
  for (const [key, value] of Object.entries({ tab: tab === FIRST ? null : tab, example: example && example.dataset.name })) {
    if (value) address.searchParams.set(key, value);
    else address.searchParams.delete(key);
  }
  return address.href;
};
button.addEventListener('click', async () => {
  const address = link();
  try {
    await navigator.clipboard.writeText(address);
    button.textContent = 'Link copied';
  } catch { // not allowed, or no secure page
    window.history.replaceState(null, '', address);
    button.textContent = 'The link is in the address bar';
  }
  setTimeout(() => { button.textContent = 'Copy link'; }, 2500);
});
