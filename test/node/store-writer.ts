/** Writes rounds until it is killed; a number on stdout acknowledges that round's signing, certificate and body. */
import { writeSync } from "node:fs";
import { OperationalError } from "../../node/io/operational-error.ts";
import { openStore } from "../../node/io/store.ts";
import { bodyOf, DOMAIN, digestOf, roundOf } from "./store-fixtures.ts";

const [path = ""] = process.argv.slice(2);
try {
  const store = openStore({ path, domain: DOMAIN });
  for (let round = (store.latest()?.certified.certificate.header.round ?? 0) + 1; ; round++) {
    store.recordSigned({ kind: "round", round, configDigest: digestOf("config"), digest: digestOf(`signed ${round}`) });
    const certified = roundOf(round);
    store.saveRound({ certified, body: bodyOf(certified) });
    writeSync(1, `${round}\n`);
  }
} catch (error) {
  writeSync(2, error instanceof OperationalError ? `${error.code} ${error.message}` : String(error));
  process.exit(3);
}
