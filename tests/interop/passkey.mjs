//! A passkey as a browser and its authenticator keep it (https://www.w3.org/TR/webauthn-2/).

import { createHash, generateKeyPairSync, sign } from "node:crypto";

const ORIGIN = "https://conclave.example";
/** Flag "user present" of the authenticator data. */
const PRESENT = 1;
const sha256 = (data) => createHash("sha256").update(data).digest();

export class Passkey {
  #pair = generateKeyPairSync("ec", { namedCurve: "prime256v1" });

  /** The public key, compressed, in hex. */
  get key() {
    const { x, y } = this.#pair.publicKey.export({ format: "jwk" });
    const [odd] = Buffer.from(y, "base64url").subarray(-1);
    return (odd % 2 === 0 ? "02" : "03") + Buffer.from(x, "base64url").toString("hex");
  }

  /** How an inbox gets it. */
  get added() {
    return { kind: "add_passkey", key: this.key, relying_party: ORIGIN };
  }

  /** Signs as `inbox_change_sign` takes it; the text is the challenge. */
  sign(text) {
    const challenge = Buffer.from(text).toString("base64url");
    const clientData = Buffer.from(JSON.stringify({ type: "webauthn.get", challenge, origin: ORIGIN }));
    const authenticator = Buffer.concat([sha256(new URL(ORIGIN).hostname), Buffer.from([PRESENT, 0, 0, 0, 1])]);
    const signature = sign("sha256", Buffer.concat([authenticator, sha256(clientData)]), this.#pair.privateKey);
    return {
      kind: "passkey",
      public_key: this.key,
      authenticator_data: authenticator.toString("hex"),
      client_data_json: clientData.toString("hex"),
      signature: signature.toString("hex"),
    };
  }
}
