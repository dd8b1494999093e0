/**
 * What a venue's own servers write with a 429, after the error tables of their documentation. Kraken, Bitfinex and HTX state
 * limits with status 200 as well; here the status that was asked for is what goes out.
 */
const RATE_LIMIT_BODIES: ReadonlyMap<string, string> = new Map([
  ["binance", '{"code":-1003,"msg":"Too much request weight used; current limit is 6000 request weight per 1 MINUTE."}'],
  ["bitfinex", '{"error":"ERR_RATE_LIMIT"}'],
  ["bitget", '{"code":"429","msg":"Too Many Requests","requestTime":0,"data":null}'],
  ["bybit", '{"retCode":10006,"retMsg":"Too many visits!","result":{},"retExtInfo":{},"time":0}'],
  ["coinbase", '{"message":"Public rate limit exceeded"}'],
  ["crypto.com", '{"id":-1,"method":"public/get-tickers","code":"42901","message":"RATE_LIMIT"}'],
  ["gate", '{"label":"TOO_MANY_REQUESTS","message":"Request Rate limit Exceeded"}'],
  ["gemini", '{"result":"error","reason":"RateLimit","message":"Requests were made too frequently"}'],
  ["htx", '{"status":"error","err-code":"rate-too-many-requests","err-msg":"too many requests","data":null}'],
  ["kraken", '{"error":["EGeneral:Too many requests"]}'],
  ["kucoin", '{"code":"429000","msg":"Too many requests"}'],
  ["mexc", '{"code":429,"msg":"Too Many Requests"}'],
  ["okx", '{"msg":"Too Many Requests","code":"50011"}'],
  ["upbit", '{"error":{"name":429,"message":"Too many API requests."}}'],
]);

/** The body of a `status` fault: the venue's words for a 429 where they are known, else what a web server says. */
export function statusBody(venue: string, status: number): { readonly contentType: string; readonly body: string } {
  const own = status === 429 ? RATE_LIMIT_BODIES.get(venue) : undefined;
  if (own !== undefined) return { contentType: "application/json", body: own };
  return { contentType: "text/plain", body: `status ${status}` };
}
