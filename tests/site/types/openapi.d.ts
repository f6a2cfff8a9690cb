// As much of OpenAPI 3.1 as the page of the API shows: https://spec.openapis.org/oas/v3.1.0

declare namespace OpenApi {
  interface Document {
    components?: Components;
    paths: Record<string, PathItem>;
    tags?: Tag[];
  }

  type Components = Partial<Record<string, Record<string, Schema | Parameter | Answer>>>;

  interface Tag {
    name: string;
    description?: string;
  }

  type HttpMethod = 'get' | 'post' | 'put' | 'patch' | 'delete';

  type PathItem = Partial<Record<HttpMethod, Operation>> & { parameters?: (Parameter | Reference)[] };

  interface Operation {
    tags?: string[];
    summary?: string;
    description?: string;
    parameters?: (Parameter | Reference)[];
    requestBody?: { content?: Content };
    responses?: Record<string, Answer | Reference>;
  }

  interface Reference {
    $ref: string;
  }

  interface Parameter {
    name: string;
    in: string;
    required?: boolean;
    description?: string;
    schema?: Schema;
  }

  interface Answer {
    description?: string;
    content?: Content;
  }

  type Content = Partial<Record<string, { schema?: Schema }>>;

  /** A JSON Schema; one that only refers to another has `$ref` alone. */
  interface Schema {
    $ref?: string;
    title?: string;
    description?: string;
    type?: string | string[];
    format?: string;
    enum?: unknown[];
    anyOf?: Schema[];
    oneOf?: Schema[];
    items?: Schema;
    properties?: Record<string, Schema>;
    required?: string[];
    minLength?: number;
    maxLength?: number;
    minimum?: number;
    maximum?: number;
    example?: unknown;
    examples?: unknown[];
    default?: unknown;
  }
}
