// The 404 page needs nothing but its header.

import '../components/site-header.js';
