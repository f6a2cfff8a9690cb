// The API's own types for the site's scripts, from its OpenAPI document: `/** @param {Api.User} user */`.
//
// What `request('/api/projects/7')` gives back, and which body it takes, follows from the path and the method.

import type { components, paths } from '../build/api-schema';

type Schemas = components['schemas'];

declare global {
  namespace Api {
    type Activity = Schemas['EventsOut'][number];
    type Author = Schemas['AuthorOut'];
    type ContentNode = Schemas['PreviewOut']['content'][number];
    type DayCount = Schemas['DayCount'];
    type FieldProblem = Schemas['FieldProblem'];
    type PersonCode = Schemas['PersonCodeOut'];
    type Link = Schemas['LinkOut'];
    type Overview = Schemas['OverviewOut'];
    type Picture = Schemas['ProjectPictureOut'];
    type Problem = Schemas['Problem'];
    type Profile = Schemas['ProfileOut'];
    type Project = Schemas['ProjectOut'];
    type ListedProject = Schemas['ProjectsOut'][number];
    type Report = Schemas['ReportOut'];
    type ReportRow = Schemas['RowOut'];
    type Role = Schemas['Role'];
    type Self = Schemas['SelfOut'];
    type Session = Schemas['SessionsOut'][number];
    type Upload = Schemas['UploadOut'];
    type User = Schemas['UserOut'];
    type ListedUser = Schemas['UsersOut'][number];
    type Visibility = Schemas['Visibility'];

    type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

    /** What an operation answers when it succeeds. */
    type Data<Path extends string, M extends Method> = Path extends '/api/openapi.json'
      ? OpenApi.Document
      : [Operation<Path, M>] extends [never]
        ? { 'The OpenAPI document has no such operation': `${M} ${Path}` }
        : Success<Operation<Path, M>>;

    /** What an operation takes as JSON; a Blob is sent as what it is. */
    type Body<Path extends string, M extends Method> =
      Operation<Path, M> extends { requestBody?: { content: { 'application/json': infer Sent } } }
        ? Sent | Blob
        : Blob;
  }
}

type Operation<Path extends string, M extends Api.Method> =
  Described<Path> extends infer Known extends keyof paths
    ? paths[Known][Lowercase<M> & keyof paths[Known]]
    : never;

type Success<Op> = Op extends { responses: infer Answers }
  ? { [Status in keyof Answers & (200 | 201)]: JsonOf<Answers[Status]> }[keyof Answers & (200 | 201)]
  : never;

type JsonOf<Answer> = Answer extends { content: { 'application/json': infer Data } } ? Data : never;

/** The path in the document that an address belongs to: without its query, and with its parameters' names. */
type Described<Path extends string> =
  Bare<Path> extends keyof paths
    ? Bare<Path>
    : {
        [Known in keyof paths]: Fits<Segments<Bare<Path>>, Segments<Known>> extends true ? Known : never;
      }[keyof paths];

type Bare<Path extends string> = Path extends `${infer Before}?${string}`
  ? Bare<Before>
  : Path extends `${infer Before}/`
    ? Before
    : Path;

type Segments<Path extends string> = Path extends `${infer First}/${infer Rest}`
  ? [First, ...Segments<Rest>]
  : [Path];

type Fits<Asked extends string[], Known extends string[]> = Asked extends [
  infer Here extends string,
  ...infer Further extends string[],
]
  ? Known extends [infer There extends string, ...infer Beyond extends string[]]
    ? There extends `{${string}}`
      ? Fits<Further, Beyond>
      : Here extends There
        ? Fits<Further, Beyond>
        : false
    : false
  : Known extends []
    ? true
    : false;
