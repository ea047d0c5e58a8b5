import type { ComponentChildren } from 'preact';
import { useCallback, useEffect, useState } from 'preact/hooks';
import { useFileUrl } from '../ui/pictures.js';
import { Filmstrip } from './filmstrip.js';
import { lengthOf, momentOf, type Story } from './story.js';
import { Thoughts } from './thoughts.js';
import { Timeline } from './timeline.js';

interface StoryViewProps {
  readonly story: Story;
  readonly alt: string;
  /** Sides, for the space that the picture takes before it is there. */
  readonly width: number;
  readonly height: number;
  /** Another file to show in place of the story's, such as the picture before an edit. */
  readonly instead?: Blob;
  /** Stands above and below what the model thinks. */
  readonly above?: ComponentChildren;
  readonly below?: ComponentChildren;
}

/** A picture and beside it what the model thinks; while it is drawn the latest of both, afterwards any moment. */
export function StoryView({ story, alt, width, height, instead, above, below }: StoryViewProps) {
  const length = lengthOf(story);
  // Undefined: the latest.
  const [chosen, setChosen] = useState<number>();
  const finished = story.picture !== undefined;
  const { picture } = story;
  // Another picture is another story.
  useEffect(() => setChosen(undefined), [picture]);
  const at = Math.min(chosen ?? length - 1, length - 1);
  const moment = length === 0 ? undefined : momentOf(story, at);
  const file = instead ?? moment?.file;
  const url = useFileUrl(file);
  const choose = useCallback((next: number) => setChosen(next), []);
  const captions = moment?.captions ?? [];
  return (
    <div class="story">
      <div class="shown" style={{ '--ratio': `${width} / ${height}` }}>
        <div class={url === undefined ? 'canvas empty' : 'canvas'}>
          {url === undefined ? (
            <p class="best-caption">{captions[0]?.text ?? ''}</p>
          ) : (
            <img src={url} alt={alt} class={file === picture || instead ? '' : 'unfinished'} />
          )}
        </div>
        {finished && length > 1 && (
          <>
            <Timeline length={length} at={at} label={moment!.stage} onChange={choose} />
            <Filmstrip
              files={story.frames.map((frame) => frame.file)}
              at={at - story.prior.length}
              onChoose={(frame) => choose(story.prior.length + frame)}
            />
          </>
        )}
      </div>
      <div class="beside">
        {above}
        {captions.length > 0 && <Thoughts captions={captions} />}
        {below}
      </div>
    </div>
  );
}
