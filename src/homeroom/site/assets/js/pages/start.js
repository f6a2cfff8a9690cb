// The start page: leads a guest to sign in, a member to the class.

import '../components/site-header.js';
import { onSessionChange, seemsSignedIn } from '../api/session.js';

function show() {
  document.getElementById('for-guests').hidden = seemsSignedIn();
  document.getElementById('for-members').hidden = !seemsSignedIn();
}

show();
onSessionChange(show);
