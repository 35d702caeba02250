import { writeFile } from 'node:fs/promises';
import { type DeclaredType, declareEventTypes, extendCustomEvents } from '../domain/type-declarations';
import { apiCommand } from './api-command';
import { type Command, UsageError } from './command';
import { messageOf } from './exit-codes';

/** `types ...` */
export const typeCommands: Readonly<Record<string, Command>> = {
  'types generate': apiCommand({
    summary: 'Writes TypeScript declarations of what each type of event holds, which the receiver then knows.',
    options: {
      out: { type: 'string', value: 'FILE', describe: 'the file to write, such as src/posthorn-events.ts; standard output unless told' },
      receiver: { type: 'string', value: 'MODULE', describe: 'what you import the receiver from; posthorn/receiver unless told, none where you do without it' },
    },
    run: async ({ values: { out, receiver = 'posthorn/receiver' } }, { api, answer }) => {
      if (out === '') throw new UsageError('--out must be the name of a file (seen: "")');
      if (receiver === '') throw new UsageError('--receiver must be the name of a module, or none (seen: "")');
      const types: CataloguedType[] = [];
      // Of all pages: a catalogue that is declared in part would have events of the rest refused by the compiler.
      for await (const one of api.list('/v1/event-types', {}, Infinity)) types.push(one as unknown as CataloguedType);
      const own = types.filter(({ kind }) => kind === 'custom');
      const declarations = declareEventTypes(types) + (receiver === 'none' ? '' : extendCustomEvents(own, receiver));
      const counts = { types: types.length, own: own.length };
      if (out === undefined) return answer.one({ ...counts, declarations }, [declarations.trimEnd()]);
      await writeFile(out, declarations).catch((error: unknown) => { throw new UsageError(`--out can not be written: ${messageOf(error)}`); });
      answer.one({ ...counts, out }, [`${out} declares ${counts.types} types of event, ${counts.own} of them your own`]);
    },
  }),
};

/** What is read of a type as the API lists it. */
interface CataloguedType extends DeclaredType {
  readonly kind: string;
}
