// A link such as ?tab=video&example=stretching opens a tab and one of its examples; what is unknown in it is ignored.
const WAIT = 10000, FIRST = 'photo'; // milliseconds until the page must be there; the tab that opens by itself
const SHOWN = { photo: '#photo img', video: '#clip video' }; // what each tab shows of a file
const button = element.querySelector('.copy');
const tabs = () => [...document.querySelectorAll('[role=tab]')];
const nameOf = (tab) => tab.textContent.trim().toLowerCase();
const examples = (tab) => [...document.querySelectorAll(`[data-examples="${tab}"] .example`)];
const when = (find, then) => {
  const began = performance.now(), look = () => {
    if (find()) then();
    else if (performance.now() - began < WAIT) setTimeout(look, 50);
  };
  look();
};

const asked = new URLSearchParams(window.location.search), wanted = (asked.get('tab') || FIRST).toLowerCase();
when(() => tabs().length, () => {
  const tab = tabs().find((one) => nameOf(one) === wanted), name = asked.get('example');
  if (!tab) return;
  if (wanted !== FIRST) tab.click();
  if (name) when(() => document.querySelector(`[data-examples="${wanted}"][data-ready]`), () => {
    examples(wanted).find(({ dataset }) => dataset.name === name)?.click();
  });
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
