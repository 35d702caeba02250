import type { ComponentChildren } from 'preact';

/** The filters above a list: they take effect as they are changed. */
export function Filters({ children }: { readonly children: ComponentChildren }) {
  return <form class="filters" role="search" onSubmit={(event) => event.preventDefault()}>{children}</form>;
}

/** A text to filter by, taken when it is left or Enter is pressed. */
export function TextFilter({ label, value, placeholder, onChange }: {
  readonly label: string; readonly value: string; readonly placeholder?: string; readonly onChange: (value: string) => void;
}) {
  return <label>{label}<input type="search" value={value} placeholder={placeholder} autoComplete="off" spellcheck={false} onChange={(event) => onChange(event.currentTarget.value.trim())} /></label>;
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
