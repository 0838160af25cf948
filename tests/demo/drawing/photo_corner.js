// Where the photo's corner at fractions of its sides lies in the window.
([x, y]) => {
    const photo = document.querySelector('.photo img'), frame = photo.parentElement.getBoundingClientRect();
    const at = new DOMPoint(x * photo.naturalWidth, y * photo.naturalHeight);
    const point = at.matrixTransform(new DOMMatrix(photo.style.transform));
    return [frame.x + point.x / point.w, frame.y + point.y / point.w];
}
