// <picture-list>: pictures of a project. They are dropped, chosen or pasted, sent one by one with
// their progress, described, and put in order; `value` is [{ id, alt }].

import { addressOf, isCalledOff, request, statusOf } from '../api/client.js';
import { upload } from '../api/upload.js';
import { element, isolated, within } from '../dom.js';
import { field } from '../forms.js';
import { t } from '../texts.js';
import { advice } from './failure.js';

const AT_ONCE = 2;
const TYPES = 'image/jpeg,image/png,image/gif,image/webp';
// What the server says of a file that it would refuse again.
const REFUSED_FOR_GOOD = [413, 415, 422];

/** @typedef {'waiting' | 'sending' | 'failed' | 'done'} State */

/** One picture of the list. */
class Shot {
  /** @type {State} */
  state = 'waiting';
  /** @type {number | null} */
  pictureId = null;
  /** Whether it belongs to the project already, as it is saved. */
  attached = false;
  calledOff = new AbortController();

  /**
   * @param {string} src
   * @param {string} alt
   * @param {File} file nothing in it where the picture is on the server
   */
  constructor(src, alt = '', file = new File([], '')) {
    this.file = file;
    const image = element('img', { src, alt: '', draggable: 'false' });
    image.addEventListener('error', () => {
      image.hidden = true;
    });
    this.thumb = element('div', { class: 'thumb', draggable: 'true', title: t('picture.reorder') }, image);
    this.text = element('div', { class: 'shot-text' });
    this.actions = element('div', { class: 'shot-actions' });
    this.item = element('li', { class: 'shot' }, this.thumb, this.text, this.actions);
    this.described = field({
      name: 'alt',
      label: t('picture.alt'),
      value: alt,
      maxlength: '300',
      autocomplete: 'off',
    });
    this.description = within(this.described, 'input', HTMLInputElement);
  }

  get name() {
    return isolated(this.file.name || t('picture.name'));
  }

  /**
   * @param {State} state
   * @param {HTMLElement[]} text
   * @param {HTMLButtonElement[]} actions
   */
  show(state, text, actions) {
    const focused = this.item.contains(document.activeElement);
    this.state = state;
    this.item.dataset.state = state;
    this.text.replaceChildren(...text);
    this.actions.replaceChildren(...actions);
    // The button that had the focus has gone; whoever used it goes on with this picture.
    if (focused) within(this.item, this.item.querySelector('input') ? 'input' : 'button').focus();
  }

  /**
   * Names its buttons by its place among all.
   *
   * @param {number} place
   * @param {number} count
   */
  number(place, count) {
    for (const button of this.actions.querySelectorAll('button')) {
      const { spoken = '', by } = button.dataset;
      button.setAttribute('aria-label', t('picture.button', { action: spoken, place: place + 1 }));
      button.disabled = (by === '-1' && place === 0) || (by === '1' && place === count - 1);
    }
  }
}

export class PictureList extends HTMLElement {
  #list = element('ol', { class: 'shots' });
  #told = element('p', { class: 'visually-hidden', role: 'status' });
  #choose = element('button', { class: 'button quiet', type: 'button' }, t('picture.choose'));
  #zone = element('div', { class: 'drop-zone' });
  /** @type {Map<Element | null, Shot>} by their items; the page has them in order */
  #known = new Map();
  /** @type {Shot[]} */
  #waiting = [];
  #sending = 0;
  /** @type {Shot | null} */
  #dragged = null;

