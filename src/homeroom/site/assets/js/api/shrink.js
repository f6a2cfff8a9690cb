// Makes a large photograph as small as the site shows it, before it is sent: telephones take up to 12 MB.

import { t } from '../texts.js';
import { refusal } from './client.js';

// The largest that the server keeps of a picture: BOUNDS in uploads/encoding.py.
const MAX_WIDTH = 1600;
const MAX_HEIGHT = 4800;
// What is smaller than this is sent as it is: the server makes less of it by itself.
const LARGE_BYTES = 2 * 1024 * 1024;
// The server takes 5 MB, if nobody has set MAX_UPLOAD_BYTES lower.
const ENOUGH_BYTES = 4 * 1024 * 1024;
const QUALITIES = [0.92, 0.8, 0.6];
// Screenshots and drawings stay sharp.
const DRAWN_TYPES = ['image/png', 'image/gif'];

/**
 * The file itself, or a smaller one of the same picture, upright. A browser that can't decode it leaves it
 * to the server to judge; of HEIC it is known that the server can't either: throws ApiError.
 *
 * @param {File} file
 */
export async function shrink(file) {
  const heic = isHeic(file);
  if (!heic && file.size <= LARGE_BYTES) return file;
  const bitmap = await decode(file);
  if (!bitmap) {
    if (heic) throw refusal(415, t('picture.heic'));
    return file;
  }
  const canvas = draw(bitmap);
  bitmap.close();
  const blob = await encode(canvas, file.type);
  canvas.width = 0; // gives its memory back at once
  if (!blob || (!heic && blob.size >= file.size)) return file;
  return new File([blob], renamed(file.name, blob.type), { type: blob.type });
}

/** @param {File} file */
function isHeic({ type, name }) {
  return /^image\/hei[cf]/.test(type) || /\.hei[cf]$/i.test(name ?? '');
}

/** @param {File} file */
async function decode(file) {
  try {
    return await createImageBitmap(file, { imageOrientation: 'from-image' });
  } catch {
    return null;
  }
}

/** @param {ImageBitmap} bitmap */
function draw(bitmap) {
  const scale = Math.min(1, MAX_WIDTH / bitmap.width, MAX_HEIGHT / bitmap.height);
  const canvas = document.createElement('canvas');
  canvas.width = Math.max(1, Math.round(bitmap.width * scale));
  canvas.height = Math.max(1, Math.round(bitmap.height * scale));
  const context = drawing(canvas);
  context.imageSmoothingQuality = 'high';
  context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  return canvas;
}

/**
 * As JPEG, in the best quality that is small enough; as PNG what is drawn or transparent, if that is.
 *
 * @param {HTMLCanvasElement} canvas
 * @param {string} type the file's own
 */
async function encode(canvas, type) {
  const opaque = isOpaque(canvas);
  if (DRAWN_TYPES.includes(type) || !opaque) {
    const blob = await toBlob(canvas, 'image/png');
    if (!opaque || isSmallEnough(blob)) return blob;
  }
  /** @type {Blob | null} */
  let blob = null;
  for (const quality of QUALITIES) {
    blob = await toBlob(canvas, 'image/jpeg', quality);
    if (isSmallEnough(blob)) break;
  }
  return blob;
}

/** @param {Blob | null} blob */
function isSmallEnough(blob) {
  return blob !== null && blob.size <= ENOUGH_BYTES;
}

/** @param {HTMLCanvasElement} canvas */
function isOpaque(canvas) {
  const { data } = drawing(canvas).getImageData(0, 0, canvas.width, canvas.height);
  for (let at = 3; at < data.length; at += 4) if (data[at] < 255) return false;
  return true;
}

/**
 * A canvas that is small enough, as ours are, always has a context; the browser's types allow for none.
 *
 * @param {HTMLCanvasElement} canvas
 */
function drawing(canvas) {
  const context = canvas.getContext('2d', { willReadFrequently: true });
  if (!context) throw new TypeError('This browser draws nothing.');
  return context;
}

/**
 * @param {HTMLCanvasElement} canvas
 * @param {string} type
 * @param {number} [quality]
 * @returns {Promise<Blob | null>}
 */
function toBlob(canvas, type, quality) {
  return new Promise((resolve) => {
    canvas.toBlob(resolve, type, quality);
  });
}

/**
 * The server refuses a name that contradicts the content.
 *
 * @param {string} name
 * @param {string} type
 */
function renamed(name, type) {
  return `${(name || 'picture').replace(/\.[^.]*$/, '')}.${type === 'image/png' ? 'png' : 'jpg'}`;
}
