import { render } from 'preact';
import { App } from './app.js';
import { loadGallery } from './gallery/gallery.js';
import { cancelLatest } from './jobs/jobs.js';
import { loadModel } from './state/model.js';
import { followTheme } from './state/theme.js';
import { followTitle } from './title.js';

followTheme();
followTitle();
void loadGallery();
void loadModel();
addEventListener('keydown', (event) => {
  // An open dialog takes it for itself.
  if (event.key === 'Escape' && !event.defaultPrevented && document.querySelector('dialog[open]') === null)
    cancelLatest();
});
render(<App />, document.getElementById('app')!);
