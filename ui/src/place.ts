/** A place in the site and its address, `#/node/model.shop.orders?tab=code`: the address is all the state there is. */

export interface Place {
  /** `["node", "model.shop.orders"]`; the overview is `[]`. */
  path: readonly string[];
  /** Only what differs from the default. */
  query: Readonly<Record<string, string>>;
}

const decode = (text: string): string => {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // an address somebody cut in half
  }
};
/** Readable where it may be: a fragment may hold `:`, `/`, `,`, `+`, `*`. */
const encode = (text: string): string => encodeURIComponent(text).replace(/%(3A|2C|40|24)/g, (hit) => decodeURIComponent(hit));

export function parsePlace(hash: string): Place {
  const [way = "", rest = ""] = hash.replace(/^#?\/?/, "").split(/\?(.*)/s);
  const query: Record<string, string> = {};
  for (const pair of rest.split("&")) {
    const [key = "", value = ""] = pair.split(/=(.*)/s);
    if (key) query[decode(key)] = decode(value.replace(/\+/g, " "));
  }
  return { path: way.split("/").filter(Boolean).map(decode), query };
}

/** The inverse of `parsePlace`; keys in order, so that equal places have equal addresses. */
export function formatPlace({ path, query }: Place): string {
  const pairs = Object.entries(query)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${encode(key)}=${encode(value)}`);
  return `#/${path.map(encode).join("/")}${pairs.length ? `?${pairs.join("&")}` : ""}`;
}

export type Change = Readonly<Record<string, string | undefined>>;

/** The same page with some of its query changed; `undefined` or an empty text takes a key away. */
export function changed(place: Place, change: Change): Place {
  const query: Record<string, string> = { ...place.query };
  for (const [key, value] of Object.entries(change)) {
    if (value === undefined || value === "") delete query[key];
    else query[key] = value;
  }
  return { path: place.path, query };
}

/** Lists in a query: names never hold a comma after encoding here. */
export const listOf = (text: string | undefined): string[] => (text ? text.split(",").filter(Boolean) : []);
export const textOf = (list: readonly string[]): string => list.join(",");

export const nodePlace = (id: string, query: Place["query"] = {}): string => formatPlace({ path: ["node", id], query });
