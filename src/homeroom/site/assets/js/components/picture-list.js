// <picture-list>: pictures of a project. They are dropped, chosen or pasted, sent one by one with
// their progress, described, and put in order; `value` is [{ id, alt }].

import { addressOf, advice, request } from '../api/client.js';
import { upload } from '../api/upload.js';
import { element, isolated } from '../dom.js';
import { field } from '../forms.js';

const AT_ONCE = 2;
const TYPES = 'image/jpeg,image/png,image/gif,image/webp';

class PictureList extends HTMLElement {
  connectedCallback() {
    if (this.list) return;
    this.waiting = [];
    this.sending = 0;
    this.list = element('ol', { class: 'shots' });
    this.told = element('p', { class: 'visually-hidden', role: 'status' });
    this.append(this.dropZone(), this.list, this.told);
    this.acceptDrops();
    document.addEventListener('paste', (event) => {
      const files = picturesIn(event.clipboardData);
      if (!files.length) return;
      event.preventDefault();
      this.add(files);
    });
  }

  get value() {
    return this.shots()
      .filter((shot) => shot.pictureId)
      .map((shot) => ({
        id: shot.pictureId,
        alt: shot.querySelector('input').value.trim(),
      }));
  }

  /** Shows what the project has already. */
  set value(pictures) {
    this.list.replaceChildren();
    for (const picture of pictures) {
      const shot = this.shot(picture.alt, addressOf(picture.urls.card.original).href);
      shot.pictureId = picture.id;
      shot.attached = true;
      this.settle(shot);
    }
    this.number();
  }

  /** How many are still on their way, so that a page can wait before it saves. */
  get unfinished() {
    return this.shots().filter((shot) => ['waiting', 'sending'].includes(shot.dataset.state)).length;
  }

  /** How many could not be sent; a page that saved without a word would lose them. */
  get failed() {
    return this.shots().filter((shot) => shot.dataset.state === 'failed').length;
  }

  shots() {
    return [...this.list.children];
  }

  add(files) {
    for (const file of files) {
      const shot = this.shot('', URL.createObjectURL(file));
      shot.file = file;
      this.enqueue(shot);
    }
    this.changed();
    this.say(files.length === 1 ? '1 picture added.' : `${files.length} pictures added.`);
  }

  dropZone() {
    const input = element('input', {
      type: 'file',
      accept: TYPES,
      multiple: '',
      class: 'visually-hidden',
      tabindex: '-1',
      'aria-hidden': 'true',
    });
    input.addEventListener('change', () => {
      this.add([...input.files]);
      input.value = ''; // the same file may be chosen again
    });
    const choose = element('button', { class: 'button quiet', type: 'button' }, 'Choose pictures');
    choose.addEventListener('click', () => input.click());
    this.zone = element(
      'div',
      { class: 'drop-zone' },
      choose,
      input,
      element(
        'p',
        { class: 'hint' },
        'Or drop them here, or paste them. JPEG, PNG, GIF or WebP. ' +
          'Large photos are made smaller before they are sent.',
      ),
    );
    return this.zone;
  }

  /** Files may fall anywhere on the page: the browser would otherwise open them and leave the page. */
  acceptDrops() {
    const withFiles = (event) => event.dataTransfer?.types.includes('Files');
    document.addEventListener('dragover', (event) => {
      if (!withFiles(event)) return;
      event.preventDefault();
      this.zone.classList.add('over');
    });
    document.addEventListener('dragleave', (event) => {
      if (!event.relatedTarget) this.zone.classList.remove('over');
    });
    document.addEventListener('drop', (event) => {
      if (!withFiles(event)) return;
      event.preventDefault();
      this.zone.classList.remove('over');
      this.add([...event.dataTransfer.files]);
    });
    this.list.addEventListener('dragover', (event) => this.dragOver(event));
  }

  // One picture: `data-state` is waiting, sending, failed or done.

  shot(alt, src) {
    const image = element('img', { src, alt: '', draggable: 'false' });
    image.addEventListener('error', () => {
      image.hidden = true;
    });
    const thumb = element('div', { class: 'thumb', draggable: 'true', title: 'Drag to reorder' }, image);
    const shot = element(
      'li',
      { class: 'shot' },
      thumb,
      element('div', { class: 'shot-text' }),
      element('div', { class: 'shot-actions' }),
    );
    shot.described = field({
      name: 'alt',
      label: 'What it shows',
      value: alt,
      maxlength: '300',
      autocomplete: 'off',
    });
    thumb.addEventListener('dragstart', (event) => {
      event.dataTransfer.effectAllowed = 'move';
      event.dataTransfer.setData('text/plain', ''); // Firefox drags nothing that carries nothing
      this.dragged = shot;
      shot.classList.add('dragged');
    });
    thumb.addEventListener('dragend', () => {
      this.dragged = null;
      shot.classList.remove('dragged');
      this.changed();
    });
    this.list.append(shot);
    return shot;
  }

  dragOver(event) {
    const over = event.target.closest('.shot');
    if (!this.dragged || !over) return;
    event.preventDefault();
    if (over === this.dragged) return;
    const { top, height } = over.getBoundingClientRect();
    if (event.clientY < top + height / 2) over.before(this.dragged);
    else over.after(this.dragged);
  }

