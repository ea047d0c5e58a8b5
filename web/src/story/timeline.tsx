import { useEffect, useState } from 'preact/hooks';
import { IconButton } from '../ui/button.js';

interface TimelineProps {
  readonly length: number;
  readonly at: number;
  /** What there is at `at`. */
  readonly label: string;
  onChange(at: number): void;
}

const MOMENT_MS = 160;

/** Goes through a story by hand, or plays it. */
export function Timeline({ length, at, label, onChange }: TimelineProps) {
  const [playing, setPlaying] = useState(false);
  useEffect(() => {
    if (!playing) return;
    const timer = setTimeout(() => {
      if (at + 1 < length) onChange(at + 1);
      if (at + 2 >= length) setPlaying(false);
    }, MOMENT_MS);
    return () => clearTimeout(timer);
  }, [playing, at, length, onChange]);
  return (
    <div class="timeline">
      <IconButton
        icon={playing ? 'pause' : 'play'}
        label={playing ? 'Pause' : 'Play how it was drawn'}
        onClick={() => {
          if (!playing && at === length - 1) onChange(0);
          setPlaying(!playing);
        }}
      />
      <input
        type="range"
        min={0}
        max={length - 1}
        step={1}
        value={at}
        aria-label="From the sentence to the picture"
        aria-valuetext={label}
        onInput={(event) => {
          setPlaying(false);
          onChange(event.currentTarget.valueAsNumber);
        }}
      />
      <output>{label}</output>
    </div>
  );
}