  connectedCallback() {
    if (this.contains(this.#list)) return;
    this.#fillZone();
    this.append(this.#zone, this.#list, this.#told);
    this.#acceptDrops();
    document.addEventListener('paste', (event) => {
      const files = picturesIn(event.clipboardData);
      if (!files.length) return;
      event.preventDefault();
      this.#add(files);
    });
  }

  /** What the project is to have: those that are on the server. */
  get value() {
    return this.#shots().flatMap(({ pictureId, description }) =>
      pictureId === null ? [] : [{ id: pictureId, alt: description.value.trim() }],
    );
  }

  /**
   * Shows what the project has already.
   *
   * @param {Api.Picture[]} pictures
   */
  show(pictures) {
    this.#list.replaceChildren();
    this.#known.clear();
    for (const { id, alt, urls } of pictures) {
      const shot = new Shot(addressOf(urls.card.original).href, alt);
      shot.pictureId = id;
      shot.attached = true;
      this.#include(shot);
      this.#settle(shot);
    }
    this.#number();
  }

  /** How many are still on their way, so that a page can wait before it saves. */
  get unfinished() {
    return this.#shots().filter(({ state }) => state === 'waiting' || state === 'sending').length;
  }

  /** How many could not be sent; a page that saved without a word would lose them. */
  get failed() {
    return this.#shots().filter(({ state }) => state === 'failed').length;
  }

  #shots() {
    return [...this.#list.children].flatMap((item) => this.#known.get(item) ?? []);
  }

  /** @param {File[]} files */
  #add(files) {
    for (const file of files) {
      const shot = new Shot(URL.createObjectURL(file), '', file);
      this.#include(shot);
      this.#enqueue(shot);
    }
    this.#changed();
    this.#say(t('picture.added', { count: files.length }));
  }

  #fillZone() {
    const input = element('input', {
      type: 'file',
      accept: TYPES,
      multiple: '',
      class: 'visually-hidden',
      tabindex: '-1',
      'aria-hidden': 'true',
    });
    input.addEventListener('change', () => {
      this.#add([...(input.files ?? [])]);
      input.value = ''; // the same file may be chosen again
    });
    this.#choose.addEventListener('click', () => input.click());
    this.#zone.append(this.#choose, input, element('p', { class: 'hint' }, t('picture.ways')));
  }

