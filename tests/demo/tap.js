// A finger that taps on the picture.
([clientX, clientY]) => {
  const image = document.querySelector('#picture img'), at = { clientX, clientY, bubbles: true };
  image.dispatchEvent(new PointerEvent('pointerdown', { ...at, pointerType: 'touch' }));
  image.dispatchEvent(new MouseEvent('click', at));
}
