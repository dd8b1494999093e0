/**
 * One row an alert: series under which it fires at `at`, and series, close to those, under which it does not. Values are promtool's: `a+bxn`
 * is a start, a step and how many steps; the step is a quarter of a minute.
 */
export type AlertCase = {
  readonly at: string;
  readonly fires: Readonly<Record<string, string>>;
  readonly quiet: Readonly<Record<string, string>>;
};

const NODE = 'job="breakwater-node", instance="node0"';
const OTHER = 'job="breakwater-node", instance="node1"';
const GATEWAY = 'job="breakwater-gateway", instance="gateway0"';

/** A quarter of a minute is 15 rounds. */
const ROUNDS = `breakwater_rounds_certified_total{${NODE}}`;
const ROUND = `breakwater_round{${NODE}}`;
const VALID = `breakwater_valid_until_seconds{${NODE}}`;
const EVENTS = (code: string): string => `breakwater_events_total{${NODE}, code="${code}"}`;
const INCLUDED = (included: string): string => `breakwater_own_inclusion_total{${NODE}, included="${included}"}`;
const SOURCES = (status: string): string => `breakwater_feed_sources{${NODE}, feed="ETH/USD", status="${status}"}`;
const VENUE = (code: string): string => `breakwater_venue_request_seconds_count{${NODE}, venue="kraken", code="${code}"}`;
const RPC = (code: string): string =>
  `breakwater_rpc_request_seconds_count{${NODE}, chain="ETHEREUM", endpoint="0 one.example", code="${code}"}`;
const STATE = (instance: string): string => `breakwater_breaker_state{${instance}, feed="ETH/USD"}`;
const FREE = `breakwater_storage_free_bytes{${NODE}}`;
const ENTRIES = (code: string): string => `breakwater_follower_entries_total{${GATEWAY}, source="redis:0x01", code="${code}"}`;
const HTTP = (route: string, status: string): string =>
  `breakwater_http_request_duration_seconds_count{${GATEWAY}, method="GET", route="${route}", status="${status}"}`;
const DROPPED = `breakwater_stream_readers_dropped_total{${GATEWAY}, reason="slow"}`;

/** A node's or gateway's histogram of which `slow` of 15 events in a quarter of a minute lie above `limit`, all below 1.6 and 2.5. */
function histogram(name: string, labels: string, { limit, slow }: { readonly limit: string; readonly slow: number }) {
  return {
    [`${name}_bucket{${labels}, le="${limit}"}`]: `0+${15 - slow}x400`,
    [`${name}_bucket{${labels}, le="2.5"}`]: "0+15x400",
    [`${name}_bucket{${labels}, le="+Inf"}`]: "0+15x400",
  };
}

