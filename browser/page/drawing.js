// What is drawn cell by cell, on canvases.

const style = getComputedStyle(document.documentElement);

function rgb(name) {
  const hex = style.getPropertyValue(`--${name}`).trim();
  return [1, 3, 5].map((k) => parseInt(hex.slice(k, k + 2), 16));
}

// The colour between two, as a share in [0, 1] of the second.
function between(first, second, share) {
  return first.map((value, k) => value + (second[k] - value) * share);
}

// A canvas in the pixels of the screen; its context.
function context(canvas) {
  const size = Math.max(1, Math.round(canvas.clientWidth * devicePixelRatio));
  if (canvas.width !== size || canvas.height !== size) canvas.width = canvas.height = size;
  return [canvas.getContext("2d"), size];
}

function cells(width, height, color) {
  const image = new ImageData(width, height);
  for (let k = 0; k < width * height; k++) image.data.set([...color(k), 255], 4 * k);
  const canvas = new OffscreenCanvas(width, height);
  canvas.getContext("2d").putImageData(image, 0, 0);
  return canvas;
}

// Colours for the probability of class 1, and the test points on them: circles of class 0, squares of class 1.
export function plane(canvas, boundary, { points, labels, window: [[left, low], [right, high]] }) {
  const [pen, size] = context(canvas);
  const [first, second, card] = ["first", "second", "card"].map(rgb);
  const side = Math.round(Math.sqrt(boundary.length));
  const shades = Array.from({ length: 256 }, (_, p) => {
    const sure = Math.abs(p / 127.5 - 1);
    return between(card, p < 128 ? first : second, 0.06 + 0.5 * sure);
  });
  pen.imageSmoothingEnabled = true;
  pen.imageSmoothingQuality = "high";
  pen.drawImage(cells(side, side, (k) => shades[boundary[k]]), 0, 0, size, size);
  const r = Math.max(2.2 * devicePixelRatio, size / 90);
  pen.lineWidth = 0.35 * r;
  pen.strokeStyle = `rgb(${card})`;
  points.forEach(([u, v], k) => {
    const x = size * (u - left) / (right - left), y = size * (high - v) / (high - low);
    pen.fillStyle = `rgb(${labels[k] ? second : first})`;
    pen.beginPath();
    if (labels[k]) pen.rect(x - 0.9 * r, y - 0.9 * r, 1.8 * r, 1.8 * r);
    else pen.arc(x, y, r, 0, 2 * Math.PI);
    pen.fill();
    pen.stroke();
  });
}

// Images with the class that is predicted for each; a wrong one is underlined.
export function images(canvas, predicted, { images: pixels, side, labels }) {
  const [pen, size] = context(canvas);
  const [card, ink, good, bad] = ["card", "ink", "good", "high"].map(rgb);
  const across = canvas.clientWidth < 260 ? 5 : 7, count = Math.min(across * across, pixels.length), cell = size / across;
  pen.fillStyle = `rgb(${card})`;
  pen.fillRect(0, 0, size, size);
  pen.font = `600 ${0.36 * cell}px system-ui, sans-serif`;
  pen.textBaseline = "middle";
  pixels.slice(0, count).forEach((image, k) => {
    const x = (k % across) * cell, y = Math.floor(k / across) * cell, right = predicted[k] === labels[k];
    pen.imageSmoothingEnabled = false;
    pen.drawImage(cells(side, side, (i) => between(card, ink, image[i] / 255)), x + 0.06 * cell, y + 0.2 * cell, 0.58 * cell,
                  0.58 * cell);
    pen.fillStyle = `rgb(${right ? good : bad})`;
    pen.fillText(predicted[k] ?? "?", x + 0.7 * cell, y + 0.5 * cell);
    if (!right) pen.fillRect(x + 0.06 * cell, y + 0.84 * cell, 0.86 * cell, Math.max(1, 0.05 * cell));
  });
}

// An array of one or two axes as cells: negative to positive, the strongest colour at the largest number; null is not finite.
export function matrix(canvas, rows) {
  const [low, high, card, ink] = ["low", "high", "card", "ink"].map(rgb);
  const flat = rows.flat(), largest = Math.max(...flat.map(Math.abs)) || 1;
  const [down, across] = [rows.length, rows[0].length];
  const cell = Math.max(2, Math.min(12, Math.floor(112 / Math.max(down, across))));
  canvas.width = across;
  canvas.height = down;
  canvas.style.width = `${across * cell}px`;
  canvas.style.height = `${down * cell}px`;
  canvas.getContext("2d").drawImage(
    cells(across, down, (k) => flat[k] === null ? ink : between(card, flat[k] < 0 ? low : high, Math.abs(flat[k]) / largest)),
    0, 0);
}
