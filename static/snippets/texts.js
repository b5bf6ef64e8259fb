// The snippets: how to get the prices of some symbols from a relay in other places. Each runs as it is.

/** Symbols that a snippet names at most. */
export const MAX_NAMED = 10;

/**
 * Every kind in its order: { key, title, note, write }. write(origin, symbols) → the text, of at least one
 * symbol, MAX_NAMED at most.
 */
export const SNIPPETS = [
  {
    key: "curl",
    title: "curl",
    note: "A stream of server-sent events. For one answer instead of a stream, take the second line.",
    write: (origin, symbols) => `curl -N '${origin}/events?symbols=${list(symbols)}'
curl '${origin}/api/prices?symbols=${list(symbols)}'
`,
  },
  {
    key: "python",
    title: "Python",
    note:
      "Needs nothing but Python 3. It comes back after a lost connection, with what changed meanwhile. " +
      "Lines that begin with # say whether the prices are live.",
    write: python,
  },
  {
    key: "javascript",
    title: "JavaScript",
    note: "For a web page. On another site the relay's setting ALLOWED_ORIGINS must name that site.",
    write: javascript,
  },
  {
    key: "frame",
    title: "Frame",
    note: "For any web page: the prices, and how they are. ?theme=light or dark may follow the symbols.",
    write: frame,
  },
  {
    key: "sheets",
    title: "Google Sheets",
    note:
      "Google itself fetches the address, about once an hour: the relay must be reachable from the internet. " +
      "The state beside each price says whether it is live.",
    write: sheets,
  },
  {
    key: "excel",
    title: "Excel",
    note:
      "One formula for each symbol, in Excel for Windows; F9 with Ctrl and Alt fetches anew. " +
      "A number alone does not say whether it is live: the table of Power Query does.",
    write: excel,
  },
  {
    key: "query",
    title: "Power Query",
    note: "For Excel and Power BI: New query, Blank query, Advanced editor.",
    write: query,
  },
];

function frame(origin, symbols) {
  const height = symbols.length > 1 ? 50 + 24 * symbols.length : 90;
  const source = `${origin}/embed/${list(symbols)}`;
  return `<iframe src="${source}" width="320" height="${height}" title="Prices"></iframe>\n`;
}

function sheets(origin, symbols) {
  return `=IMPORTDATA("${origin}/api/prices.csv?symbols=${list(symbols)}", ",", "en_US")\n`;
}

function excel(origin, symbols) {
  const address = (symbol) => `${origin}/api/prices/${name(symbol)}.txt`;
  return symbols.map((symbol) => `=NUMBERVALUE(WEBSERVICE("${address(symbol)}"), ".")\n`).join("");
}

function list(symbols) {
  return symbols.map(name).join(",");
}

function name(symbol) {
  return encodeURIComponent(symbol);
}

function python(origin, symbols) {
  return `import http.client
import json
import time
import urllib.request

URL = "${origin}/events?symbols=${list(symbols)}"


def updates():
    """Every update, for ever."""
    last_id = event = ""
    while True:
        try:
            request = urllib.request.Request(URL, headers={"Last-Event-ID": last_id})
            with urllib.request.urlopen(request, timeout=40) as stream:
                for line in stream:
                    name, _, value = line.decode().rstrip("\\n").partition(": ")
                    if name == "id":
                        last_id = value
                    elif name == "event":
                        event = value
                    elif name == "data" and not event:
                        yield json.loads(value)
                    elif name == "data" and event == "status":
                        status = json.loads(value)
                        kind = "simulated " if status["simulated"] else ""
                        print("#", f"{kind}{status['state']} {status['reason']}".rstrip(), flush=True)
                    elif not name:
                        event = ""
        except (OSError, http.client.HTTPException) as error:
            print("# trying again:", error, flush=True)
        time.sleep(2)


for update in updates():
    print(update["symbol"], update["price"], flush=True)
`;
}

function javascript(origin, symbols) {
  return `<script type="module">
  import { Relay } from "${origin}/static/relay.js";

  const relay = new Relay({ url: "${origin}/events", symbols: ${JSON.stringify(symbols)}, rate: 2 });
  relay.onupdates = (updates) => {
    for (const { symbol, price } of updates) console.log(symbol, price);
  };
  relay.onstatus = ({ state, reason }) => {
    document.title = \`\${state} \${reason}\`;
  };
</script>
`;
}

function query(origin, symbols) {
  return `let
  Source = Csv.Document(
    Web.Contents("${origin}", [RelativePath = "api/prices.csv", Query = [symbols = "${symbols.join(",")}"]]),
    [Delimiter = ",", Encoding = 65001]
  ),
  Headed = Table.PromoteHeaders(Source),
  Prices = Table.TransformColumnTypes(Headed, {{"price", type number}, {"time", type datetimezone}}, "en-US")
in
  Prices
`;
}
