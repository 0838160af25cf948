async ([data, event]) => {
  const bytes = Uint8Array.from(atob(data), (one) => one.charCodeAt(0)), files = new DataTransfer();
  files.items.add(new File([bytes], `${event}.jpg`, { type: 'image/jpeg' }));
  const target = document.querySelector('h1');
  if (event === 'paste') {
    target.dispatchEvent(new ClipboardEvent('paste', { clipboardData: files, bubbles: true }));
    return;
  }
  for (const name of ['dragenter', 'dragover', 'drop']) {
    target.dispatchEvent(new DragEvent(name, { dataTransfer: files, bubbles: true, cancelable: true }));
    if (name === 'dragenter') window.invited = !document.querySelector('#chooser .drop').hidden;
  }
}
