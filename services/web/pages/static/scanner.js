// Reads QR codes off the camera into the form's field and sends it. Without a camera the field stays for typing.
(function () {
  "use strict";
  var place = document.querySelector("[data-camera]");
  if (!place || !window.isSecureContext || !navigator.mediaDevices || !navigator.mediaDevices.getUserMedia) return;
  var form = place.closest("form"), video = place.querySelector("video"), button = place.querySelector("button");
  var canvas = document.createElement("canvas"), last = "", lastAt = 0, stream = null;
  place.hidden = false;

  function library() {
    return new Promise(function (resolve, reject) {
      if (window.jsQR) { resolve(); return; }
      var script = document.createElement("script");
      script.src = place.dataset.camera;
      script.onload = resolve;
      script.onerror = reject;
      document.head.appendChild(script);
    });
  }

  function read() {
    if (!stream) return;
    if (video.readyState === video.HAVE_ENOUGH_DATA && !form.dataset.busy) {
      // a quarter of a megapixel is enough for a card at arm's length, and quick on old phones
      var scale = Math.min(1, 640 / video.videoWidth);
      canvas.width = Math.round(video.videoWidth * scale);
      canvas.height = Math.round(video.videoHeight * scale);
      var drawing = canvas.getContext("2d");
      drawing.drawImage(video, 0, 0, canvas.width, canvas.height);
      var image = drawing.getImageData(0, 0, canvas.width, canvas.height);
      var found = window.jsQR(image.data, image.width, image.height, { inversionAttempts: "dontInvert" });
      if (found && found.data) send(found.data.slice(0, 100));
    }
    setTimeout(read, 150);
  }

  function send(text) {
    var now = Date.now();
    if (text === last && now - lastAt < 4000) { lastAt = now; return; }
    last = text;
    lastAt = now;
    form.querySelector("[name=scanned]").value = text;
    if (navigator.vibrate) navigator.vibrate(80);
    form.dispatchEvent(new Event("submit", { bubbles: true, cancelable: true }));
  }

  button.addEventListener("click", async function () {
    try {
      await library();
      stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" }, audio: false });
      video.srcObject = stream;
      video.hidden = false;
      button.hidden = true;
      await video.play();
      read();
    } catch (error) {
      stream = null;
      place.querySelector("[data-no-camera]").hidden = false;
    }
  });
  window.addEventListener("pagehide", function () {
    if (stream) stream.getTracks().forEach(function (track) { track.stop(); });
    stream = null;
  });
})();
