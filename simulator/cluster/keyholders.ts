import { keyFrom } from "./signatures.ts";

/** Of whom two decide. */
export const GOVERNORS = [101, 102, 103].map(keyFrom);
export const QUORUM = 2;
export const GUARDIANS = [111, 112, 113].map(keyFrom);
/** Signs what it likes, and no config knows it. */
export const STRANGER = keyFrom(121);
