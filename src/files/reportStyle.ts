/** The style sheet of a report's page. Colours have a contrast of 4.5 or more with what is behind them (WCAG 2.1, 1.4.3). */
export const PAGE_STYLE = `
:root { color-scheme: light dark; --text: #1b1b1b; --back: #fff; --box: #f3f3f3; --quiet: #595959; --edge: #c8c8c8;
  --good: #0b6a0b; --bad: #a4262c; --warn: #8a5300; --blue: #005a9e; --teal: #006d6f; --grey: #6b6b6b; }
@media (prefers-color-scheme: dark) { :root { --text: #f0f0f0; --back: #1b1b1b; --box: #2a2a2a; --quiet: #b5b5b5;
  --edge: #555; --good: #6fcf6f; --bad: #ff8a8a; --warn: #f2b866; --blue: #74b9f5; --teal: #5fd0d3; --grey: #a8a8a8; } }
body { margin: 0; background: var(--back); color: var(--text); font: 16px/1.45 system-ui, sans-serif; }
main { max-width: 60rem; margin: 0 auto; padding: 1rem; }
header { border-left: .6rem solid var(--good); padding: .2rem 1rem; background: var(--box); }
header.failures, header.interrupted, header.refused { border-color: var(--bad); }
header.cancelled { border-color: var(--warn); }
h1 { margin: .3rem 0; font-size: 2rem; } h2 { font-size: 1.25rem; margin: 1.6rem 0 .5rem; }
h3 { font-size: 1rem; margin: 0; overflow-wrap: anywhere; } p { margin: .3rem 0; overflow-wrap: anywhere; }
.when, .dn, .legend { color: var(--quiet); font-size: .875rem; overflow-wrap: anywhere; }
.error { border-left: .6rem solid var(--bad); padding: .2rem 1rem; margin-top: .8rem; background: var(--box); }
.error h2 { margin: .2rem 0; } pre { white-space: pre-wrap; overflow-wrap: anywhere; font-size: .8rem; }
.notice { color: var(--warn); } .failed .why, .unknown .why { color: var(--bad); }
.counts { display: grid; grid-template-columns: repeat(auto-fill, minmax(5.4rem, 1fr)); gap: .5rem; margin-top: 1rem; }
.counts div { background: var(--box); padding: .4rem .6rem; } .counts b { display: block; font-size: 1.5rem; }
.counts .none { color: var(--quiet); } .counts .failed b, .counts .unknown b { color: var(--bad); }
article { border-left: .3rem solid var(--edge); padding: .2rem .8rem; margin: .7rem 0; }
article.failed, article.unknown { border-color: var(--bad); } article.applied { border-color: var(--good); }
.state { font-weight: normal; color: var(--quiet); } .failed .state, .unknown .state { color: var(--bad); }
table { border-collapse: collapse; font-size: .875rem; width: 100%; margin: .3rem 0; }
td, th { text-align: left; vertical-align: top; padding: .15rem .5rem .15rem 0; overflow-wrap: anywhere; }
article table { table-layout: fixed; } article td:first-child { width: 28%; } .arrow { width: 1.2rem; } i { color: var(--quiet); }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .2rem 1rem; } dd { margin: 0; overflow-wrap: anywhere; }
dt { color: var(--quiet); } ul { padding-left: 1.2rem; } svg { width: 100%; height: auto; }
svg text { fill: var(--quiet); font-size: 11px; } .axis { stroke: var(--edge); } .touch { fill: transparent; }
rect.created { fill: var(--good); } rect.updated { fill: var(--blue); } rect.enabled { fill: var(--teal); }
rect.disabled { fill: var(--warn); } rect.deleted { fill: var(--grey); } rect.skipped { fill: var(--edge); }
rect.failed { fill: var(--bad); } .current { fill: var(--text); }
.legend span { margin-right: .8rem; } .legend span::before { content: "\\25A0 "; }
.legend .created::before { color: var(--good); } .legend .updated::before { color: var(--blue); }
.legend .enabled::before { color: var(--teal); } .legend .disabled::before { color: var(--warn); }
.legend .deleted::before { color: var(--grey); } .legend .skipped::before { color: var(--edge); }
.legend .failed::before { color: var(--bad); }
`;
