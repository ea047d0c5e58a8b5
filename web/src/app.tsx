import { EditView } from './edit/edit-view.js';
import { Compose } from './form/compose.js';
import { gallery } from './gallery/gallery.js';
import { Gallery } from './gallery/gallery-view.js';
import { LargeView } from './gallery/large-view.js';
import { addOwnPictures } from './gallery/own-pictures.js';
import { Header } from './header.js';
import { JobCard } from './jobs/job-card.js';
import { jobs } from './jobs/jobs.js';
import { KeyForm } from './key-form.js';
import { model, modelTrouble } from './state/model.js';
import { useStore } from './state/store.js';
import { Drop } from './ui/drop.js';
import { Notices } from './ui/notices-view.js';
import { Welcome } from './welcome.js';

/** The page. */
export function App() {
  const served = useStore(model);
  const trouble = useStore(modelTrouble);
  const under = useStore(jobs);
  const empty = useStore(gallery).length === 0 && under.length === 0;
  return (
    <>
      <Header />
      <KeyForm />
      {trouble && (
        <p class="banner" role="alert">
          {trouble}
        </p>
      )}
      <main>
        <div class="side">{served && <Compose model={served} />}</div>
        <div class="work">
          {under.map((job) => (
            <JobCard key={job.id} job={job} />
          ))}
          {empty && served && <Welcome model={served} />}
          <Gallery />
        </div>
      </main>
      <LargeView />
      <EditView />
      <Drop onFiles={addOwnPictures} />
      <Notices />
    </>
  );
}