  enqueue(shot) {
    this.show(
      shot,
      'waiting',
      [element('p', { class: 'hint' }, `${isolated(shot.file.name)}: waiting …`)],
      [this.button('Cancel', () => this.remove(shot))],
    );
    this.waiting.push(shot);
    this.sendNext();
  }

  sendNext() {
    while (this.sending < AT_ONCE && this.waiting.length) this.send(this.waiting.shift());
  }

  async send(shot) {
    this.sending += 1;
    shot.calledOff = new AbortController();
    const name = isolated(shot.file.name || 'Picture');
    const progress = element('progress', { max: '1', value: '0', 'aria-label': `Sending ${name}` });
    const line = element('p', { class: 'hint' }, `${name} · 0 %`);
    this.show(shot, 'sending', [line, progress], [this.button('Cancel', () => shot.calledOff.abort())]);
    try {
      const { data } = await upload(shot.file, {
        signal: shot.calledOff.signal,
        onProgress: (share) => {
          progress.value = share;
          line.textContent =
            share < 1 ? `${name} · ${Math.floor(share * 100)} %` : `${name} · being checked …`;
        },
      });
      shot.pictureId = data.id;
      this.settle(shot);
      this.say(`${name} is there.`);
    } catch (error) {
      if (error.name === 'AbortError') this.remove(shot);
      else this.fail(shot, name, error);
    }
    this.sending -= 1;
    this.changed();
    this.sendNext();
  }

  fail(shot, name, error) {
    const reason = element('p', { class: 'field-error' }, `${name}: ${advice(error)}`);
    this.show(
      shot,
      'failed',
      [reason],
      [
        // The same file would be refused again.
        ...([413, 415, 422].includes(error.status)
          ? []
          : [this.button('Try again', () => this.enqueue(shot))]),
        this.button('Remove', () => this.remove(shot)),
      ],
    );
    this.say(reason.textContent);
  }

  settle(shot) {
    this.show(
      shot,
      'done',
      [shot.described],
      [
        this.button('↑', () => this.move(shot, -1), 'Move up'),
        this.button('↓', () => this.move(shot, 1), 'Move down'),
        this.button('Remove', () => this.remove(shot)),
      ],
    );
  }

  show(shot, state, text, actions) {
    const focused = shot.contains(document.activeElement);
    shot.dataset.state = state;
    shot.querySelector('.shot-text').replaceChildren(...text);
    shot.querySelector('.shot-actions').replaceChildren(...actions);
    this.number();
    // The button that had the focus has gone; whoever used it goes on with this picture.
    if (focused) (shot.querySelector('input') ?? shot.querySelector('button')).focus();
  }

  button(label, act, spoken = label) {
    const made = element('button', { class: 'button quiet small', type: 'button' }, label);
    made.dataset.spoken = spoken;
    made.addEventListener('click', act);
    return made;
  }

  move(shot, by) {
    const pressed = document.activeElement;
    const neighbour = by < 0 ? shot.previousElementSibling : shot.nextElementSibling;
    if (!neighbour) return;
    if (by < 0) neighbour.before(shot);
    else neighbour.after(shot);
    this.changed();
    // At an end its button is disabled: the focus goes to the one that leads back.
    if (pressed.disabled) shot.querySelector('.shot-actions button:not(:disabled)').focus();
    else pressed.focus();
    const place = this.shots().indexOf(shot) + 1;
    this.say(`Picture ${place} of ${this.list.children.length}.`);
  }

  remove(shot) {
    const next = shot.nextElementSibling ?? shot.previousElementSibling;
    const focused = shot.contains(document.activeElement);
    this.waiting = this.waiting.filter((other) => other !== shot);
    shot.remove();
    if (focused) (next?.querySelector('button') ?? this.zone.querySelector('button')).focus();
    this.changed();
    this.say('Picture removed.');
    // What was sent and never used would lie about until the server sweeps it.
    if (shot.pictureId && !shot.attached) {
      request(`/api/uploads/${shot.pictureId}`, { method: 'DELETE' }).catch(() => {});
    }
  }

  changed() {
    this.number();
    this.dispatchEvent(new Event('input', { bubbles: true }));
  }

  /** Names fields and buttons by their place: the API points at pictures/0/alt. */
  number() {
    const shots = this.shots();
    let sent = 0;
    for (const [index, shot] of shots.entries()) {
      const input = shot.described.querySelector('input');
      if (shot.pictureId) input.name = `pictures/${sent++}/alt`;
      for (const button of shot.querySelectorAll('[data-spoken]')) {
        const { spoken } = button.dataset;
        button.setAttribute('aria-label', `${spoken} (picture ${index + 1})`);
        button.disabled =
          (spoken === 'Move up' && index === 0) || (spoken === 'Move down' && index === shots.length - 1);
      }
    }
  }

  say(text) {
    this.told.textContent = text;
  }
}

function picturesIn(transfer) {
  return [...(transfer?.files ?? [])].filter((file) => file.type.startsWith('image/'));
}

customElements.define('picture-list', PictureList);
