// Who seems to look, as <html data-viewer="guest | member | staff">: base.css shows what is `for-` them.
//
// The browser draws nothing before this has run (`blocking="render"` in shell.html), so nobody sees another's links.

import { onSessionChange, seemsSignedIn, seemsStaff } from './api/session.js';

function show() {
  const viewer = seemsSignedIn() ? 'member' : 'guest';
  document.documentElement.dataset.viewer = seemsStaff() ? 'staff' : viewer;
}

show();
onSessionChange(show);
