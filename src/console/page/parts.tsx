import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Problem } from './api';
import { ago, words } from './format';
import type { NextPage } from './list';
import { href } from './route';

/** What a status means, for its colour; it is always named too. */
const TONES: Readonly<Record<string, string>> = {
  ACTIVE: 'good', DELIVERED: 'good', COMPLETED: 'good', ok: 'good',
  RETRYING: 'warn', FAILING: 'warn', PAUSED: 'warn', HELD: 'other',
  EXHAUSTED: 'bad', FAILED: 'bad', DEACTIVATED: 'bad', PENDING: 'calm', RUNNING: 'calm', QUEUED: 'calm',
};

/** A status as a word with a coloured mark. */
export function Status({ of, note }: { readonly of: string; readonly note?: string | null }) {
  return <span class={`status ${TONES[of] ?? 'plain'}`}><span class="dot" aria-hidden="true" />{words(of)}{note ? <small>{words(note)}</small> : null}</span>;
}

/** The tri-state of an event. */
export function Delivered({ owed, delivered }: { readonly owed: number | null; readonly delivered: boolean | null }) {
  if (owed === 0) return <span class="status plain"><span class="dot" aria-hidden="true" />owed to nobody</span>;
  if (delivered === true) return <Status of="DELIVERED" />;
  if (delivered === false) return <span class="status bad"><span class="dot" aria-hidden="true" />not delivered</span>;
  return <Status of="PENDING" />;
}

/** How long ago something was; the exact time when one points at it. */
export function Time({ at }: { readonly at: string | null }) {
  const now = useNow();
  return at === null ? <span>–</span> : <time dateTime={at} title={at} class="nowrap">{ago(at, now)}</time>;
}

/** The time in ms, new every second. */
export function useNow(): number {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 1_000);
    return () => clearInterval(timer);
  }, []);
  return now;
}

/** Shown where there is nothing: why, and what to do. */
export function Empty({ title, children }: { readonly title: string; readonly children?: ComponentChildren }) {
  return <div class="empty"><p><strong>{title}</strong></p>{children}</div>;
}

/** An error in words. */
export function Fault({ problem }: { readonly problem: Problem | null }) {
  if (!problem) return null;
  return (
    <div class="fault" role="alert">
      <p>{problem.message}</p>
      {problem.errors.length > 1 ? <ul>{problem.errors.map(({ path, message }) => <li key={path}><code>{path}</code> {message}</li>)}</ul> : null}
    </div>
  );
}

/** A part of a page under a heading. */
export function Card({ title, aside, children }: { readonly title: string; readonly aside?: ComponentChildren; readonly children: ComponentChildren }) {
  return <section class="card"><header><h2>{title}</h2>{aside}</header>{children}</section>;
}

/** A table that scrolls within itself where it is wider than the screen. */
export function Table({ label, head, children }: { readonly label: string; readonly head: readonly string[]; readonly children: ComponentChildren }) {
  return (
    <div class="scroll" role="region" aria-label={label} tabIndex={0}>
      <table><thead><tr>{head.map((name) => <th key={name} scope="col">{name}</th>)}</tr></thead><tbody>{children}</tbody></table>
    </div>
  );
}

/** Names and values. */
export function Facts({ of }: { readonly of: readonly (readonly [name: string, value: ComponentChildren])[] }) {
  return <dl class="facts">{of.map(([name, value]) => <div key={name}><dt>{name}</dt><dd>{value}</dd></div>)}</dl>;
}

/** Text that is code; it wraps. */
export function Code({ label, children }: { readonly label: string; readonly children: string }) {
  return <pre class="code" tabIndex={0} role="region" aria-label={label}>{children}</pre>;
}

/** A button that copies a text. */
export function Copy({ text, label }: { readonly text: string; readonly label: string }) {
  const [done, setDone] = useState(false);
  useEffect(() => {
    if (!done) return;
    const timer = setTimeout(() => setDone(false), 2_000);
    return () => clearTimeout(timer);
  }, [done]);
  return <button type="button" class="small" onClick={() => void navigator.clipboard.writeText(text).then(() => setDone(true), () => undefined)}>{done ? 'Copied' : label}</button>;
}

/** A button that asks before it does what it says. */
export function Confirmed({ label, question, disabled = false, onYes }: {
  readonly label: string; readonly question: string; readonly disabled?: boolean; readonly onYes: () => void;
}) {
  const dialog = useRef<HTMLDialogElement>(null);
  return (
    <>
      <button type="button" disabled={disabled} onClick={() => dialog.current?.showModal()}>{label}</button>
      <dialog ref={dialog} aria-label={label}>
        <p>{question}</p>
        <div class="actions">
          <button type="button" class="main" onClick={() => {
            dialog.current?.close();
            onYes();
          }}>{label}</button>
          <button type="button" onClick={() => dialog.current?.close()}>Leave it</button>
        </div>
      </dialog>
    </>
  );
}

/** A link to a workflow in Temporal's UI. */
export function WorkflowLink({ of }: { readonly of: { readonly id: string; readonly url: string } | null }) {
  if (!of) return <span class="soft">no workflow</span>;
  return /^https?:/.test(of.url) ? <a href={of.url} target="_blank" rel="noreferrer">Open in Temporal ↗</a> : <code>{of.id}</code>;
}

/** An id, which leads to what it names. */
export function IdLink({ to, id, name }: { readonly to: string; readonly id: string; readonly name?: string | null | undefined }) {
  return <a href={href(to, id)} class={name ? '' : 'id'}>{name || id}</a>;
}

/** A list that is read further by a button; it keeps the focus while it is busy. */
export function More({ next }: { readonly next: NextPage | null }) {
  return next ? <p class="more"><button type="button" aria-disabled={next.isUnderWay} onClick={next.read}>Show more</button></p> : null;
}