export const ALERT_CASES: Readonly<Record<string, AlertCase>> = {
  BreakwaterNoRounds: { at: "10m", fires: { [ROUNDS]: "100+15x20 400x40" }, quiet: { [ROUNDS]: "100+15x30 550x1 565+15x40" } },
  BreakwaterLeaseNearlyOver: {
    at: "10m45s",
    // The clock starts at zero: a lease of 60 s is good until 60 s from now.
    fires: { [VALID]: "60+15x39 645x20" },
    quiet: { [VALID]: "60+15x60" },
  },
  BreakwaterLeaseOver: { at: "12m", fires: { [VALID]: "60+15x40 660x20" }, quiet: { [VALID]: "60+15x44 720x20" } },
  BreakwaterRoundsMissed: {
    at: "40m",
    fires: { [ROUNDS]: "0+12x200", [ROUND]: "1000+15x200" },
    quiet: { [ROUNDS]: "0+14x200", [ROUND]: "1000+15x200" },
  },
  BreakwaterSlowRounds: {
    at: "20m",
    fires: histogram("breakwater_certificate_delay_seconds", NODE, { limit: "0.8", slow: 1 }),
    quiet: histogram("breakwater_certificate_delay_seconds", NODE, { limit: "0.8", slow: 0 }),
  },
  BreakwaterEquivocationSeen: {
    at: "70m",
    fires: { [EVENTS("equivocation")]: "0x200 1x200" },
    quiet: { [EVENTS("equivocation")]: "1x400", [EVENTS("no-quorum")]: "0+1x400" },
  },
  BreakwaterNodeDown: {
    at: "10m",
    fires: { [`up{${NODE}}`]: "1x30 0x30" },
    quiet: { [`up{${NODE}}`]: "1x38 0x2 1x20", [`up{${GATEWAY}}`]: "0x60" },
  },
  BreakwaterNodeHalted: {
    at: "5m",
    fires: { [`breakwater_phase{${NODE}, phase="halted"}`]: "0x10 1x30" },
    quiet: { [`breakwater_phase{${NODE}, phase="halted"}`]: "0x30", [`breakwater_phase{${NODE}, phase="running"}`]: "1x30" },
  },
  BreakwaterNodeQuarantined: {
    at: "10m",
    fires: { [`breakwater_phase{${NODE}, phase="quarantine"}`]: "1x60" },
    quiet: { [`breakwater_phase{${NODE}, phase="quarantine"}`]: "0x28 1x20" },
  },
  BreakwaterNodeExcluded: {
    at: "20m",
    fires: { [INCLUDED("yes")]: "0+5x100", [INCLUDED("no")]: "0+10x100" },
    quiet: { [INCLUDED("yes")]: "0+10x100", [INCLUDED("no")]: "0+5x100" },
  },
  BreakwaterPeersLost: {
    at: "20m",
    fires: { [`breakwater_peers{${NODE}}`]: "3x40 2x60" },
    quiet: { [`breakwater_peers{${NODE}}`]: "2x40 3x60" },
  },
  BreakwaterClockSkew: {
    at: "10m",
    fires: { [`breakwater_clock_offset_seconds{${NODE}}`]: "-0.15x60" },
    quiet: { [`breakwater_clock_offset_seconds{${NODE}}`]: "0.05x60" },
  },
  BreakwaterStoreDamaged: {
    at: "70m",
    fires: { [EVENTS("stored-head-unusable")]: "0x200 1x200" },
    quiet: { [EVENTS("stored-head-unusable")]: "0x400", [EVENTS("left-out")]: "0+1x400" },
  },
  BreakwaterInternalFault: {
    at: "70m",
    fires: { [EVENTS("internal-fault")]: "0x200 1x200" },
    quiet: { [EVENTS("internal-fault")]: "3x400" },
  },
  BreakwaterDiskFillingUp: {
    at: "2h",
    // 20 MB a minute of 20 GB: full in 17 hours.
    fires: { [FREE]: "20e9-5e6x480" },
    quiet: { [FREE]: "20e9-1e6x480" },
  },
  BreakwaterDiskAlmostFull: { at: "10m", fires: { [FREE]: "9e8x60" }, quiet: { [FREE]: "2e9x60" } },
  BreakwaterProcessStarved: {
    at: "20m",
    fires: { [`nodejs_eventloop_lag_p99_seconds{${NODE}}`]: "0.4x100" },
    quiet: { [`nodejs_eventloop_lag_p99_seconds{${NODE}}`]: "0.1x100", 'nodejs_eventloop_lag_p99_seconds{job="other"}': "2x100" },
  },
  BreakwaterAlertsNotDelivered: {
    at: "10m",
    fires: { [`breakwater_alerts_sent_total{${NODE}, kind="halted", outcome="lost"}`]: "0x20 1x40" },
    quiet: { [`breakwater_alerts_sent_total{${NODE}, kind="halted", outcome="delivered"}`]: "0+1x60" },
  },
  BreakwaterFeedPaused: {
    at: "10m",
    // The newest of the nodes counts: a node that is behind pauses nothing.
    fires: { [STATE(NODE)]: "2x20 0x40", [STATE(OTHER)]: "2x20 0x40" },
    quiet: { [STATE(NODE)]: "2x20 0x40", [STATE(OTHER)]: "2x20 1x40" },
  },
  BreakwaterFeedPausedLong: { at: "60m", fires: { [STATE(NODE)]: "0x300" }, quiet: { [STATE(NODE)]: "0x100 1x1 0x200" } },
  BreakwaterSourcesDecayed: {
    at: "20m",
    fires: { [SOURCES("used")]: "4x100", [SOURCES("dropped")]: "4x100" },
    quiet: { [SOURCES("used")]: "5x100", [SOURCES("dropped")]: "3x100" },
  },
  BreakwaterVenueFailing: {
    at: "20m",
    fires: { [VENUE("ok")]: "0+5x100", [VENUE("timeout")]: "0+10x100" },
    quiet: { [VENUE("ok")]: "0+10x100", [VENUE("timeout")]: "0+5x100" },
  },
  BreakwaterVenueStreamDown: {
    at: "20m",
    fires: { [`breakwater_venue_stream_up{${NODE}, venue="kraken"}`]: "0x100" },
    quiet: { [`breakwater_venue_stream_up{${NODE}, venue="kraken"}`]: "0x40 1x1 0x60" },
  },
  BreakwaterRpcEndpointFailing: {
    at: "20m",
    fires: { [RPC("ok")]: "0+5x100", [RPC("http-status")]: "0+10x100" },
    quiet: { [RPC("ok")]: "0+10x100", [RPC("http-status")]: "0+5x100" },
  },
  BreakwaterGatewayDown: {
    at: "10m",
    fires: { [`up{${GATEWAY}}`]: "1x30 0x30" },
    quiet: { [`up{${GATEWAY}}`]: "1x60", [`up{${NODE}}`]: "0x60" },
  },
  BreakwaterGatewayBehind: {
    at: "20m",
    fires: { [ROUND]: "1000+15x100", [`breakwater_round{${GATEWAY}}`]: "980+15x100" },
    quiet: {
      [ROUND]: "1000+15x100",
      [`breakwater_round{${GATEWAY}}`]: "999+15x100",
      // It has just started, and reads what it missed.
      [`process_start_time_seconds{${GATEWAY}}`]: "_x48 720x60",
      ...histogram("breakwater_follower_delay_seconds", GATEWAY, { limit: "1", slow: 15 }),
    },
  },
  BreakwaterGatewayLeaseOver: {
    at: "12m",
    fires: { [`breakwater_valid_until_seconds{${GATEWAY}}`]: "60+15x40 660x20" },
    quiet: { [`breakwater_valid_until_seconds{${GATEWAY}}`]: "60+15x60", [VALID]: "60x60" },
  },
  BreakwaterGatewaySourceDown: {
    at: "10m",
    fires: { [`breakwater_follower_source_up{${GATEWAY}, source="redis:0x01"}`]: "1x20 0x40" },
    quiet: { [`breakwater_follower_source_up{${GATEWAY}, source="redis:0x01"}`]: "1x35 0x3 1x20" },
  },
  BreakwaterFollowerRefusals: {
    at: "5m",
    // The first refusal of a source brings its series with it.
    fires: { [ENTRIES("head")]: "0+15x40", [ENTRIES("certificate")]: "_x15 1x20" },
    quiet: { [ENTRIES("head")]: "0+15x40", [ENTRIES("duplicate")]: "0+45x40", [ENTRIES("future")]: "0+1x40" },
  },
  BreakwaterRedisDown: {
    at: "10m",
    fires: { [`breakwater_redis_up{${NODE}}`]: "1x20 0x40" },
    quiet: { [`breakwater_redis_up{${NODE}}`]: "1x38 0x2 1x20" },
  },
  BreakwaterLimitsRedisDown: {
    at: "20m",
    fires: { [`breakwater_limits_redis_up{${GATEWAY}}`]: "0x100" },
    quiet: { [`breakwater_limits_redis_up{${GATEWAY}}`]: "1x100" },
  },
  BreakwaterReadersDropped: { at: "10m", fires: { [DROPPED]: "0+1x60" }, quiet: { [DROPPED]: "0x30 5x30" } },
  BreakwaterGatewayErrors: {
    at: "20m",
    fires: { [HTTP("/v1/feeds/:id", "200")]: "0+90x100", [HTTP("/v1/feeds/:id", "503")]: "0+10x100" },
    quiet: { [HTTP("/v1/feeds/:id", "200")]: "0+90x100", [HTTP("/health/ready", "503")]: "0+90x100" },
  },
};
