// The contract of a route: its place, the shapes it takes and gives, and the work. One table feeds server, tests and docs.

import type { z } from "zod";
import { bodyBytesMax } from "./contract.ts";
import type { ApiParts } from "./parts.ts";

/** GET takes its input from the path and the query, POST from a JSON body. */
export interface Route {
  readonly method: "GET" | "POST";
  /** Below the API's root, `:name` for a part of the path. */
  readonly path: string;
  /** One sentence for the reference. */
  readonly help: string;
  readonly input: z.ZodObject;
  readonly answer: z.ZodObject;
  readonly bodyBytesMax: number;
  /** `input` as it came; throws Problem or Problems for a person's mistake. */
  run(parts: ApiParts, input: unknown): Promise<unknown>;
}

export interface RouteDefinition<Input extends z.ZodObject, Answer extends z.ZodObject> {
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly help: string;
  readonly input: Input;
  readonly answer: Answer;
  readonly bodyBytesMax?: number;
  run(parts: ApiParts, input: z.output<Input>): Promise<z.output<Answer>>;
}

/** A route whose work sees its input checked and typed. */
export function route<Input extends z.ZodObject, Answer extends z.ZodObject>(
  definition: RouteDefinition<Input, Answer>,
): Route {
  return {
    ...definition,
    bodyBytesMax: definition.bodyBytesMax ?? bodyBytesMax,
    run: (parts, input) => definition.run(parts, definition.input.parse(input)),
  };
}
