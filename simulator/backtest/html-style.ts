/** Colours tell nothing alone: every lane and mark has its words too. */
export const STYLE = `
:root { color-scheme: light dark; --paper: #fbfbf9; --ink: #1c2326; --faint: #6a7478; --rule: #d9dcda; --line: #17517e; --band: #9cc3e3;
  --range: #5b96c6; --gas: #8a5a00; --closed: #cfe3d8; --half: #e5b93c; --open: #d9622b; --none: #8c1d3f; --reason: #5d5391; --true: #d9622b33; --false: #2f8f6033; }
@media (prefers-color-scheme: dark) { :root { --paper: #14181a; --ink: #e6e9e8; --faint: #98a3a7; --rule: #333b3f; --line: #8ec5f0;
  --band: #264d6b; --range: #3b77a5; --gas: #e0b254; --closed: #24392f; --half: #c79a22; --open: #e0733d; --none: #c7426c; --reason: #9d92d6; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 76rem; padding: 1rem; background: var(--paper); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.5rem; margin: .5rem 0; } h2 { font-size: 1.25rem; margin: 2.5rem 0 .25rem; } h3 { font-size: 1rem; margin: 1.25rem 0 .25rem; }
p, ul { margin: .35rem 0; } .faint, .axis, .scale, .name, .legend { color: var(--faint); font-size: .8rem; }
.scroll { overflow-x: auto; } table { border-collapse: collapse; font-size: .85rem; font-variant-numeric: tabular-nums; }
th, td { text-align: right; padding: .25rem .6rem; border-bottom: 1px solid var(--rule); white-space: nowrap; }
th { white-space: normal; vertical-align: bottom; min-width: 4.5rem; } th:first-child, td:first-child { text-align: left; position: sticky; left: 0; background: var(--paper); }
.words td:last-child, .words th:last-child { text-align: left; white-space: normal; min-width: 14rem; }
.lane, .axis { display: grid; grid-template-columns: 5.5rem 1fr; gap: .5rem; align-items: center; margin: 2px 0; }
.field { position: relative; min-width: 0; } svg { display: block; width: 100%; } .plot svg, .lane svg { background: color-mix(in srgb, var(--rule) 30%, transparent); }
.scale { position: absolute; inset: 0; display: flex; flex-direction: column; justify-content: space-between; pointer-events: none; padding: 0 .25rem; }
.scale span { align-self: flex-start; background: color-mix(in srgb, var(--paper) 75%, transparent); padding: 0 .2rem; line-height: 1.2; }
.axis div { display: flex; justify-content: space-between; }
.band { fill: var(--band); opacity: .55; } .range { fill: var(--range); stroke: var(--range); stroke-width: .5; } .line { fill: none; stroke: var(--line); stroke-width: 1.2; }
.line, .range { vector-effect: non-scaling-stroke; } .gas { stroke: var(--gas); } .reason { fill: var(--reason); }
.label-true { fill: var(--true); } .label-false { fill: var(--false); }
.level-closed { fill: var(--closed); background: var(--closed); } .level-half-open { fill: var(--half); background: var(--half); }
.level-open { fill: var(--open); background: var(--open); } .level-none { fill: var(--none); background: var(--none); }
.legend { display: flex; flex-wrap: wrap; gap: .25rem 1rem; } .legend i { display: inline-block; width: .9rem; height: .9rem; margin-right: .35rem; vertical-align: -.1rem; }
.runs { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 34rem), 1fr)); gap: 1.25rem; } .runs > div { min-width: 0; }
details { margin: .5rem 0; } summary { cursor: pointer; }
@media (max-width: 40rem) { body { padding: .6rem; font-size: 15px; } .lane, .axis { grid-template-columns: 3.6rem 1fr; gap: .3rem; }
  .axis div span:nth-child(even) { display: none; } .name { font-size: .7rem; overflow-wrap: anywhere; } }
`;
