// Where Plotly draws a place in mm.
place => {
    const scene = document.querySelector('.graph')._fullLayout.scene._scene, frame = scene.container;
    const box = frame.getBoundingClientRect();
    let point = place.map((value, k) => value * scene.dataScale[k]).concat(1);
    for (const name of ['model', 'view', 'projection']) {
        const matrix = scene.glplot.cameraParams[name], from = point;
        point = [0, 1, 2, 3].map(row => from.reduce((sum, value, k) => sum + matrix[4 * k + row] * value, 0));
    }
    return [box.x + (point[0] / point[3] + 1) / 2 * box.width, box.y + (1 - point[1] / point[3]) / 2 * box.height];
}
