import { randomBytes } from 'node:crypto';

/** Messages that are kept for those who come back, and how many characters they have at most together. */
const KEPT = 200;
const KEPT_CHARACTERS = 256 * 1024;

interface Kept {
  readonly number: number;
  readonly text: string;
}

/** One event of a stream as text. */
export const eventText = (id: string | null, type: string, data: object): string =>
  `${id === null ? '' : `id: ${id}\n`}event: ${type}\ndata: ${JSON.stringify({ type, ...data })}\n\n`;

/** The newest events of one workspace, numbered: who has missed a few is told them, who has missed more is told so. */
export class StreamRing {
  /** Tells this process's numbers from those of another, or of before a gap. */
  private mark = randomBytes(5).toString('hex');
  private kept: Kept[] = [];
  private characters = 0;
  private last = 0;

  /** The id of the newest event. */
  get lastId(): string {
    return `${this.mark}-${this.last}`;
  }

  /** Adds an event; answers its text. */
  add(type: string, data: object): string {
    this.last += 1;
    const text = eventText(this.lastId, type, data);
    this.kept.push({ number: this.last, text });
    this.characters += text.length;
    while (this.kept.length > KEPT || this.characters > KEPT_CHARACTERS) this.characters -= this.kept.shift()?.text.length ?? 0;
    return text;
  }

  /** Forgets all: something may have been missed. */
  breakOff(): void {
    this.mark = randomBytes(5).toString('hex');
    this.kept = [];
    this.characters = 0;
  }

  /** The events after the one of this id; null where they are not known any more. */
  after(id: string): string[] | null {
    const [mark, number] = id.split('-');
    const from = Number(number);
    if (mark !== this.mark || !Number.isInteger(from) || from > this.last) return null;
    const first = this.kept[0]?.number ?? this.last + 1;
    return from + 1 < first ? null : this.kept.filter((kept) => kept.number > from).map((kept) => kept.text);
  }
}
