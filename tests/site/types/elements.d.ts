// The site's own elements by their names, for `element('link-list')`.

import type { LinkList } from '../../../src/homeroom/site/assets/js/components/link-list.js';

declare global {
  interface HTMLElementTagNameMap {
    'link-list': LinkList;
    'password-field': HTMLElement;
  }
}
