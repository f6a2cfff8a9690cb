import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { load, openPage } from './browser.js';

openPage();
const { shrink } = await load('assets/js/api/shrink.js');
const MB = 1024 * 1024;

/** What the canvas was, and the sizes that it gives by type and quality. */
let drawn;

/** Lets the browser decode to these measures, and encode to these bytes, each in turn; null decodes nothing. */
function drawing(measures, { opaque = true, bytes = [MB] } = {}) {
  drawn = { encoded: [] };
  globalThis.createImageBitmap = async () => {
    if (!measures) throw new DOMException('Not decodable.', 'InvalidStateError');
    return { width: measures[0], height: measures[1], close: () => {} };
  };
  const create = document.createElement.bind(document);
  document.createElement = (name) => (name === 'canvas' ? canvas(opaque, [...bytes]) : create(name));
}

function canvas(opaque, bytes) {
  const made = { width: 0, height: 0 };
  const context = {
    drawImage: () => Object.assign(drawn, { width: made.width, height: made.height }),
    getImageData: () => ({ data: new Uint8ClampedArray([0, 0, 0, opaque ? 255 : 0]) }),
  };
  made.getContext = () => context;
  made.toBlob = (done, type, quality) => {
    drawn.encoded.push([type, quality]);
    done(new Blob([new Uint8Array(bytes.shift() ?? MB)], { type }));
  };
  return made;
}

function photo(bytes, name = 'IMG_1.JPG', type = 'image/jpeg') {
  return new File([new Uint8Array(bytes)], name, { type });
}

beforeEach(() => openPage());

test('a small picture is sent as it is', async () => {
  drawing(null);
  const file = photo(MB);
  assert.equal(await shrink(file), file);
});

test('a large photo is drawn no larger than the site shows it, in its own proportions', async () => {
  drawing([4000, 3000]);
  const sent = await shrink(photo(5 * MB));
  assert.deepEqual([drawn.width, drawn.height], [1600, 1200]);
  assert.deepEqual([sent.name, sent.type, sent.size], ['IMG_1.jpg', 'image/jpeg', MB]);
});

test('a photo that stays large is encoded in less and less quality', async () => {
  drawing([1000, 1000], { bytes: [5 * MB, 5 * MB, MB] });
  await shrink(photo(6 * MB));
  assert.deepEqual(drawn.encoded, [
    ['image/jpeg', 0.92],
    ['image/jpeg', 0.8],
    ['image/jpeg', 0.6],
  ]);
});

test('a drawing stays sharp where it is small enough, and what is transparent in any case', async () => {
  drawing([100, 100]);
  assert.equal((await shrink(photo(3 * MB, 'plan.png', 'image/png'))).type, 'image/png');
  drawing([100, 100], { bytes: [5 * MB, MB] });
  assert.equal((await shrink(photo(6 * MB, 'plan.png', 'image/png'))).name, 'plan.jpg');
  drawing([100, 100], { opaque: false, bytes: [5 * MB] });
  assert.equal((await shrink(photo(6 * MB, 'logo.webp', 'image/webp'))).name, 'logo.png');
});

test('what became no smaller, or can’t be decoded, is sent as it was', async () => {
  const file = photo(3 * MB);
  drawing([100, 100], { bytes: [4 * MB] });
  assert.equal(await shrink(file), file);
  drawing(null);
  assert.equal(await shrink(file), file);
});

test('a HEIC picture is turned into JPEG, or refused with a way on', async () => {
  drawing([100, 100]);
  assert.equal((await shrink(photo(1000, 'IMG_2.HEIC', ''))).name, 'IMG_2.jpg');
  drawing(null);
  await assert.rejects(shrink(photo(1000, 'IMG_2.heic', 'image/heic')), {
    status: 415,
    message: /Convert it to JPEG/,
  });
});
