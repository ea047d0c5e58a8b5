import { useEffect, useRef, useState } from 'preact/hooks';
import { Actions } from '../gallery/actions-view.js';
import { BeforeButton } from '../gallery/before-button.js';
import type { Entry } from '../gallery/entry.js';
import { gallery, opened } from '../gallery/gallery.js';
import { model } from '../state/model.js';
import { useStore } from '../state/store.js';
import { StoryView } from '../story/story-view.js';
import { IconButton } from '../ui/button.js';
import type { Job, JobPicture } from './job.js';
import { JobStatus } from './job-status.js';
import { JobThumb } from './job-thumb.js';

const KINDS = { generate: '', edit: 'Edit: ', vary: '' } as const;

/** A request: its pictures as they come, and beside the one that is looked at what the model thinks. */
export function JobCard({ job }: { readonly job: Job }) {
  const [chosen, setChosen] = useState(0);
  const { request, pictures } = job;
  const picture = pictures[chosen]!;
  const card = useRef<HTMLElement>(null);
  useEffect(() => {
    const { top } = card.current!.getBoundingClientRect();
    // What a person has just asked for is to be seen.
    if (top < 0 || top > innerHeight / 2) card.current!.scrollIntoView();
  }, []);
  const begun = picture.entry !== undefined || picture.preview !== undefined || picture.prior.length > 0;
  // What waits, or has failed before it began, needs no room for pictures.
  const hasPictures = begun || job.status.name === 'drawing';
  const title = request.kind === 'vary' ? 'Variation' : `${KINDS[request.kind]}${request.prompt}`;
  return (
    <article ref={card} class="job" aria-label={title}>
      <header>
        <h2>{title}</h2>
        <JobStatus job={job} />
      </header>
      {pictures.length > 1 && hasPictures && (
        <ul class="thumbs">
          {pictures.map((one, k) => (
            <JobThumb
              key={k}
              picture={one}
              label={`Picture ${k + 1}`}
              chosen={k === chosen}
              onChoose={() => setChosen(k)}
            />
          ))}
        </ul>
      )}
      {hasPictures && <JobPictureView key={chosen} job={job} picture={picture} title={title} />}
    </article>
  );
}

interface JobPictureViewProps {
  readonly job: Job;
  readonly picture: JobPicture;
  readonly title: string;
}

function JobPictureView({ job: { request }, picture, title }: JobPictureViewProps) {
  const [before, setBefore] = useState(false);
  const size = useStore(model)?.size ?? 256;
  const { entry, prior, frames } = picture;
  const kept = useStore(gallery).includes(entry as Entry);
  const story = entry ?? { prior, frames, picture: undefined };
  const source = request.kind === 'edit' ? request.picture : undefined;
  if (entry !== undefined && !kept) return <p class="hint">This picture was deleted.</p>;
  const above = entry && (
    <>
      <p class="facts">
        Seed {entry.seed}
        <IconButton
          icon="expand"
          label="Show large"
          onClick={() => {
            opened.value = entry.id;
          }}
        />
      </p>
      <Actions entry={entry} wide>
        {source && <BeforeButton pressed={before} onChange={setBefore} />}
      </Actions>
    </>
  );
  return (
    <StoryView
      story={story}
      alt={title}
      width={entry?.width ?? size}
      height={entry?.height ?? size}
      instead={before ? source : undefined}
      above={above}
    />
  );
}
