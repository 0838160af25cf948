() => { // Chromium has one camera that shows a file
  const { mediaDevices } = navigator, open = mediaDevices.getUserMedia.bind(mediaDevices);
  window.opened = [];
  mediaDevices.enumerateDevices = async () => ['front', 'back'].map((deviceId) => ({ kind: 'videoinput', deviceId }));
  mediaDevices.getUserMedia = async ({ video }) => {
    const stream = await open({ video: true }), id = video.deviceId ? video.deviceId.exact : 'front';
    stream.getVideoTracks()[0].getSettings = () => ({ deviceId: id });
    window.opened.push(id);
    return stream;
  };
}
