import { describe, expect, test } from "vitest";
import { SETTINGS } from "../../../simulator/trial/plan.ts";
import { createSettings, SHAPES, VENUES, venueIndex } from "../../../simulator/trial/settings.ts";
import { testKeys } from "../../support/network.ts";

const SIZES = [4, 7, 10, 13];
const keys = testKeys(13);
const settings = createSettings(keys);
const cases = SETTINGS.flatMap((setting) => SIZES.map((n) => ({ setting, n })));

describe("the settings of trials", () => {
  test.each(cases)("$setting with $n nodes is a network the parser takes, its committee in the keys' order", ({ setting, n }) => {
    const { config, committee } = settings.network(setting, n);
    expect(committee.members.map((member) => member.address)).toEqual(keys.slice(0, n).map(({ address }) => address));
    expect(config.roundMs).toBe(SHAPES[setting].roundMs);
    expect(config).toMatchObject({ graceMs: 150, hopBudgetMs: 50, maxSkewMs: 250, restartRounds: 3 });
  });

  test("one network a setting and size, made once", () => {
    expect(settings.network("slow", 7)).toBe(settings.network("slow", 7));
    expect(settings.network("slow", 7).genesisConfigDigest).not.toBe(settings.network("slow", 4).genesisConfigDigest);
  });

  test("keys out of order are refused: node i would not be member i", () => {
    const turned = createSettings([...keys].reverse());
    expect(() => turned.network("one-feed", 4)).toThrow("committee order");
  });

  test.each(SETTINGS)("every venue of %s is the source of something, none beyond them", (setting) => {
    const venues = new Set(settings.network(setting, 4).config.feeds.flatMap((feed) => feed.sources.map(({ venue }) => venue)));
    const indices = [...venues].map(venueIndex).sort((a, b) => a - b);
    expect(indices).toEqual(Array.from({ length: VENUES[setting] }, (_, index) => index));
  });

  test.each(SETTINGS)("the thresholds that %s fixes hold for each of its feeds", (setting) => {
    for (const feed of settings.network(setting, 4).config.feeds)
      expect(feed.thresholds).toMatchObject(SHAPES[setting].thresholds);
  });

  test("a basket feed of 'second' has three others to be explained by", () => {
    expect(settings.network("second", 4).config.basket.length).toBeGreaterThanOrEqual(4);
  });
});
