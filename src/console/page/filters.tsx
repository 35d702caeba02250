import type { ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';

/** The filters above a list: they take effect as they are changed. */
export function Filters({ children }: { readonly children: ComponentChildren }) {
  return <form class="filters" role="search" onSubmit={(event) => event.preventDefault()}>{children}</form>;
}

/** A text to filter by, taken when it is left or Enter is pressed. What is half typed stays, whatever is drawn anew meanwhile. */
export function TextFilter({ label, value, placeholder, onChange }: {
  readonly label: string; readonly value: string; readonly placeholder?: string; readonly onChange: (value: string) => void;
}) {
  const [typed, setTyped] = useState(value);
  useEffect(() => setTyped(value), [value]);
  return (
    <label>{label}
      <input type="search" value={typed} placeholder={placeholder} autoComplete="off" spellcheck={false}
        onInput={(event) => setTyped(event.currentTarget.value)} onChange={(event) => onChange(event.currentTarget.value.trim())} />
    </label>
  );
}

/** One of some words to filter by. */
export function ChoiceFilter({ label, value, choices, onChange }: {
  readonly label: string; readonly value: string; readonly choices: readonly (readonly [value: string, label: string])[]; readonly onChange: (value: string) => void;
}) {
  return (
    <label>{label}
      <select value={value} onChange={(event) => onChange(event.currentTarget.value)}>
        {choices.map(([one, name]) => <option key={one} value={one}>{name}</option>)}
      </select>
    </label>
  );
}
