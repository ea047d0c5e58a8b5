interface NumberInputProps {
  readonly id: string;
  readonly value: string;
  readonly min: number;
  readonly max: number | undefined;
  readonly step: number;
  readonly placeholder: string;
  readonly describedBy?: string;
  onValue(value: string): void;
}

/** A number that may be left out. The browser says what is wrong with it. */
export const NumberInput = ({ id, value, min, max, step, placeholder, describedBy, onValue }: NumberInputProps) => (
  <input
    id={id}
    type="number"
    inputMode={step === 1 ? 'numeric' : 'decimal'}
    value={value}
    min={min}
    max={max}
    step={step}
    placeholder={placeholder}
    aria-describedby={describedBy}
    onInput={(event) => onValue(event.currentTarget.value)}
  />
);