  /** Files may fall anywhere on the page: the browser would otherwise open them and leave the page. */
  #acceptDrops() {
    const holdsFiles = (/** @type {DragEvent} */ { dataTransfer }) => dataTransfer?.types.includes('Files');
    document.addEventListener('dragover', (event) => {
      if (!holdsFiles(event)) return;
      event.preventDefault();
      this.#zone.classList.add('over');
    });
    document.addEventListener('dragleave', (event) => {
      if (!event.relatedTarget) this.#zone.classList.remove('over');
    });
    document.addEventListener('drop', (event) => {
      if (!holdsFiles(event)) return;
      event.preventDefault();
      this.#zone.classList.remove('over');
      this.#add([...(event.dataTransfer?.files ?? [])]);
    });
    this.#list.addEventListener('dragover', (event) => this.#dragOver(event));
  }

  /** @param {Shot} shot */
  #include(shot) {
    this.#known.set(shot.item, shot);
    shot.thumb.addEventListener('dragstart', ({ dataTransfer }) => {
      if (dataTransfer) {
        dataTransfer.effectAllowed = 'move';
        dataTransfer.setData('text/plain', ''); // Firefox drags nothing that carries nothing
      }
      this.#dragged = shot;
      shot.item.classList.add('dragged');
    });
    shot.thumb.addEventListener('dragend', () => {
      this.#dragged = null;
      shot.item.classList.remove('dragged');
      this.#changed();
    });
    this.#list.append(shot.item);
  }

  /** @param {DragEvent} event */
  #dragOver(event) {
    const over = event.target instanceof Element ? event.target.closest('.shot') : null;
    if (!this.#dragged || !over) return;
    event.preventDefault();
    if (over === this.#dragged.item) return;
    const { top, height } = over.getBoundingClientRect();
    if (event.clientY < top + height / 2) over.before(this.#dragged.item);
    else over.after(this.#dragged.item);
  }

  /** @param {Shot} shot */
  #enqueue(shot) {
    shot.calledOff = new AbortController();
    const line = element('p', { class: 'hint' }, t('picture.waiting', { name: shot.name }));
    this.#show(shot, 'waiting', [line], [this.#button(t('common.cancel'), () => this.#remove(shot))]);
    this.#waiting.push(shot);
    this.#sendNext();
  }

  #sendNext() {
    while (this.#sending < AT_ONCE) {
      const next = this.#waiting.shift();
      if (!next) return;
      this.#send(next);
    }
  }

  /** @param {Shot} shot */
  async #send(shot) {
    this.#sending += 1;
    const { name, calledOff } = shot;
    const progress = element('progress', {
      max: '1',
      value: '0',
      'aria-label': t('picture.sending_spoken', { name }),
    });
    const line = element('p', { class: 'hint' }, t('picture.sending', { name, percent: 0 }));
    this.#show(
      shot,
      'sending',
      [line, progress],
      [this.#button(t('common.cancel'), () => calledOff.abort())],
    );
    try {
      const { data } = await upload(shot.file, {
        signal: calledOff.signal,
        onProgress: (share) => {
          progress.value = share;
          line.textContent =
            share < 1
              ? t('picture.sending', { name, percent: Math.floor(share * 100) })
              : t('picture.checking', { name });
        },
      });
      shot.pictureId = data.id;
      this.#settle(shot);
      this.#say(t('picture.arrived', { name }));
    } catch (error) {
      if (isCalledOff(error)) this.#remove(shot);
      else this.#fail(shot, error);
    }
    this.#sending -= 1;
    this.#changed();
    this.#sendNext();
  }

  /**
   * @param {Shot} shot
   * @param {unknown} error
   */
  #fail(shot, error) {
    const reason = t('picture.failed', { name: shot.name, reason: advice(error) });
    const actions = [this.#button(t('common.remove'), () => this.#remove(shot))];
    if (!REFUSED_FOR_GOOD.includes(statusOf(error) ?? 0)) {
      actions.unshift(this.#button(t('common.try_again'), () => this.#enqueue(shot)));
    }
    this.#show(shot, 'failed', [element('p', { class: 'field-error' }, reason)], actions);
    this.#say(reason);
  }

  /** @param {Shot} shot */
  #settle(shot) {
    this.#show(
      shot,
      'done',
      [shot.described],
      [
        this.#mover(shot, -1),
        this.#mover(shot, 1),
        this.#button(t('common.remove'), () => this.#remove(shot)),
      ],
    );
  }

  /**
   * @param {Shot} shot
   * @param {Parameters<Shot['show']>} content
   */
  #show(shot, ...content) {
    shot.show(...content);
    this.#number();
  }

  /**
   * @param {string} label
   * @param {() => void} act
   * @param {string} spoken
   */
  #button(label, act, spoken = label) {
    const made = element('button', { class: 'button quiet small', type: 'button' }, label);
    made.dataset.spoken = spoken;
    made.addEventListener('click', act);
    return made;
  }

  /**
   * The button that moves a picture up or down.
   *
   * @param {Shot} shot
   * @param {-1 | 1} by
   */
  #mover(shot, by) {
    const [arrow, spoken] = by < 0 ? ['↑', t('picture.up')] : ['↓', t('picture.down')];
    const made = this.#button(arrow, () => this.#move(shot, by), spoken);
    made.dataset.by = String(by);
    return made;
  }

  /**
   * @param {Shot} shot
   * @param {-1 | 1} by
   */
  #move({ item, actions }, by) {
    const pressed = document.activeElement;
    const neighbour = by < 0 ? item.previousElementSibling : item.nextElementSibling;
    if (!neighbour) return;
    if (by < 0) neighbour.before(item);
    else neighbour.after(item);
    this.#changed();
    // At an end its button is disabled: the focus goes to the one that leads back.
    if (pressed instanceof HTMLButtonElement && !pressed.disabled) pressed.focus();
    else within(actions, 'button:not(:disabled)').focus();
    const place = [...this.#list.children].indexOf(item) + 1;
    this.#say(t('picture.place', { place, count: this.#list.children.length }));
  }

  /** @param {Shot} shot */
  #remove(shot) {
    const { item, pictureId, attached } = shot;
    const next = this.#known.get(item.nextElementSibling ?? item.previousElementSibling);
    const focused = item.contains(document.activeElement);
    this.#waiting = this.#waiting.filter((other) => other !== shot);
    this.#known.delete(item);
    item.remove();
    this.#changed();
    // At an end a button is disabled, and takes no focus.
    const nextButton = next?.actions.querySelector('button:not(:disabled)');
    if (focused) (nextButton instanceof HTMLElement ? nextButton : this.#choose).focus();
    this.#say(t('picture.removed'));
    // What was sent and never used would lie about until the server sweeps it.
    if (pictureId !== null && !attached) {
      request(`/api/uploads/${pictureId}`, { method: 'DELETE' }).catch(() => {});
    }
  }

  #changed() {
    this.#number();
    this.dispatchEvent(new Event('input', { bubbles: true }));
  }

  /** Names fields and buttons by their place: the API points at pictures/0/alt. */
  #number() {
    const shots = this.#shots();
    let sent = 0;
    for (const [place, shot] of shots.entries()) {
      if (shot.pictureId !== null) {
        shot.description.name = `pictures/${sent}/alt`;
        sent += 1;
      }
      shot.number(place, shots.length);
    }
  }

  /** @param {string} text */
  #say(text) {
    this.#told.textContent = text;
  }
}

/** @param {DataTransfer | null} transfer */
function picturesIn(transfer) {
  return [...(transfer?.files ?? [])].filter((file) => file.type.startsWith('image/'));
}

customElements.define('picture-list', PictureList);
