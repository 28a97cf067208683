/**
 * A table of names that never changes: `with` and `without` give another one that shares all but one path with it. A copy
 * costs nothing and the differences of two tables cost what they differ in, so branches of a long line stay linear.
 * A hash trie: 16 ways for each four bits of a name's hash, names of one hash in a list.
 */
type Leaf<V> = { readonly hash: number; readonly entries: readonly (readonly [string, V])[] };
type Branch<V> = { readonly children: readonly (Node<V> | undefined)[] };
type Node<V> = Leaf<V> | Branch<V>;

const BITS = 4;
const WAYS = 1 << BITS;
const LAST_SHIFT = 28;

export class Table<V> {
  readonly size: number;
  private readonly root: Node<V> | undefined;

  constructor(root: Node<V> | undefined = undefined, size = 0) {
    this.root = root;
    this.size = size;
  }

  get(name: string): V | undefined {
    if (this.root === undefined) return undefined;
    const hash = hashOf(name);
    let node: Node<V> | undefined = this.root;
    for (let shift = 0; node !== undefined && "children" in node; shift += BITS) node = node.children[(hash >>> shift) % WAYS];
    return node?.hash === hash ? node.entries.find((entry) => entry[0] === name)?.[1] : undefined;
  }

  has(name: string): boolean {
    return this.get(name) !== undefined;
  }

  with(name: string, value: V): Table<V> {
    return new Table(put(this.root, hashOf(name), 0, name, value), this.has(name) ? this.size : this.size + 1);
  }

  without(name: string): Table<V> {
    return this.has(name) ? new Table(put(this.root, hashOf(name), 0, name, undefined), this.size - 1) : this;
  }

  *[Symbol.iterator](): Generator<readonly [string, V]> {
    for (const [name, value] of differences(this.root, undefined)) if (value !== undefined) yield [name, value];
  }

  /** Each name whose value is another one here than there: with both, undefined where it has none. */
  differences(other: Table<V>): Generator<readonly [string, V | undefined, V | undefined]> {
    return differences(this.root, other.root);
  }
}

/** FNV-1a. */
function hashOf(name: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < name.length; i += 1) hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}

function put<V>(node: Node<V> | undefined, hash: number, shift: number, name: string, value: V | undefined): Node<V> | undefined {
  if (node === undefined) return value === undefined ? undefined : { hash, entries: [[name, value]] };
  if ("children" in node) return { children: node.children.with((hash >>> shift) % WAYS, put(node.children[(hash >>> shift) % WAYS], hash, shift + BITS, name, value)) };
  if (node.hash === hash) {
    const others = node.entries.filter((entry) => entry[0] !== name);
    const entries = value === undefined ? others : [...others, [name, value] as const];
    return entries.length === 0 ? undefined : { hash, entries };
  }
  if (value === undefined || shift > LAST_SHIFT) return node;
  const way = (node.hash >>> shift) % WAYS;
  const children = Array.from({ length: WAYS }, (_, at) => (at === way ? node : undefined));
  return put({ children }, hash, shift, name, value);
}

function* differences<V>(a: Node<V> | undefined, b: Node<V> | undefined, shift = 0): Generator<readonly [string, V | undefined, V | undefined]> {
  if (a === b) return;
  const deeper = (a !== undefined && "children" in a) || (b !== undefined && "children" in b);
  if (deeper) {
    for (let way = 0; way < WAYS; way += 1) yield* differences(childOf(a, way, shift), childOf(b, way, shift), shift + BITS);
    return;
  }
  const left = a as Leaf<V> | undefined;
  const right = b as Leaf<V> | undefined;
  for (const [name, value] of left?.entries ?? []) {
    const there = right?.entries.find((entry) => entry[0] === name)?.[1];
    if (there !== value) yield [name, value, there];
  }
  for (const [name, value] of right?.entries ?? []) if (left?.entries.some((entry) => entry[0] === name) !== true) yield [name, undefined, value];
}

/** The part of a node under one way; a leaf stands where its hash leads. */
function childOf<V>(node: Node<V> | undefined, way: number, shift: number): Node<V> | undefined {
  if (node === undefined || "children" in node) return node?.children[way];
  return (node.hash >>> shift) % WAYS === way ? node : undefined;
}
